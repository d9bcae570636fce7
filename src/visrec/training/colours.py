"""Colour channels brought to one scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

__all__ = ["Colours"]

#: Pictures whose sums are taken at once: all of them as float64 would be eight times the pixels.
_BLOCK = 256


class Colours(nn.Module):
    """Brings each colour channel to mean 0 and deviation 1 over the training pictures; its statistics are saved."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("deviation", torch.ones(3))

    def fit(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Take the statistics of uint8 (n, size, size, 3), n at least 1."""
        blocks = [pixels[start : start + _BLOCK] for start in range(0, len(pixels), _BLOCK)]
        n = pixels.size // 3
        mean = sum((block / 255.0).sum(axis=(0, 1, 2)) for block in blocks) / n
        variance = sum(np.square(block / 255.0 - mean).sum(axis=(0, 1, 2)) for block in blocks) / n
        self.mean.copy_(torch.from_numpy(np.asarray(mean)))
        # Of one colour all over there is nothing to scale.
        self.deviation.copy_(torch.from_numpy(np.maximum(np.sqrt(variance), 0.05)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """float32 (n, 3, size, size), 0 to 1, normalised; channels last in memory, for convolutions are faster so."""
        normalised = (pictures - self.mean[:, None, None]) / self.deviation[:, None, None]
        return normalised.contiguous(memory_format=torch.channels_last)
