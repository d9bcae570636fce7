"""How alike items are to look at: what lists are kept varied by, and what tells copies."""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from visrec.core.errors import UnsupportedError
from visrec.core.features import BLOCK_SOURCES, ItemFeatures

__all__ = ["SAME_PICTURE", "Likeness"]

Matrix = npt.NDArray[np.float32]

SAME_PICTURE = 0.99
"""Cosine of two pictures' embeddings from which on they are taken for copies of one."""


class Likeness:
    """Compares some rows of n_items items; keeps no copy of the features.

    The features compared are the pictures' embeddings, or where no item has one, the texts', or else the categories.

    Args:
        items: the n_items items.

    Raises:
        UnsupportedError: where the items have no feature at all.
    """

    def __init__(self, items: ItemFeatures) -> None:
        there = [name for name in BLOCK_SOURCES if name in items.blocks and items.blocks[name].present.any()]
        if not there:
            raise UnsupportedError(
                "A varied list, or one without copies, needs pictures, texts or categories, and the items have none. "
                "Run: visrec encode SHOP"
            )
        self._block = items.blocks[there[0]]
        # Embeddings of one network share a large common direction: without it, likeness tells more.
        self._mean = self._block.matrix[self._block.present].mean(axis=0, dtype=np.float64).astype(np.float32)
        self._pictured = there[0] == "image"
        self._file = _codes(items)
        self._items = weakref.ref(items)

    def fits(self, items: ItemFeatures) -> bool:
        """Whether it was made of these very items."""
        return self._items() is items

    def directions(self, rows: npt.NDArray[np.int64]) -> Matrix:
        """What cosines are taken of: centred, of length 1, zero without the feature; float32 (len(rows), dim)."""
        centred = self._block.matrix[rows] - self._mean
        centred[~self._block.present[rows]] = 0.0
        return _unit(centred)

    def copies(self, rows: npt.NDArray[np.int64]) -> Copies:
        """Tells which of some rows show one picture."""
        return Copies(_unit(self._block.matrix[rows]) if self._pictured else None, self._file[rows])


class Copies:
    """Which of n rows show the picture of one of them.

    Args:
        embeddings: float32 (n, dim), rows of length 1 or 0; None where there are no pictures' embeddings.
        files: int64 (n,), equal where the picture is the same file, -1 without a picture.
    """

    def __init__(self, embeddings: Matrix | None, files: npt.NDArray[np.int64]) -> None:
        self._embeddings = embeddings
        self._files = files

    def of(self, place: int) -> npt.NDArray[np.bool_]:
        """Bool (n,); the row itself is its own copy."""
        same = (self._files == self._files[place]) & (self._files[place] >= 0)
        if self._embeddings is not None:
            same |= self._embeddings @ self._embeddings[place] >= SAME_PICTURE
        same[place] = True
        return np.asarray(same)


def _codes(items: ItemFeatures) -> npt.NDArray[np.int64]:
    """A number for each item's picture file, -1 without one; int64 (n_items,)."""
    if items.pictures is None:
        return np.full(len(items), -1, dtype=np.int64)
    keys = np.asarray(items.pictures.keys, dtype=np.str_)
    codes = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return np.where(keys == "", -1, codes)


def _unit(rows: Matrix) -> Matrix:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
