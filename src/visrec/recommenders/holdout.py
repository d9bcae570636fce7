"""Validation data cut out of training data: what came next, or what is missing at random, and items hidden whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.histories import Histories
from visrec.core.parts import last_of_each_user, only_items, unseen

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Holdout", "hold_out"]

Flags = npt.NDArray[np.bool_]

#: The newest part of a log that is held out, or the part of each user's events; and of the liked items.
_SHARE = 0.1


@dataclass(frozen=True)
class Holdout:
    """What models are fitted on, and what they are then asked to find.

    Attributes:
        kind: "time" or "random"; see `hold_out`.
        train: the inner training data; without the items that are `hidden`.
        history: inner training histories of the n_users users with a held-out like, over all n_items items.
        liked: float64 CSR (n_users, n_items), 1 where the user likes an item that is not in `history`.
        n_likes: int64 (n_items,); users that like the item in the inner training data.
        hidden: bool (n_items,); items that were taken out whole.
    """

    kind: str
    train: Dataset
    history: Histories
    liked: csr_matrix
    n_likes: npt.NDArray[np.int64]
    hidden: Flags


def hold_out(dataset: Dataset, seed: int = 0, max_users: int | None = None) -> Holdout | None:
    """Cut validation data out of a dataset.

    Where most likes of the newest tenth of the log are of users with earlier events, that tenth is held out, with all
    that is new in it ("time"). Where people come once, as in MovieLens, or time tells nothing, it is a tenth of each
    user's events, drawn at random. A random tenth of the liked items is hidden besides, with all their events: these
    stand for new items, of which a log may have few.

    Args:
        dataset: training data.
        seed: of every random choice.
        max_users: at most so many users are asked about, drawn at random; None: all.

    Returns:
        None where no user has both a training event and a held-out like.
    """
    histories = dataset.histories
    held = _newest(histories)
    kind = "random" if held is None else "time"
    if held is None:
        everything = np.ones(histories.n_events, dtype=np.bool_)
        held = last_of_each_user(histories, _SHARE, seed, np.zeros_like(histories.timestamp), everything)
    hidden = np.zeros(dataset.n_items, dtype=np.bool_)
    items = np.unique(histories.item_index[histories.weight > 0])
    hidden[np.random.default_rng(seed + 1).permutation(items)[: int(len(items) * _SHARE)]] = True
    out = held | hidden[histories.item_index]
    train = histories.select(~out)
    liked = unseen(histories.select(out).liked(), train.matrix())
    lengths = np.diff(train.indptr)
    users = np.flatnonzero((lengths > 0) & (np.diff(liked.indptr) > 0))
    if not users.size:
        return None
    users = np.sort(np.random.default_rng(seed + 2).permutation(users)[:max_users])
    n_likes = np.bincount(train.liked().indices, minlength=dataset.n_items).astype(np.int64)
    inner = Dataset(train.take(np.flatnonzero(lengths > 0)), dataset.items)
    if hidden.any():
        inner = only_items(inner, ~hidden)
    return Holdout(kind, inner, train.take(users), liked[users], n_likes, hidden)


def _newest(histories: Histories) -> Flags | None:
    """The newest tenth of the events, bool (n_events,); None where time tells nothing, or people come once."""
    moments, counts = np.unique(histories.timestamp, return_counts=True)
    if moments.size < 2:
        return None
    later = 1 - np.cumsum(counts)[:-1] / counts.sum()
    latest = np.asarray(histories.timestamp > moments[np.abs(later - _SHARE).argmin()])
    earlier = np.bincount(histories.user_index[~latest], minlength=len(histories)) > 0
    likes = latest & (histories.weight > 0)
    return latest if likes.any() and earlier[histories.user_index[likes]].mean() > 0.5 else None
