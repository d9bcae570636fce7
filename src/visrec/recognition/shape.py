"""The outline of what a picture shows: how tall, how full, how symmetric, in how many parts, and its Hu moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.recognition.foreground import Foreground

__all__ = ["Shape"]

#: A part is at least so large a share of the foreground.
_PART = 0.08
#: Height by width from which on something is tall; the inverse is wide.
_TALL = 1.5
#: Overlap with its mirror image from which on something is symmetric.
_SYMMETRIC = 0.85
#: How fast belief grows beyond a limit: of the logarithm of height by width, and of the overlap.
_ASPECT_SOFTNESS, _SYMMETRY_SOFTNESS = 0.08, 0.03


@dataclass(frozen=True)
class Shape:
    """Measures the silhouette; says `aspect`, `symmetry` and `parts` where a foreground was told apart, else nothing.

    The measurement is: whether there is a silhouette (1 or 0), its share of the picture, log of height by width of its
    box, its share of the box, its overlap (intersection by union) with its mirror image, left by right about the middle
    of its box, how many parts it has, and the seven moments of Hu (1962, Visual Pattern Recognition by Moment
    Invariants, IRE Trans. Inf. Theory 8), as sign(h) · log10(1 + |h| · 10⁶).

    `aspect` is "tall", "even" or "wide" (`amount`: height by width), `symmetry` is "symmetric" or "asymmetric" (the
    overlap), `parts` is "one", "two" or "several" (their number).

    Limits: the picture's border cuts a thing that crosses it; a white thing on white paper loses its pale parts.
    """

    dim: int = 13
    names: tuple[str, ...] = ("aspect", "symmetry", "parts")

    def measure(self, foreground: Foreground) -> npt.NDArray[np.float32]:
        """One picture; float32 (dim,)."""
        from scipy import ndimage
        from skimage.measure import moments_central, moments_hu, moments_normalized

        found = np.zeros(self.dim, dtype=np.float32)
        if not foreground.separated:
            return found
        rows, columns = (np.flatnonzero(foreground.mask.any(axis=axis)) for axis in (1, 0))
        mask = foreground.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        regions, _ = ndimage.label(mask, structure=np.ones((3, 3)))
        size = np.bincount(regions.ravel())[1:]
        mirrored = mask[:, ::-1]
        hu = moments_hu(moments_normalized(moments_central(mask.astype(np.float64))))
        found[:6] = (
            1.0,
            foreground.mask.mean(),
            np.log(mask.shape[0] / mask.shape[1]),
            mask.mean(),
            (mask & mirrored).sum() / (mask | mirrored).sum(),
            (size >= _PART * size.sum()).sum(),
        )
        found[6:] = np.sign(hu) * np.log10(1 + np.abs(hu) * 1e6)
        return found

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """Columns `aspect`, `symmetry` and `parts` of n_items items."""
        rows = np.flatnonzero(measured[:, 0] > 0)
        aspect, overlap, n_parts = measured[rows, 2], measured[rows, 4], measured[rows, 5]
        tall, wide = (_sigmoid((sign * aspect - np.log(_TALL)) / _ASPECT_SOFTNESS) for sign in (1, -1))
        symmetric = _sigmoid((overlap - _SYMMETRIC) / _SYMMETRY_SOFTNESS)
        several = np.minimum(n_parts, 3).astype(np.int64) - 1
        return [
            _likeliest("aspect", ("tall", "even", "wide"), rows, [tall, 1 - tall - wide, wide], np.exp(aspect)),
            _likeliest("symmetry", ("symmetric", "asymmetric"), rows, [symmetric, 1 - symmetric], overlap),
            _likeliest("parts", ("one", "two", "several"), rows, list(np.eye(3)[:, several]), n_parts),
        ]


def _likeliest(
    name: str,
    labels: tuple[str, ...],
    rows: npt.NDArray[np.int64],
    beliefs: list[npt.NDArray[np.float64]],
    amount: npt.NDArray[np.float32],
) -> AttributeColumn:
    belief = np.stack(beliefs, axis=1).astype(np.float32).reshape(len(rows), len(labels))
    label = belief.argmax(axis=1).astype(np.int64)
    return AttributeColumn(name, labels, rows, label, belief[np.arange(len(rows)), label], amount.astype(np.float32))


def _sigmoid(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -50, 50))), dtype=np.float64)
