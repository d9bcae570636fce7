"""The residual network: shapes, identity shortcuts, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from visrec.core.errors import InputError
from visrec.training.deterministic import deterministic
from visrec.training.resnet import ResidualBlock, ResNet


def pictures(n, size=32):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, 3, size, size)).astype(np.float32))


@pytest.mark.parametrize(("blocks", "layers"), [(1, 8), (3, 20)])
def test_it_has_the_papers_layers_and_weights(blocks, layers):
    network = ResNet(blocks)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    # The paper counts 6n + 2 with the layer of classes, which is not here.
    assert len(convolutions) == layers - 1
    assert all(m.kernel_size == (3, 3) for m in convolutions)
    if blocks == 3:
        # Table 6: ResNet-20 has 0.27 M; ten classes add 650.
        assert round((sum(p.numel() for p in network.parameters()) + 650) / 1e6, 2) == 0.27


def test_resolution_halves_where_channels_double():
    network = ResNet(2)
    x = network.stem(pictures(2))
    shapes = []
    for block in network.stages:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32)] * 2 + [(32, 16, 16)] * 2 + [(64, 8, 8)] * 2
    assert network(pictures(2)).shape == (2, network.dim) == (2, 64)


@pytest.mark.parametrize("size", [4, 7, 33, 64])
def test_pictures_of_any_size(size):
    assert ResNet(1).eval()(pictures(2, size)).shape == (2, 64)


def test_without_a_change_a_block_passes_on_what_comes_in():
    block = ResidualBlock(4, 4).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = pictures(2)[:, :1].repeat(1, 4, 1, 1)
    torch.testing.assert_close(block(x), functional.relu(x))


def test_the_shortcut_takes_every_other_pixel_and_adds_empty_channels():
    block = ResidualBlock(2, 5, stride=2).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = pictures(1, 6)[:, :2].abs()
    out = block(x)
    assert out.shape == (1, 5, 3, 3)
    torch.testing.assert_close(out[:, :2], x[:, :, ::2, ::2])
    assert (out[:, 2:] == 0).all()


def test_a_block_by_hand():
    block = ResidualBlock(1, 1).eval()
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[0, 0, 1, 1] = 2.0
    shifted = torch.zeros(1, 1, 3, 3)
    shifted[0, 0, 1, 2] = 3.0  # takes the pixel to the right
    with torch.no_grad():
        block.conv1.weight.copy_(kernel)
        block.conv2.weight.copy_(shifted)
    x = torch.tensor([[[[1.0, -2.0, 4.0]]]])
    # relu(2x) = 2, 0, 8; times 3 from the right = 0, 24, 0; plus x = 1, 22, 4 (batch norm divides by sqrt(1 + 1e-5)).
    torch.testing.assert_close(block(x), torch.tensor([[[[1.0, 22.0, 4.0]]]]), rtol=1e-4, atol=1e-4)


def test_it_tells_a_pattern_from_its_turn():
    """Stripes upright or lying: the mean colour says nothing, so a network without convolutions would fail."""
    size, n = 8, 32
    generator = np.random.default_rng(1)
    upright = np.arange(n) % 2 == 0
    waves = np.sin(np.arange(size)[None, :] * 1.5 + generator.uniform(0, 6, size=(n, 1)))
    grid = np.where(upright[:, None, None], waves[:, None, :], waves[:, :, None])
    x = torch.from_numpy(np.repeat(grid[:, None], 3, axis=1).astype(np.float32).copy())
    y = torch.from_numpy(upright.astype(np.float32))
    with deterministic(0):
        network, head = ResNet(1, (8, 16)), torch.nn.Linear(16, 1)
        optimiser = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=1e-2)
        for _ in range(20):
            optimiser.zero_grad()
            functional.binary_cross_entropy_with_logits(head(network(x[:24]))[:, 0], y[:24]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            guess = head(network(x[24:]))[:, 0] > 0
    assert (guess.numpy() == upright[24:]).all()


@pytest.mark.parametrize(("blocks", "widths"), [(0, (16,)), (1, ())])
def test_a_network_without_layers_is_refused(blocks, widths):
    with pytest.raises(InputError, match="1 or more blocks"):
        ResNet(blocks, widths)
