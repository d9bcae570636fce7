"""Pairs of pictures that are one picture: near in their perceptual hashes, in their embeddings, and in their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SAME_PIXELS", "likely_pairs", "pixel_difference", "thumbnail"]

SAME_PIXELS = 8.0
"""`pixel_difference` up to which two pictures are one: twice a copy of half the size, or of JPEG quality 30."""
#: Bits of 64 that may differ.
_BITS = 8
#: Cosine that is needed where no bit differs, and how much more for each bit that does.
_COSINE, _COSINE_PER_BIT = 0.75, 0.02
_AT_ONCE = 512
_SIDE = 32


def likely_pairs(
    hashes: npt.NDArray[np.uint64], embeddings: npt.NDArray[np.float32], bits: int = _BITS, cosine: float = _COSINE
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Find the pairs that both the hash and the embedding take for copies.

    Every pair of hashes is compared, 512 rows at a time: some ten seconds for 100,000 pictures, and memory for one such
    strip. Articles of one outline on white paper still pass: their pixels have to be compared.

    Args:
        hashes: uint64 (n,), perceptual hashes.
        embeddings: float32 (n, dim), rows of length 1, or of zeros where there is none: those make no pair.
        bits: so many of 64 may differ.
        cosine: so near the embeddings must be where no bit differs; .02 nearer for each bit that does.

    Returns:
        int64 (n_pairs, 2), the first row below the second; and float32 (n_pairs,), their cosines.
    """
    pairs: list[npt.NDArray[np.int64]] = [np.zeros((0, 2), dtype=np.int64)]
    cosines: list[npt.NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)]
    for start in range(0, len(hashes), _AT_ONCE):
        distance = np.bitwise_count(hashes[start : start + _AT_ONCE, None] ^ hashes[None, start:])
        first, second = np.nonzero(distance <= bits)
        first, second = first[first < second], second[first < second]
        needed = cosine + _COSINE_PER_BIT * distance[first, second]
        for part in range(0, len(first), _AT_ONCE):
            chosen = slice(part, part + _AT_ONCE)
            one, two = first[chosen] + start, second[chosen] + start
            alike = np.einsum("ij,ij->i", embeddings[one], embeddings[two])
            near = alike >= needed[chosen]
            pairs.append(np.stack([one[near], two[near]], axis=1).astype(np.int64))
            cosines.append(alike[near].astype(np.float32))
    return np.concatenate(pairs), np.concatenate(cosines)


def thumbnail(image: Image) -> npt.NDArray[np.float32]:
    """A picture in 32 x 32 pixels, whatever its shape; float32 (32, 32, 3), CIELAB."""
    from PIL.Image import Resampling
    from skimage.color import rgb2lab

    small = image.resize((_SIDE, _SIDE), Resampling.BOX)
    return np.asarray(rgb2lab(np.asarray(small, dtype=np.float32) / 255), dtype=np.float32)


def pixel_difference(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> float:
    """The CIELAB distance below which 95 % of the pixels of two thumbnails lie."""
    return float(np.quantile(np.linalg.norm(one - two, axis=-1), 0.95))
