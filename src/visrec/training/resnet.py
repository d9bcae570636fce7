"""A residual network for small pictures, trained from scratch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from visrec.core.errors import InputError

__all__ = ["ResNet", "ResidualBlock"]


class ResidualBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), F = two 3 x 3 convolutions with batch norm.

    Where the block halves the resolution, the shortcut takes every other pixel and fills the new channels with zeros:
    option A of the paper, without a parameter of its own.

    Args:
        before: channels that come in.
        after: channels that go out, at least as many.
        stride: 1, or 2 to halve the resolution.
    """

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = after - before
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 (n, before, h, w) -> (n, after, ceil(h / stride), ceil(w / stride))."""
        change = functional.relu(self.norm1(self.conv1(x)))
        change = self.norm2(self.conv2(change))
        return functional.relu(change + self.shortcut(x))

    def shortcut(self, x: torch.Tensor) -> torch.Tensor:
        """What the change is added to: x itself where the shape stays."""
        if self.stride == 1 and not self.new_channels:
            return x
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


class ResNet(nn.Module):
    """The residual networks that the paper trains on CIFAR-10: 6n + 2 layers, about 0.08 M weights at n = 1.

    float32 (n, 3, size, size) -> (n, widths[-1]): a 3 x 3 convolution, three stages of n blocks at full, half and
    quarter resolution, and the mean over all places. The paper's last layer, classes, is left to who uses it.

    He, Zhang, Ren & Sun (2016), Deep residual learning for image recognition, section 4.2, arXiv:1512.03385; weights
    drawn as in He et al. (2015), arXiv:1502.01852.

    Args:
        blocks: n, blocks of each stage; 3 is the paper's ResNet-20.
        widths: channels of the stages.

    Raises:
        InputError: without a block or a stage.
    """

    def __init__(self, blocks: int = 3, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        if blocks < 1 or not widths:
            raise InputError(f"Expected 1 or more blocks and stages, got {blocks} and {len(widths)}.")
        self.dim = widths[-1]
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        stages = []
        before = widths[0]
        for number, width in enumerate(widths):
            for position in range(blocks):
                stride = 2 if number > 0 and position == 0 else 1
                stages.append(ResidualBlock(before, width, stride))
                before = width
        self.stages = nn.Sequential(*stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Normalised pictures, float32 (n, 3, size, size) of any size from 4, as vectors (n, dim)."""
        return self.stages(self.stem(pictures)).mean(dim=(2, 3))
