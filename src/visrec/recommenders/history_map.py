"""From what a user did to the vector that training would have given them: one linear map for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["HistoryMap"]

Matrix = npt.NDArray[np.float32]

#: A history of n likes is as long as n to the power of 1 minus this; 1 is the mean of the items' vectors.
_LENGTH = 0.7
#: Ridge, relative to the mean variance of a direction.
_RIDGE = 0.01


class HistoryMap:
    """u = h M with h = Σ_i w_i (v_i - μ) / (Σ_i |w_i|) ** 0.7 over the events of a history.

    M is the ridge regression of trained users' vectors on their h, and then its nearest symmetric positive
    semidefinite matrix. With it a liked item never lowers its own score nor a disliked one (w below 0) raises it,
    for (v_i - μ) M (v_i - μ)ᵀ is 0 or more; and no likes give u = 0, the taste of nobody.
    """

    def __init__(self, mean: Matrix, matrix: Matrix) -> None:
        self._mean = mean
        self._matrix = matrix

    @classmethod
    def fit(cls, weights: csr_matrix, vectors: npt.NDArray[Any], users: npt.NDArray[Any]) -> Self:
        """Regress.

        Args:
            weights: CSR (n_users, n_items), signed weights of the training events.
            vectors: (n_items, dim).
            users: (n_users, dim), as trained.
        """
        mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        inputs = _inputs(weights, vectors - mean)
        known = np.diff(weights.indptr) > 0
        inputs, targets = inputs[known], users[known].astype(np.float64)
        gram = inputs.T @ inputs
        gram[np.diag_indices_from(gram)] += max(_RIDGE * float(np.trace(gram)) / len(gram), 1e-12)
        free = np.linalg.solve(gram, inputs.T @ targets)
        values, directions = np.linalg.eigh((free + free.T) / 2)
        return cls(mean, ((directions * np.maximum(values, 0.0)) @ directions.T).astype(np.float32))

    def __call__(self, weights: csr_matrix, vectors: Matrix) -> Matrix:
        """Users' vectors, float32 (n_users, dim).

        Args:
            weights: CSR (n_users, n_items), signed.
            vectors: float32 (n_items, dim), of items seen in training or not.
        """
        # In float64, so that a user scores the same alone and in any batch.
        return (_inputs(weights, vectors - self._mean) @ self._matrix.astype(np.float64)).astype(np.float32)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays that `load_state` takes."""
        return {"history.mean": self._mean, "history.matrix": self._matrix}

    @classmethod
    def load_state(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """What `state` was taken from."""
        return cls(arrays["history.mean"], arrays["history.matrix"])


def _inputs(weights: csr_matrix, vectors: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """h, float64 (n_users, dim)."""
    signed = weights.astype(np.float64)
    total = np.asarray(abs(signed).sum(axis=1)).ravel()
    scale = np.divide(1.0, total**_LENGTH, out=np.zeros_like(total), where=total > 0)
    return np.asarray(signed @ vectors.astype(np.float64)) * scale[:, None]
