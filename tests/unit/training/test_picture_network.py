"""Networks by the name of their backbone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visrec.core.errors import InputError
from visrec.training.deterministic import deterministic
from visrec.training.picture_network import BACKBONES, as_pictures, make_picture_network


def pictures(n, size=32):
    return torch.from_numpy(np.random.default_rng(0).uniform(size=(n, 3, size, size)).astype(np.float32))


@pytest.mark.parametrize("name", BACKBONES)
def test_they_follow_the_seed(name):
    def weights():
        with deterministic(3):
            network = make_picture_network(name, 32, 7)
        assert network.eval()(pictures(2)).shape == (2, network.dim) == (2, 7)
        return [p.detach().numpy() for p in network.parameters()]

    for first, second in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", BACKBONES)
def test_gradients_reach_every_layer_but_the_front(name):
    with deterministic(1):
        network = make_picture_network(name, 32, 4, pretrained=False).train()
        # A batch norm's own sum of squares is constant: pull on one direction instead.
        (network(pictures(6)) * torch.arange(24.0).reshape(6, 4)).sum().backward()
    assert not any(p.requires_grad for p in network.front.parameters())
    assert network.frozen == (name == "efficientnet")
    for part in (network.back, network.head):
        for layer, weight in part.named_parameters():
            assert weight.grad is not None and weight.grad.abs().sum() > 0, layer


def test_settled_norms_have_the_statistics_of_the_batches():
    with deterministic(1):
        network = make_picture_network("cnn", 32, 5)
    x = pictures(40)
    network.settle([network.front(x)] * 2)
    assert not any(module.training for module in network.modules())
    with torch.no_grad():
        vectors = network(x)
    torch.testing.assert_close(vectors.mean(dim=0), torch.zeros(5), atol=0.05, rtol=0)
    torch.testing.assert_close(vectors.std(dim=0), torch.ones(5), atol=0.05, rtol=0)


def test_bytes_become_pictures():
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    found = as_pictures(pixels)
    assert found.shape == (2, 3, 4, 4)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[1, 2, 3, 0].item(), pixels[1, 3, 0, 2] / 255)


def test_an_unknown_one_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="cnn, resnet, efficientnet.*'vgg'"):
        make_picture_network("vgg", 64, 4)
