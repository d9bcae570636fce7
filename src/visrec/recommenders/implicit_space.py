"""Who turned to what, whatever they thought of it: a log's strongest directions, for users and for items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ImplicitSpace"]

Array = npt.NDArray[np.float64]
_OVERSAMPLING = 16
_POWER_ITERATIONS = 4


@dataclass(frozen=True)
class ImplicitSpace:
    """A history as the sum of its items' rows, divided by the root of its length, and how long it is.

    That is the implicit term of SVD++ (Koren 2008, Factorization meets the neighborhood, doi:10.1145/1401890.1401944),
    |N(u)|^-1/2 Σ_{j in N(u)} y_j, with the y_j tied to the singular vectors of the log D_u^-1/2 B D_i^-1/2 instead of
    being free, which keeps the number of columns small however many items there are. Ratings are not looked at.

    Attributes:
        items: (n_items, dim), y_j.
        mean: (dim + 1,), of the training users' raw rows, the last being log(1 + n).
        scale: (dim + 1,), what raw rows are divided by.
    """

    items: Array
    mean: Array
    scale: Array

    @classmethod
    def fit(cls, log: csr_matrix, dim: int) -> tuple[Self, Array]:
        """Take the strongest directions of a log by a randomised SVD (Halko, Martinsson & Tropp 2011).

        Args:
            log: ones where a user has an event on an item; float64 CSR (n_users, n_items), every item with one.
            dim: at most so many directions.

        Returns:
            The space, and what the same directions say of each training item, float64 (n_items, width), centred.
        """
        from scipy.sparse import diags

        n_users_of, n_items_of = np.asarray(log.sum(axis=0)).ravel(), np.asarray(log.sum(axis=1)).ravel()
        by_item = diags(1 / np.sqrt(np.maximum(n_users_of, 1)))
        scaled = diags(1 / np.sqrt(np.maximum(n_items_of, 1))) @ log @ by_item
        values, vectors = _strongest(scaled, dim)
        items = by_item @ vectors
        raw = _raw(log, items)
        scale = np.append(np.full(items.shape[1], _spread(raw[:, :-1])), _spread(raw[:, -1:]))
        space = cls(items, raw.mean(axis=0), scale)
        return space, _comparable(vectors * values, n_users_of)

    @property
    def width(self) -> int:
        """Number of columns of a history's row."""
        return int(self.mean.shape[0])

    def __call__(self, log: csr_matrix) -> Array:
        """Histories as rows, float64 (n_users, width), of mean 0 over the training users; an empty one is 0."""
        rows = (_raw(log, self.items) - self.mean) / self.scale
        rows[np.diff(log.indptr) == 0] = 0.0
        return rows

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays that `load_state` takes."""
        return {"implicit.items": self.items, "implicit.mean": self.mean, "implicit.scale": self.scale}

    @classmethod
    def load_state(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The space that `state` was taken from."""
        return cls(arrays["implicit.items"], arrays["implicit.mean"], arrays["implicit.scale"])


def _raw(log: csr_matrix, items: Array) -> Array:
    lengths = np.diff(log.indptr).astype(np.float64)
    sums = (log @ items) / np.sqrt(np.maximum(lengths, 1))[:, None]
    return np.column_stack([sums, np.log1p(lengths)])


def _comparable(rows: Array, counts: Array) -> Array:
    """Directions and log(1 + n) of items, centred; all directions together have variance 1, and so has the last."""
    popularity = np.log1p(counts)[:, None]
    return np.column_stack([(part - part.mean(axis=0)) / _spread(part) for part in (rows, popularity)])


def _spread(rows: Array) -> float:
    """Root of the summed variances of the columns; 1 where all rows are the same but for rounding."""
    spread = float(np.sqrt(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean()))
    return spread if spread > 1e-9 * float(np.abs(rows).max(initial=0.0)) else 1.0


def _strongest(matrix: csr_matrix, dim: int) -> tuple[Array, Array]:
    """The `dim` largest singular values, (r,), and right vectors, (n_columns, r); less where the rank is lower."""
    wanted = min(dim, *matrix.shape)
    if not wanted:
        return np.zeros(0), np.zeros((matrix.shape[1], 0))
    width = min(wanted + _OVERSAMPLING, *matrix.shape)
    basis = matrix @ np.random.default_rng(0).normal(size=(matrix.shape[1], width))
    for _ in range(_POWER_ITERATIONS):
        basis = matrix @ (matrix.T @ np.linalg.qr(basis)[0])
    _, values, vectors = np.linalg.svd((matrix.T @ np.linalg.qr(basis)[0]).T, full_matrices=False)
    kept = np.flatnonzero(values[:wanted] > values[0] * 1e-6)
    # The sign of a singular vector is arbitrary: fix it, so that a saved model is the same on every machine.
    columns = vectors[kept].T
    signs = np.sign(columns[np.abs(columns).argmax(axis=0), np.arange(len(kept))])
    return values[kept], columns * signs
