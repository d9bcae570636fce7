"""Cuts of a log's ratings: what a model may learn from, and which ratings it is asked to predict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.parts import last_of_each_user, only_items

__all__ = ["RatingFold", "RatingSplitName", "describe_rating_split", "latest_ratings", "rating_folds"]

RatingSplitName = Literal["kfold", "random", "user-time", "item-cold"]

#: Share of the ratings, or of the items, that the splits other than "kfold" hold out.
_FRACTION = 0.2


@dataclass(frozen=True)
class RatingFold:
    """One cut.

    Attributes:
        train: what models are fitted on: no event of a pair that is asked for. Its users are those with an event left.
        history: all n_users users' events of the training part, over all `items`.
        items: all n_items items.
        user_index: int64 (n_pairs,), rows of `history`.
        item_index: int64 (n_pairs,), rows of `items`.
        rating: float64 (n_pairs,), what was given.
    """

    train: Dataset
    history: Histories
    items: ItemFeatures
    user_index: npt.NDArray[np.int64]
    item_index: npt.NDArray[np.int64]
    rating: npt.NDArray[np.float64]


def latest_ratings(histories: Histories) -> npt.NDArray[np.int64]:
    """Events that are ratings, the latest of each (user, item) pair; int64, ascending."""
    rates = np.isfinite(histories.rating)
    return np.flatnonzero(rates)[np.sort(histories.select(rates).latest())]


def rating_folds(dataset: Dataset, split: RatingSplitName, *, folds: int = 5, seed: int = 42) -> Iterator[RatingFold]:
    """Cut the ratings of a dataset, once or (with "kfold") `folds` times.

    Only ratings count, and of a repeated (user, item) pair the latest one.

    - "kfold": the ratings are shuffled and dealt into `folds` parts that differ in size by one at most; each part is
      asked for once.
    - "random": the first of five such parts only.
    - "user-time": the last fifth of each user's ratings. A user with n ratings keeps max(1, round(0.8 n)), halves
      rounded to even; ratings at one moment are ordered at random.
    - "item-cold": a fifth of the rated items, drawn at random, are hidden: training holds neither them nor their
      events.

    Raises:
        InputError: on an unknown split, without ratings, or with too few of them.
    """
    if split not in get_args(RatingSplitName):
        raise InputError(f"Expected a split of ratings out of {', '.join(get_args(RatingSplitName))}, got {split!r}.")
    if split == "kfold" and folds < 2:
        raise InputError(f"Expected 2 or more folds, got {folds}.")
    if seed < 0:
        raise InputError(f"Expected a seed of 0 or more, got {seed}.")
    events = latest_ratings(dataset.histories)
    wanted = max(folds, 2) if split == "kfold" else 2
    if len(events) < wanted:
        found = f"{len(events)} of {dataset.histories.n_events:,} interactions"
        raise InputError(
            f"Expected at least {wanted} ratings to split, got {found}. Ingest interactions with a column `rating`."
        )
    for test in _parts(dataset.histories, events, split, folds, seed):
        yield _fold(dataset, test, hide_items=split == "item-cold")


def describe_rating_split(split: RatingSplitName, folds: int, seed: int) -> str:
    """What a split does, for people."""
    return {
        "kfold": f"{folds} random parts of the ratings, each predicted from the others, seed {seed}",
        "random": f"a random {_FRACTION:.0%} of the ratings, seed {seed}",
        "user-time": f"the last {_FRACTION:.0%} of each user's ratings",
        "item-cold": f"a random {_FRACTION:.0%} of the items hidden from training, seed {seed}",
    }[split]


def _parts(
    histories: Histories, events: npt.NDArray[np.int64], split: RatingSplitName, folds: int, seed: int
) -> list[npt.NDArray[np.int64]]:
    """The events that each fold asks for."""
    generator = np.random.default_rng(seed)
    if split == "kfold":
        return np.array_split(events[generator.permutation(len(events))], folds)
    if split == "random":
        return np.array_split(events[generator.permutation(len(events))], round(1 / _FRACTION))[:1]
    if split == "user-time":
        return [_last_of_each_user(histories, events, seed)]
    items = np.unique(histories.item_index[events])
    if len(items) < 2:
        raise InputError(f"Expected ratings of 2 or more items to hide some, got {len(items)}.")
    n_hidden = int(np.clip(np.rint(_FRACTION * len(items)), 1, len(items) - 1))
    hidden = generator.permutation(items)[:n_hidden]
    return [events[np.isin(histories.item_index[events], hidden)]]


def _last_of_each_user(histories: Histories, events: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    chosen = np.zeros(histories.n_events, dtype=np.bool_)
    chosen[events] = True
    ratings = histories.select(chosen)
    last = last_of_each_user(ratings, _FRACTION, seed, ratings.timestamp, np.ones(len(events), dtype=np.bool_))
    if not last.any():
        raise InputError("Expected a user with 2 or more ratings to hold some out, got none. Use the split 'kfold'.")
    return events[last]


def _fold(dataset: Dataset, test: npt.NDArray[np.int64], *, hide_items: bool) -> RatingFold:
    histories = dataset.histories
    pairs = _pairs(histories)
    asked = np.isin(pairs, pairs[test])
    hidden = np.zeros(dataset.n_items, dtype=np.bool_)
    if hide_items:
        hidden[histories.item_index[test]] = True
        asked |= hidden[histories.item_index]
    history = histories.select(~asked)
    train = Dataset(history.take(np.flatnonzero(np.diff(history.indptr))), dataset.items)
    return RatingFold(
        only_items(train, ~hidden) if hide_items else train,
        history,
        dataset.items,
        histories.user_index[test],
        histories.item_index[test].astype(np.int64),
        histories.rating[test].astype(np.float64),
    )


def _pairs(histories: Histories) -> npt.NDArray[np.int64]:
    """One number a (user, item) pair, int64 (n_events,)."""
    return histories.user_index * histories.n_items + histories.item_index
