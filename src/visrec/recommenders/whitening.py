"""Principal components with their variances made more alike."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Whitening"]

Matrix = npt.NDArray[np.float32]


class Whitening:
    """Principal components of unit rows, each scaled by its singular value to the power -`strength`."""

    def __init__(self, projection: Matrix) -> None:
        self.projection = projection

    @classmethod
    def fit(cls, rows: Matrix, dim: int, strength: float) -> Self:
        """Take the components of float32 (n, width) rows; no more than have any variance."""
        values, vectors = np.linalg.eigh((rows.T @ rows).astype(np.float64))
        kept = np.arange(len(values) - 1, max(len(values) - dim, 0) - 1, -1)
        kept = kept[values[kept] > values[-1] * 1e-6]
        scale = np.power(values[kept], -strength / 2)
        # The sign of an eigenvector is arbitrary: fix it, so that a saved model is the same on every machine.
        signs = np.sign(vectors[np.abs(vectors[:, kept]).argmax(axis=0), kept])
        return cls((vectors[:, kept] * signs * scale).astype(np.float32))

    def __call__(self, rows: Matrix) -> Matrix:
        """Project float32 (n, width) rows and scale them to length 1; rows of zeros stay zero."""
        projected = rows @ self.projection
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.divide(projected, length, out=np.zeros_like(projected), where=length > 1e-12)
