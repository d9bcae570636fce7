"""Histories turned into vectors by ridge regression on the vectors of their items; many users at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["fold_in"]

Matrix = npt.NDArray[np.float32]

#: Numbers (float64) in the largest intermediate array of a block of users.
_BUDGET = 4_000_000


def fold_in(confidence: csr_matrix, target: csr_matrix, vectors: Matrix) -> Matrix:
    """x_u = (I + Σ_i c_ui z_i z_iᵀ)⁻¹ Σ_i t_ui z_i for every user u.

    A user with n events and dim-long vectors costs n² dim when n < dim, by the identity
    (I + Zᵀ Z)⁻¹ Zᵀ = Zᵀ (I + Z Zᵀ)⁻¹, else n dim² + dim³. Users are solved in blocks of about the same n, in float64.

    Args:
        confidence: CSR (n_users, n_items), c, all above 0.
        target: t, CSR of the very same structure.
        vectors: z, float32 (n_items, dim).

    Returns:
        float32 (n_users, dim); zero for a user without events.
    """
    lengths = np.diff(confidence.indptr)
    dim = vectors.shape[1]
    users = np.zeros((len(lengths), dim), dtype=np.float32)
    for block in _blocks(lengths, dim):
        places = np.arange(lengths[block].max())
        there = places < lengths[block][:, None]
        events = np.where(there, confidence.indptr[block][:, None] + places, 0)
        root = np.sqrt(np.where(there, confidence.data[events], 0.0).astype(np.float64))
        goal = np.where(there, target.data[events], 0.0).astype(np.float64)
        rows = vectors[confidence.indices[events]] * root[:, :, None]
        # What is filled up has root 0, and must not become 0 / 0.
        users[block] = _solve(rows, goal / np.where(there, root, 1.0))
    return users


def _solve(rows: npt.NDArray[np.float64], goal: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """(I + Rᵀ R)⁻¹ Rᵀ g for each R (length, dim) of `rows` and g (length,) of `goal`, through the smaller system."""
    transposed = rows.transpose(0, 2, 1)
    if rows.shape[1] < rows.shape[2]:
        system = rows @ transposed
        system += np.eye(rows.shape[1])
        return (transposed @ np.linalg.solve(system, goal[:, :, None]))[:, :, 0]
    system = transposed @ rows
    system += np.eye(rows.shape[2])
    return np.linalg.solve(system, transposed @ goal[:, :, None])[:, :, 0]


def _blocks(lengths: npt.NDArray[np.int32], dim: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the users that have events, in groups whose longest history is not much longer than the shortest."""
    order = lengths.argsort(kind="stable").astype(np.int64)
    ascending = lengths[order]
    start = int(np.searchsorted(ascending, 0, side="right"))
    while start < len(order):
        longest = int(ascending[start]) * 3 // 2 + 8
        stop = int(np.searchsorted(ascending, longest, side="right"))
        stop = min(stop, start + max(1, _BUDGET // (longest * dim + min(longest, dim) ** 2)))
        yield order[start:stop]
        start = stop
