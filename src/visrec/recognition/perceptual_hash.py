"""64 bits that stay nearly the same when a picture is scaled, compressed or lit otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["HASH_DIM", "bits_of", "perceptual_hash"]

HASH_DIM = 4
"""Floats that hold a hash: 16 bits each, which float32 holds exactly."""
_SIDE, _KEPT = 32, 8


def perceptual_hash(image: Image) -> npt.NDArray[np.float32]:
    """Signs of the lowest frequencies of the cosine transform, about their median; float32 (HASH_DIM,).

    Reference:
        Zauner (2010), Implementation and Benchmarking of Perceptual Image Hash Functions, section 3.2.1 (DCT based).
    """
    from PIL.Image import Resampling
    from scipy.fft import dctn

    grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Resampling.BOX), dtype=np.float64)
    low = dctn(grey)[:_KEPT, :_KEPT].ravel()
    # The first one is the mean brightness, and as large as all others together. Rounded: a flat picture has no signs.
    bits = np.round(low, 6) > np.round(np.median(low[1:]), 6)
    bits[0] = False
    return np.asarray(bits.reshape(HASH_DIM, 16) @ (1 << np.arange(16)), dtype=np.float32)


def bits_of(hashes: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Hashes as numbers of 64 bits; uint64 (n,) of float32 (n, HASH_DIM)."""
    shifts = np.arange(HASH_DIM, dtype=np.uint64) * np.uint64(16)
    return np.asarray((hashes.astype(np.uint64) << shifts).sum(axis=1, dtype=np.uint64))
