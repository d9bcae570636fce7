"""The loss of Bayesian Personalized Ranking, and its gradient, over a batch of triples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["BPRGradient", "Triples", "bpr_gradient"]

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Triples:
    """n triples: a user, an item that they liked, and one that they did not.

    Attributes:
        users: int64 (n,), rows of the table of users.
        liked: int64 (n,), rows of the table of items.
        other: int64 (n,), rows of the table of items.
        weight: floating (n,), how much each counts; 1 in the paper.
    """

    users: npt.NDArray[np.int64]
    liked: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    weight: Array


@dataclass(frozen=True)
class BPRGradient:
    """The summed loss and what it changes by; in the tables' dtype.

    Attributes:
        loss: Σ w_n -ln σ(x_n).
        users: (n_users, dim), by the users' vectors.
        items: (n_items, dim), by the items' vectors.
        bias: (n_items,), by the items' biases.
    """

    loss: float
    users: Array
    items: Array
    bias: Array


def bpr_gradient(triples: Triples, users: Array, items: Array, bias: Array) -> BPRGradient:
    """Loss and gradient of x = b_i - b_j + u · (v_i - v_j) over a batch.

    Gathering rows and adding gradients up are products with sparse matrices of the batch, so that the cost is
    that of the triples, n dim, and not that of the tables, and the sums come in the same order every time.

    Args:
        triples: the batch.
        users: (n_users, dim).
        items: (n_items, dim).
        bias: (n_items,).

    Reference:
        Rendle et al. (2009), BPR: Bayesian Personalized Ranking from Implicit Feedback, section 4. arXiv:1205.2618
    """
    pairs = _pairs(triples, len(items), users.dtype)
    rows = users[triples.users]
    differences = pairs @ items
    x = np.einsum("nd,nd->n", rows, differences) + pairs @ bias
    # -ln σ(x), and σ(-x), in the form that does not overflow.
    decay = np.exp(-np.abs(x))
    loss = np.dot(triples.weight, np.log1p(decay) + np.maximum(-x, 0.0))
    slope = -triples.weight * np.where(x >= 0, decay, 1.0) / (1.0 + decay)
    rows *= slope[:, None]
    differences *= slope[:, None]
    owner = _owner(triples, len(users), users.dtype)
    return BPRGradient(float(loss), owner.T @ differences, pairs.T @ rows, pairs.T @ slope)


def _pairs(triples: Triples, n_items: int, dtype: np.dtype[np.floating]) -> csr_matrix:
    """1 at the liked item and -1 at the other one; CSR (n, n_items)."""
    from scipy.sparse import csr_matrix

    n = len(triples.users)
    columns = np.stack([triples.liked, triples.other], axis=1).ravel().astype(np.int32)
    signs = np.tile(np.array([1, -1], dtype=dtype), n)
    return csr_matrix((signs, columns, np.arange(0, 2 * n + 1, 2, dtype=np.int32)), shape=(n, n_items))


def _owner(triples: Triples, n_users: int, dtype: np.dtype[np.floating]) -> csr_matrix:
    """1 at the user; CSR (n, n_users)."""
    from scipy.sparse import csr_matrix

    n = len(triples.users)
    indptr = np.arange(n + 1, dtype=np.int32)
    return csr_matrix((np.ones(n, dtype=dtype), triples.users.astype(np.int32), indptr), shape=(n, n_users))
