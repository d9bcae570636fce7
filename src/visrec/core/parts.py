"""Parts of logs and catalogues, for whoever hides some of them: the last events, what was not seen, fewer items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.histories import Histories

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["last_of_each_user", "only_items", "unseen"]


def last_of_each_user(
    histories: Histories, fraction: float, seed: int, timestamp: npt.NDArray[np.int64], usable: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """The last `fraction` of each user's usable events by (timestamp, random); bool (n_events,).

    A user with n usable events keeps max(1, round((1 - fraction) * n)), halves rounded to even.

    Args:
        histories: n_users histories.
        fraction: above 0 and below 1.
        seed: of the order of events at one moment.
        timestamp: int64 (n_events,), what events are ordered by.
        usable: bool (n_events,).
    """
    user = histories.user_index
    noise = np.random.default_rng(seed).random(histories.n_events)
    # Unusable events sort behind the usable ones of their user, so that places count usable events only.
    order = np.lexsort((noise, timestamp, ~usable, user))
    place = np.arange(histories.n_events) - histories.indptr[:-1][user]
    n_usable = np.bincount(user[usable], minlength=len(histories))
    n_train = np.maximum(np.rint((1 - fraction) * n_usable), 1)
    test = np.zeros(histories.n_events, dtype=np.bool_)
    test[order] = place >= n_train[user]
    return test & usable


def unseen(liked: csr_matrix, seen: csr_matrix) -> csr_matrix:
    """The pairs of `liked` that are not stored in `seen`, as ones; float64 CSR with sorted indices."""
    ones_liked, ones_seen = liked.astype(np.float64), seen.astype(np.float64)
    ones_liked.data[:] = 1.0
    # A seen pair is stored even where its weight is 0, and counts.
    ones_seen.data[:] = 1.0
    relevant = (ones_liked - ones_liked.multiply(ones_seen)).tocsr()
    relevant.eliminate_zeros()
    relevant.sort_indices()
    return relevant


def only_items(dataset: Dataset, kept: npt.NDArray[np.bool_]) -> Dataset:
    """The dataset without some items, none of which has an event; `kept` is bool (n_items,)."""
    new_row = np.cumsum(kept) - 1
    histories = dataset.histories
    reindexed = Histories(
        histories.user_ids,
        int(kept.sum()),
        histories.indptr,
        new_row[histories.item_index].astype(np.int32),
        histories.weight,
        histories.timestamp,
        histories.rating,
    )
    return Dataset(reindexed, dataset.items.take(np.flatnonzero(kept)))
