"""What a network reads of histories: the newest liked items in dense rows, whole or with a part hidden to be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.histories import Histories

__all__ = ["DenseHistories", "HiddenPart", "batches", "dense_rows", "hide", "recent_likes"]

#: The hidden share of a history is drawn evenly from this range, for each user anew.
_HIDDEN = (0.2, 0.6)
#: Users are sorted by length within so many batches, so that short histories are not filled up to the longest.
_SORTED_TOGETHER = 8


def recent_likes(histories: Histories, max_length: int) -> Histories:
    """The same users with at most `max_length` events each: the newest liked ones, oldest first.

    Of a repeated pair of user and item the latest event counts, as in `Histories.matrix`: an item that was liked
    and later disliked is not liked. Events at the same moment keep the order of the log.
    """
    latest = np.zeros(histories.n_events, dtype=np.bool_)
    latest[histories.latest()] = True
    liked = histories.select(latest & (histories.weight > 0))
    place_from_end = liked.indptr[liked.user_index + 1] - np.arange(liked.n_events)
    return liked.select(place_from_end <= max_length)


@dataclass(frozen=True)
class DenseHistories:
    """n_users histories as rows of one length, filled from the left, oldest event first.

    Attributes:
        item_index: int64 (n_users, length); 0 where there is no event.
        weight: float32 (n_users, length); 0 where there is no event, above 0 where there is one.
        event: int64 (n_users, length); the event's place in the histories that the rows were made of, 0 where
            there is none.
    """

    item_index: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]
    event: npt.NDArray[np.int64]


def dense_rows(histories: Histories, users: npt.NDArray[np.int64]) -> DenseHistories:
    """The histories of int64 `users` in that order, as long as the longest of them, and at least 1."""
    starts, lengths = histories.indptr[users], np.diff(histories.indptr)[users]
    column = np.arange(max(int(lengths.max(initial=1)), 1))
    there = column < lengths[:, None]
    event = np.where(there, starts[:, None] + column, 0)
    if not histories.n_events:
        return DenseHistories(event, event.astype(np.float32), event)
    item_index = np.where(there, histories.item_index[event], 0).astype(np.int64)
    return DenseHistories(item_index, np.where(there, histories.weight[event], np.float32(0.0)), event)


def batches(
    histories: Histories, users: npt.NDArray[np.int64], size: int, generator: np.random.Generator
) -> Iterator[DenseHistories]:
    """Users, once each, in random batches of histories of about the same length.

    Args:
        histories: all users' histories.
        users: int64 (n,), rows of the users wanted.
        size: users a batch, at most.
        generator: draws the order.
    """
    lengths = np.diff(histories.indptr)
    users = generator.permutation(users)
    chunks = []
    for start in range(0, len(users), size * _SORTED_TOGETHER):
        together = users[start : start + size * _SORTED_TOGETHER]
        together = together[lengths[together].argsort(kind="stable")]
        chunks += [together[begin : begin + size] for begin in range(0, len(together), size)]
    for number in generator.permutation(len(chunks)):
        yield dense_rows(histories, chunks[number])


@dataclass(frozen=True)
class HiddenPart:
    """Some users' histories without their hidden events, and these.

    Attributes:
        visible: n_users histories; a hidden event has weight 0 there, which is no event at all.
        row: int64 (n_hidden,), the row in `visible` whose history it was hidden from; ascending.
        item_index: int64 (n_hidden,), the hidden item.
        event: int64 (n_hidden,), the hidden event's place in the histories that `visible` was made of.
    """

    visible: DenseHistories
    row: npt.NDArray[np.int64]
    item_index: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]


def hide(histories: DenseHistories, generator: np.random.Generator) -> HiddenPart:
    """Hide a random part of each history, to be found from the rest: no event is both input and target.

    At least one event is hidden, of a history with one event that one.

    Args:
        histories: of users with one event or more.
        generator: draws everything.
    """
    there = histories.weight > 0
    n_users, length = there.shape
    count = there.sum(axis=1)
    n_hidden = np.rint(generator.uniform(*_HIDDEN, size=n_users) * count).clip(1, np.maximum(count - 1, 1))
    order = np.where(there, generator.random((n_users, length)), np.inf)
    hidden = (order.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") < n_hidden[:, None]) & there
    row = np.nonzero(hidden)[0].astype(np.int64)
    visible = DenseHistories(histories.item_index, np.where(hidden, np.float32(0.0), histories.weight), histories.event)
    return HiddenPart(visible, row, histories.item_index[hidden], histories.event[hidden])
