"""The plain convolutional network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visrec.core.errors import InputError
from visrec.training.convnet import ConvNet


def pictures(n, size):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, 3, size, size)).astype(np.float32))


@pytest.mark.parametrize("size", [32, 64, 96])
def test_shapes(size):
    network = ConvNet(size, dim=10).eval()
    assert network.features(pictures(2, size)).shape == (2, 128, size // 32, size // 32)
    assert network(pictures(2, size)).shape == (2, 10)


def test_multiplications_of_the_default():
    counted = []

    def count(module, inputs, output):
        counted.append(module.weight.numel() * (output[0, 0].numel() if output.dim() == 4 else 1))

    network = ConvNet().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    network(pictures(1, 64))
    # 24·75·32² + 48·216·16² + 96·432·8² + 128·864·4² + 512·128
    assert sum(counted) == 1_843_200 + 2_654_208 + 2_654_208 + 1_769_472 + 65_536


def test_a_stage_by_hand():
    network = ConvNet(4, dim=1, widths=(1,)).eval()
    convolution = network.features[0][0]
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 1, 2, 2] = 2.0  # twice the green of every other pixel itself
    x = torch.zeros(1, 3, 4, 4)
    x[0, 1, ::2, ::2] = torch.tensor([[-1.0, 3.0], [2.0, 0.5]])
    torch.testing.assert_close(network.features(x), torch.tensor([[[[6.0]]]]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [16, 50])
def test_a_size_that_does_not_divide_is_refused(size):
    with pytest.raises(InputError, match=f"multiple of 32 pixels, got {size}"):
        ConvNet(size)
