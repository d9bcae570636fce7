"""Splits: what a model may learn from, and what it is asked to find."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.parts import only_items, unseen
from visrec.evaluation.cuts import CUTS, Cut, by_days, random_folds
from visrec.evaluation.leakage import Leakage, find_leakage

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Folds", "Split", "SplitName", "make_folds", "make_split", "split_events"]

SplitName = Literal["random", "time", "user-time", "item-cold", "user-cold"]

_DEFAULT_FRACTION = MappingProxyType(
    {"random": 0.25, "user-time": 0.25, "time": 0.2, "item-cold": 0.2, "user-cold": 0.2}
)


@dataclass(frozen=True)
class Split:
    """A dataset cut into what models are fitted on and what they are judged by.

    Attributes:
        name: a `SplitName`; "custom" from `split_events`, "kfold" from `make_folds`.
        train: what models are fitted on; its users are those with at least one training event.
        history: what is given of the n_users evaluated users, over all n_items `items`: their training events, or
            with "user-cold" the earlier half of users that training does not hold. Evaluated are the users with at
            least one given event and at least one relevant item.
        items: all n_items items, to be scored.
        relevant: float64 CSR (n_users, n_items), 1 where the user liked the item (weight above 0) in the test
            events and had not seen it in `history`; sorted indices, nothing else stored.
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

    @property
    def hides_users(self) -> bool:
        """Whether users are evaluated that training does not hold."""
        return bool((self.train.histories.user_ids.rows(list(self.history.user_ids)) < 0).any())

    @cached_property
    def leakage(self) -> Leakage | None:
        """Ranked items hidden from training whose picture training has seen all the same; see `find_leakage`."""
        known = np.zeros(self.n_items, dtype=np.bool_)
        known[self.items.item_ids.rows(list(self.train.items.item_ids))] = True
        return find_leakage(self.items, self.candidates & ~known, known)


@dataclass(frozen=True)
class Folds:
    """A dataset cut several times, so that every event is in the test part of one cut.

    Attributes:
        splits: one a fold, each named "kfold", over the same items.
        description: one phrase for people.
    """

    splits: tuple[Split, ...]
    description: str


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
    - "user-cold": `test_fraction` (0.2) of the users with two or more events, drawn at random, are hidden: training
      holds none of their events. The earlier half of each one's events, max(1, round(n / 2)), is given as history
      when items are scored; the rest is asked for. Events of one user at one moment, or without a timestamp, are
      ordered at random.

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
        cut = by_days(dataset.histories, test_days)
    else:
        cut = CUTS[name](dataset.histories, fraction, seed)
    return _assemble(dataset, name, cut)


def make_folds(dataset: Dataset, folds: int = 5, *, seed: int = 42) -> Folds:
    """Deal each user's events into folds at random; the same arguments give the same folds.

    Each user's events, shuffled, go to the folds in turn, beginning with a random one: each fold tests a user on
    1 / folds of their events, to one more or less, as the split "random" does with that fraction. A user is judged in
    the folds that leave at least one event for training and ask for at least one liked item.

    Args:
        dataset: histories and items.
        folds: 2 or more.
        seed: seed of every random choice; 0 or more.

    Raises:
        InputError: on fewer than 2 folds, without events, or when the dataset is too small for so many.
    """
    if folds < 2:
        raise InputError(f"Expected 2 or more folds, got {folds}.")
    if dataset.histories.n_events == 0:
        raise InputError("Expected interactions to split, got none. Ingest interactions first.")
    splits = tuple(_assemble(dataset, "kfold", cut) for cut in random_folds(dataset.histories, folds, seed))
    return Folds(
        splits,
        f"{folds} folds of each user's events, at random, seed {seed}; every event is asked for once; of each user "
        "the mean over the folds",
    )


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
    return _assemble(dataset, "custom", Cut(train, test, description))


def _assemble(dataset: Dataset, name: str, cut: Cut) -> Split:
    """Build the split: training dataset, evaluated users, relevant items and candidates."""
    train, liked = dataset.histories.select(cut.train), dataset.histories.select(cut.test).liked()
    given = train if cut.given is None else dataset.histories.select(cut.given)
    relevant = unseen(liked, given.matrix())
    evaluated = np.flatnonzero((np.diff(given.indptr) > 0) & (np.diff(relevant.indptr) > 0))
    if evaluated.size == 0 or train.n_events == 0:
        raise InputError(
            f"Too little to split ({name}: {cut.description}): expected training events, and a user with a given "
            f"event and a liked test item not seen before, got {train.n_events} training and {int(cut.test.sum())} "
            f"test events of {len(dataset.histories)} users. Use more interactions, another split or another fraction."
        )
    candidates = np.ones(dataset.n_items, dtype=np.bool_)
    description = cut.description
    fitted = Dataset(train.take(np.flatnonzero(np.diff(train.indptr) > 0)), dataset.items)
    if cut.hidden_items is not None:
        candidates = np.bincount(liked.indices, minlength=dataset.n_items) > 0
        description += f"; ranked are the {int(candidates.sum()):,} of them that somebody liked"
        fitted = only_items(fitted, ~cut.hidden_items)
    return Split(name, fitted, given.take(evaluated), dataset.items, relevant[evaluated], candidates, description)
