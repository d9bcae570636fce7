"""A small convolutional network for small pictures."""

from __future__ import annotations

import torch
from torch import nn

from visrec.core.errors import InputError

__all__ = ["ConvNet"]


class ConvNet(nn.Module):
    """Convolution, batch norm, ReLU and 2 x 2 max pooling, once for each width; then a dense layer.

    float32 (n, 3, size, size) -> (n, dim). Filters share their weights over the picture and pooling makes them
    indifferent to small shifts, as in LeCun et al. (1998), Gradient-based learning applied to document recognition,
    doi:10.1109/5.726791, with ReLU and batch norm (Ioffe & Szegedy 2015, arXiv:1502.03167) instead of sigmoids and
    trained subsampling. The first filters are 5 x 5 and take every other place, the others 3 x 3.

    Args:
        size: height and width of the pictures, a multiple of 2 to the number of widths plus 1.
        dim: length of the output.
        widths: channels after each convolution.
        dropout: share of the output left out in training.

    Raises:
        InputError: on a size that does not divide.
    """

    def __init__(
        self, size: int = 64, dim: int = 128, widths: tuple[int, ...] = (24, 48, 96, 128), dropout: float = 0.2
    ) -> None:
        super().__init__()
        step = 2 ** (len(widths) + 1)
        if size < step or size % step:
            raise InputError(f"Expected pictures of a multiple of {step} pixels, got {size}.")
        self.dim = dim
        stages = [_stage(3, widths[0], 5, 2)]
        stages += [_stage(before, after, 3, 1) for before, after in zip(widths, widths[1:], strict=False)]
        self.features = nn.Sequential(*stages)
        self.dense = nn.Sequential(nn.Linear(widths[-1] * (size // step) ** 2, dim), nn.ReLU(), nn.Dropout(dropout))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Normalised pictures, float32 (n, 3, size, size), as vectors (n, dim)."""
        return self.dense(self.features(pictures).flatten(1))


def _stage(before: int, after: int, side: int, stride: int) -> nn.Sequential:
    # No bias: batch norm subtracts it again.
    convolution = nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))
