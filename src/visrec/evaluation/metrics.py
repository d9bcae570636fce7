"""Accuracy metrics: how much of what a user went on to like is in the first k, and how high.

Every function takes the same two things and gives one figure a user:

- `top`: int (n_users, k), item rows, best first, each at most once a row, -1 where nothing was recommended;
- `relevant`: CSR (n_users, n_items), above 0 where the item is relevant to the user (binary: sizes do not count);
- returns float64 (n_users,), from 0 to 1, higher is better; 0 for a user with no relevant item.

In the formulas, hit(r) is 1 when the item at rank r (from 1) is relevant and else 0, R is the user's number of
relevant items, and k the number of columns of `top`. A place left empty (-1) is a miss.

The examples share two users and k = 3; the first likes items 0 and 3, the second item 1:

>>> import numpy as np
>>> from scipy.sparse import csr_matrix
>>> relevant = csr_matrix([[1, 0, 0, 1, 0], [0, 1, 0, 0, 0]])
>>> top = np.array([[3, 2, 0], [4, 1, -1]])
>>> hits(top, relevant).tolist()
[[True, False, True], [False, True, False]]
>>> precision(top, relevant).round(3).tolist()
[0.667, 0.333]
>>> recall(top, relevant).tolist()
[1.0, 1.0]
>>> reciprocal_rank(top, relevant).tolist()
[1.0, 0.5]
>>> average_precision(top, relevant).round(3).tolist()
[0.833, 0.5]
>>> ndcg(top, relevant).round(3).tolist()
[0.92, 0.631]
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["METRICS", "average_precision", "hit_rate", "hits", "ndcg", "precision", "recall", "reciprocal_rank"]

Top = npt.NDArray[np.integer]
PerUser = npt.NDArray[np.float64]


def hits(top: Top, relevant: csr_matrix) -> npt.NDArray[np.bool_]:
    """Whether each recommended item is relevant; bool (n_users, k).

    Raises:
        InputError: when the shapes do not fit, or `top` points beyond the items.
    """
    n_users, n_items = relevant.shape
    if top.ndim != 2 or top.shape[0] != n_users or top.shape[1] < 1:
        raise InputError(f"Expected top ({n_users}, k) with k of 1 or more, got {top.shape}.")
    if top.size and not -1 <= int(top.min()) <= int(top.max()) < n_items:
        raise InputError(f"Expected item rows from -1 to {n_items - 1}, got {top.min()} to {top.max()}.")
    positive = relevant.data > 0
    rows = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(relevant.indptr))
    pairs = np.sort(rows[positive] * n_items + relevant.indices[positive])
    if pairs.size == 0:
        return np.zeros(top.shape, dtype=np.bool_)
    asked = np.arange(n_users, dtype=np.int64)[:, None] * n_items + top
    place = np.minimum(np.searchsorted(pairs, asked), pairs.size - 1)
    # An empty place (-1) would meet the last item of the user before.
    found: npt.NDArray[np.bool_] = (pairs[place] == asked) & (top >= 0)
    return found


def _n_relevant(relevant: csr_matrix) -> npt.NDArray[np.int64]:
    rows = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    return np.bincount(rows[relevant.data > 0], minlength=relevant.shape[0])


def precision(top: Top, relevant: csr_matrix) -> PerUser:
    """Precision@k = sum over r of hit(r) / k.

    The divisor is k also where fewer than k items were recommended.
    """
    return np.asarray(hits(top, relevant).sum(axis=1) / top.shape[1], dtype=np.float64)


def recall(top: Top, relevant: csr_matrix) -> PerUser:
    """Recall@k = sum over r of hit(r) / R.

    The divisor is R, not min(k, R): a user with more than k relevant items cannot reach 1.
    """
    return np.asarray(hits(top, relevant).sum(axis=1) / np.maximum(_n_relevant(relevant), 1), dtype=np.float64)


def hit_rate(top: Top, relevant: csr_matrix) -> PerUser:
    """HitRate@k = 1 when at least one of the k is relevant, else 0."""
    return np.asarray(hits(top, relevant).any(axis=1), dtype=np.float64)


def reciprocal_rank(top: Top, relevant: csr_matrix) -> PerUser:
    """RR@k = 1 / (rank of the first hit), 0 without a hit among the k; its mean over users is MRR@k."""
    found = hits(top, relevant)
    return np.asarray(np.where(found.any(axis=1), 1 / (found.argmax(axis=1) + 1), 0.0), dtype=np.float64)


def average_precision(top: Top, relevant: csr_matrix) -> PerUser:
    """AP@k = sum over r of hit(r) * precision@r / min(k, R); its mean over users is MAP@k.

    The divisor is min(k, R), so that a perfect list reaches 1. Libraries that divide by R (ranx,
    trec_eval) give lower figures for users with more than k relevant items.
    """
    found = hits(top, relevant)
    precision_at = np.cumsum(found, axis=1) / np.arange(1, top.shape[1] + 1)
    best = np.clip(_n_relevant(relevant), 1, top.shape[1])
    return np.asarray((found * precision_at).sum(axis=1) / best, dtype=np.float64)


def ndcg(top: Top, relevant: csr_matrix) -> PerUser:
    """NDCG@k = DCG / ideal DCG, with DCG = sum over r of hit(r) / log2(r + 1).

    The gain is binary. The ideal list has its min(k, R) hits first.

    Reference:
        Järvelin & Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques. doi:10.1145/582415.582418
    """
    discount = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    ideal = np.cumsum(discount)[np.clip(_n_relevant(relevant), 1, top.shape[1]) - 1]
    return np.asarray(hits(top, relevant) @ discount / ideal, dtype=np.float64)


#: Name in reports -> function, in the order of reports; a report says the name with "@k".
METRICS: MappingProxyType[str, Callable[[Top, csr_matrix], PerUser]] = MappingProxyType(
    {
        "ndcg": ndcg,
        "recall": recall,
        "precision": precision,
        "mrr": reciprocal_rank,
        "map": average_precision,
        "hit_rate": hit_rate,
    }
)
