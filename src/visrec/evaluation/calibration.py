"""Calibration: whether a list mixes categories in the proportions of the user's own history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.features import FeatureBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["category_shares", "miscalibration", "profiles"]

Top = npt.NDArray[np.integer]
PerUser = npt.NDArray[np.float64]

#: Blocks of users hold at most this many values (8 MiB of float64).
_BLOCK_VALUES = 1 << 20
#: How much of the history's distribution is mixed into the list's, so that the divergence stays finite; Steck's value.
_SMOOTHING = 0.01


def category_shares(block: FeatureBlock) -> csr_matrix:
    """p(category | item): each item counts 1, in equal parts for its labels; float64 CSR (n_items, n_labels).

    An item without a category has an empty row.
    """
    from scipy.sparse import csr_matrix

    return _rows_to_one(csr_matrix(np.where(block.present[:, None], np.maximum(block.matrix, 0), 0)))


def profiles(liked: csr_matrix, shares: csr_matrix) -> csr_matrix:
    """p(category | user): mean of the shares of the items that a user liked; float64 CSR (n_users, n_labels).

    Args:
        liked: CSR (n_users, n_items), stored where the user liked the item; every like counts the same.
        shares: see `category_shares`; items without a category are left out.
    """
    chosen = liked.astype(np.float64)
    chosen.data[:] = 1.0
    return _rows_to_one((chosen @ shares).tocsr())


def miscalibration(top: Top, profile: csr_matrix, shares: csr_matrix) -> PerUser:
    """Kullback-Leibler divergence of the list's categories from those of the user's history, in nats.

    C = sum over categories c of p(c) log(p(c) / q'(c)), with p of the history, q the mean of the list's shares,
    and q' = 0.99 q + 0.01 p. 0: the list mixes categories as the history does; log(100) = 4.6: it has none of them.

    >>> from scipy.sparse import csr_matrix
    >>> shares = csr_matrix(np.eye(2))
    >>> profile = csr_matrix([[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]])
    >>> miscalibration(np.array([[0, 1], [1, -1], [0, 1]]), profile, shares).round(2).tolist()
    [0.0, 4.61, nan]

    Args:
        top: int (n_users, k), item rows, -1 where nothing was recommended.
        profile: see `profiles`.
        shares: see `category_shares`.

    Returns:
        float64 (n_users,), 0 or more, lower is better calibrated; NaN where the history or the list has no category.

    Reference:
        Steck (2018), Calibrated recommendations, eq. 2-3, with equal weights. doi:10.1145/3240323.3240372
    """
    from scipy.sparse import csr_matrix

    n_users, n_labels = profile.shape
    filled = top >= 0
    indptr = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    chosen = csr_matrix((np.ones(indptr[-1]), top[filled], indptr), shape=(n_users, shares.shape[0]))
    found = np.empty(n_users)
    height = max(1, _BLOCK_VALUES // max(n_labels, 1))
    for start in range(0, n_users, height):
        stop = min(start + height, n_users)
        p = profile[start:stop].toarray()
        q = _rows_to_one((chosen[start:stop] @ shares).tocsr()).toarray()
        mixed = (1 - _SMOOTHING) * q + _SMOOTHING * p
        ratio = np.divide(p, mixed, out=np.ones_like(p), where=p > 0)
        undefined = ~p.any(axis=1) | ~q.any(axis=1)
        found[start:stop] = np.where(undefined, np.nan, np.einsum("ul,ul->u", p, np.log(ratio)))
    # Rounding may leave equal distributions a little below 0.
    return np.maximum(found, 0.0)


def _rows_to_one(matrix: csr_matrix) -> csr_matrix:
    """Rows that sum to 1, or are empty; float64 CSR."""
    result = matrix.astype(np.float64)
    result.eliminate_zeros()
    total = np.asarray(result.sum(axis=1)).ravel()
    result.data /= np.repeat(total, np.diff(result.indptr))
    return result
