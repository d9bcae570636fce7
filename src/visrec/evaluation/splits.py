"""Splits: what a model may learn from, and what it is asked to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Split", "SplitName", "last_of_each_user", "make_split", "only_items", "split_events"]

SplitName = Literal["random", "time", "user-time", "item-cold"]

_DEFAULT_FRACTION = MappingProxyType({"random": 0.25, "user-time": 0.25, "time": 0.2, "item-cold": 0.2})
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Split:
    """A dataset cut into what models are fitted on and what they are judged by.

    Attributes:
        name: "random", "time", "user-time" or "item-cold"; "custom" from `split_events`.
        train: what models are fitted on; its users are those with at least one training event.
        history: training histories of the n_users evaluated users, over all n_items `items`. Evaluated are the
            users with at least one training event and at least one relevant item.
        items: all n_items items, to be scored.
        relevant: float64 CSR (n_users, n_items), 1 where the user liked the item (weight above 0) in the test
            events and had not seen it in training; sorted indices, nothing else stored.
        candidates: bool (n_items,); the items that may be recommended.
        description: one phrase for people, such as "25% of each user's events, at random, seed 42".
    """

    name: str
    train: Dataset
    history: Histories
    items: ItemFeatures
    relevant: csr_matrix
    candidates: npt.NDArray[np.bool_]
    description: str

    def __post_init__(self) -> None:
        shape = (len(self.history), len(self.items))
        if self.relevant.shape != shape or self.candidates.shape != shape[1:] or self.history.n_items != shape[1]:
            raise InputError(
                f"Expected relevant {shape}, candidates {shape[1:]} and histories over {shape[1]} items, got "
                f"{self.relevant.shape}, {self.candidates.shape} and {self.history.n_items}."
            )

    @property
    def n_users(self) -> int:
        """Number of evaluated users."""
        return len(self.history)

    @property
    def n_items(self) -> int:
        """Number of items to be scored."""
        return len(self.items)


@dataclass(frozen=True)
class _Cut:
    """Events of a dataset that go to training and to test; bool (n_events,) both, never both True."""

    train: npt.NDArray[np.bool_]
    test: npt.NDArray[np.bool_]
    description: str
    hidden_items: npt.NDArray[np.bool_] | None = None


def make_split(
    dataset: Dataset,
    name: SplitName,
    *,
    seed: int = 42,
    test_fraction: float | None = None,
    test_days: float | None = None,
) -> Split:
    """Cut a dataset into training and test; the same arguments give the same split.

    - "random": `test_fraction` (0.25) of each user's events, drawn at random per user. A user with n events
      keeps max(1, round((1 - test_fraction) * n)) for training, halves rounded to even: the stratified split
      of Microsoft Recommenders with ratio 0.75, except that one event always stays.
    - "user-time": the last `test_fraction` (0.25) of each user's events, same rounding. Events of one user at
      one moment are ordered at random.
    - "time": every event after one moment for all: the moment whose later share is nearest `test_fraction`
      (0.2), or `test_days` days before the last event.
    - "item-cold": `test_fraction` (0.2) of the items that have events, drawn at random, are hidden: training
      holds neither the items nor their events. Ranked are the hidden items that somebody liked.

    The two splits by time leave out events without a timestamp (0), and the description says how many.

    Args:
        dataset: histories and items.
        name: the kind of split.
        seed: seed of every random choice.
        test_fraction: share above 0 and below 1; see above for the default.
        test_days: length of the test period in days; only with "time", instead of `test_fraction`.

    Returns:
        The split; at least one user can be evaluated.

    Raises:
        InputError: on arguments out of range, when a split by time finds no two different timestamps, or when
            the dataset is too small to split.
    """
    if name not in get_args(SplitName):
        raise InputError(f"Expected a split out of {', '.join(get_args(SplitName))}, got {name!r}.")
    if test_days is not None and (name != "time" or test_fraction is not None):
        raise InputError("test_days goes with the split 'time' only, and not together with test_fraction.")
    if test_days is not None and not 0 < test_days < np.inf:
        raise InputError(f"Expected test_days above 0, got {test_days}.")
    fraction = _DEFAULT_FRACTION[name] if test_fraction is None else test_fraction
    if not 0 < fraction < 1:
        raise InputError(f"Expected a test_fraction above 0 and below 1, got {fraction}.")
    if dataset.histories.n_events == 0:
        raise InputError("Expected interactions to split, got none. Ingest interactions first.")
    if name == "time" and test_days is not None:
        cut = _by_days(dataset.histories, test_days)
    else:
        cut = _CUTS[name](dataset.histories, fraction, seed)
    return _assemble(dataset, name, cut)


def split_events(
    dataset: Dataset, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], description: str
) -> Split:
    """Cut a dataset by a choice of events made elsewhere, such as the published split of a paper.

    Args:
        dataset: histories and items.
        train: bool (n_events,), over the events of `dataset.histories` in their order.
        test: bool (n_events,); an event in neither is left out.
        description: one phrase for people.

    Returns:
        A split named "custom" in which every item is a candidate.

    Raises:
        InputError: on masks of another length, an event in both, or when no user can be evaluated.
    """
    shape = (dataset.histories.n_events,)
    if train.shape != shape or test.shape != shape:
        raise InputError(f"Expected masks {shape}, one flag an event, got {train.shape} and {test.shape}.")
    n_both = int((train & test).sum())
    if n_both:
        raise InputError(f"Expected every event in training or in test, got {n_both:,} in both.")
    return _assemble(dataset, "custom", _Cut(train, test, description))


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


def _random(histories: Histories, fraction: float, seed: int) -> _Cut:
    everything = np.ones(histories.n_events, dtype=np.bool_)
    test = last_of_each_user(histories, fraction, seed, np.zeros_like(histories.timestamp), everything)
    return _Cut(~test, test, f"{fraction:.0%} of each user's events, at random, seed {seed}")


def _user_time(histories: Histories, fraction: float, seed: int) -> _Cut:
    usable, left_out = _timed(histories, "user-time")
    test = last_of_each_user(histories, fraction, seed, histories.timestamp, usable)
    return _Cut(usable & ~test, test, f"the last {fraction:.0%} of each user's events{left_out}")


def _time(histories: Histories, fraction: float, seed: int) -> _Cut:
    usable, left_out = _timed(histories, "time")
    moments, counts = np.unique(histories.timestamp[usable], return_counts=True)
    later_share = 1 - np.cumsum(counts)[:-1] / counts.sum()
    return _after(histories, int(moments[np.abs(later_share - fraction).argmin()]), usable, left_out)


def _by_days(histories: Histories, days: float) -> _Cut:
    usable, left_out = _timed(histories, "time")
    last = int(histories.timestamp[usable].max())
    return _after(histories, int(np.floor(last - days * _SECONDS_PER_DAY)), usable, left_out)


def _after(histories: Histories, moment: int, usable: npt.NDArray[np.bool_], left_out: str) -> _Cut:
    test = usable & (histories.timestamp > moment)
    share = test.sum() / usable.sum()
    # numpy's datetime does not fail on years beyond 9999, which milliseconds taken for seconds give.
    text = str(np.datetime64(moment, "s")).replace("T", " ")
    return _Cut(usable & ~test, test, f"the events after {text} UTC, {share:.0%} of all{left_out}")


def _timed(histories: Histories, name: str) -> tuple[npt.NDArray[np.bool_], str]:
    """Which events have a timestamp, bool (n_events,), and a phrase about those that have none."""
    usable = histories.timestamp != 0
    times = histories.timestamp[usable]
    if times.size == 0 or times.min() == times.max():
        found = "no timestamps" if times.size == 0 else "one and the same timestamp everywhere"
        raise InputError(
            f"The split {name!r} needs interactions at different times, got {found}. Ingest interactions with a "
            "timestamp column, or use the split 'random' or 'item-cold'."
        )
    n_left_out = int((~usable).sum())
    return usable, f"; {n_left_out:,} events without a timestamp left out" if n_left_out else ""


def _item_cold(histories: Histories, fraction: float, seed: int) -> _Cut:
    active = np.unique(histories.item_index)
    if active.size < 2:
        raise InputError(f"Expected interactions with 2 or more items to hide some, got {active.size} item.")
    n_hidden = int(np.clip(np.rint(fraction * active.size), 1, active.size - 1))
    hidden = np.zeros(histories.n_items, dtype=np.bool_)
    hidden[np.random.default_rng(seed).permutation(active)[:n_hidden]] = True
    test = hidden[histories.item_index]
    description = f"a random {fraction:.0%} of the items hidden from training ({n_hidden:,} items), seed {seed}"
    return _Cut(~test, test, description, hidden)


_CUTS: MappingProxyType[str, Callable[[Histories, float, int], _Cut]] = MappingProxyType(
    {"random": _random, "user-time": _user_time, "time": _time, "item-cold": _item_cold}
)


def _assemble(dataset: Dataset, name: str, cut: _Cut) -> Split:
    """Build the split: training dataset, evaluated users, relevant items and candidates."""
    train, liked = dataset.histories.select(cut.train), dataset.histories.select(cut.test).liked()
    n_train = np.diff(train.indptr)
    relevant = _without(liked, train.matrix())
    evaluated = np.flatnonzero((n_train > 0) & (np.diff(relevant.indptr) > 0))
    if evaluated.size == 0:
        raise InputError(
            f"Too little to split ({name}: {cut.description}): expected a user with a training event and a liked "
            f"test item not seen before, got {int(cut.train.sum())} training and {int(cut.test.sum())} test events "
            f"of {len(dataset.histories)} users. Use more interactions, another split or another fraction."
        )
    candidates = np.ones(dataset.n_items, dtype=np.bool_)
    description = cut.description
    fitted = Dataset(train.take(np.flatnonzero(n_train > 0)), dataset.items)
    if cut.hidden_items is not None:
        candidates = np.bincount(liked.indices, minlength=dataset.n_items) > 0
        description += f"; ranked are the {int(candidates.sum()):,} of them that somebody liked"
        fitted = only_items(fitted, ~cut.hidden_items)
    return Split(name, fitted, train.take(evaluated), dataset.items, relevant[evaluated], candidates, description)


def _without(liked: csr_matrix, seen: csr_matrix) -> csr_matrix:
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
