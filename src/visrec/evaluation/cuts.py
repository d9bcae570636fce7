"""Which events of a log go to training and which to test, one function a kind of split; see `splits`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.histories import Histories
from visrec.core.parts import last_of_each_user

__all__ = ["CUTS", "Cut", "by_days", "random_folds"]

_SECONDS_PER_DAY = 86_400
#: Share of a hidden user's events that is asked for; the rest is their history.
_ASKED_SHARE = 0.5


@dataclass(frozen=True)
class Cut:
    """Events of a log that go to training and to test.

    Attributes:
        train: bool (n_events,).
        test: bool (n_events,), never True together with `train`.
        description: one phrase for people.
        hidden_items: bool (n_items,), what training does not hold; None: nothing.
        given: bool (n_events,), what models score users from; None: the events of training.
    """

    train: npt.NDArray[np.bool_]
    test: npt.NDArray[np.bool_]
    description: str
    hidden_items: npt.NDArray[np.bool_] | None = None
    given: npt.NDArray[np.bool_] | None = None


def _random(histories: Histories, fraction: float, seed: int) -> Cut:
    everything = np.ones(histories.n_events, dtype=np.bool_)
    test = last_of_each_user(histories, fraction, seed, np.zeros_like(histories.timestamp), everything)
    return Cut(~test, test, f"{fraction:.0%} of each user's events, at random, seed {seed}")


def _user_time(histories: Histories, fraction: float, seed: int) -> Cut:
    usable, left_out = _timed(histories, "user-time")
    test = last_of_each_user(histories, fraction, seed, histories.timestamp, usable)
    return Cut(usable & ~test, test, f"the last {fraction:.0%} of each user's events{left_out}")


def _time(histories: Histories, fraction: float, seed: int) -> Cut:
    usable, left_out = _timed(histories, "time")
    moments, counts = np.unique(histories.timestamp[usable], return_counts=True)
    later_share = 1 - np.cumsum(counts)[:-1] / counts.sum()
    return _after(histories, int(moments[np.abs(later_share - fraction).argmin()]), usable, left_out)


def by_days(histories: Histories, days: float) -> Cut:
    """The events of the last so many days are asked for."""
    usable, left_out = _timed(histories, "time")
    last = int(histories.timestamp[usable].max())
    return _after(histories, int(np.floor(last - days * _SECONDS_PER_DAY)), usable, left_out)


def _after(histories: Histories, moment: int, usable: npt.NDArray[np.bool_], left_out: str) -> Cut:
    test = usable & (histories.timestamp > moment)
    share = test.sum() / usable.sum()
    # numpy's datetime does not fail on years beyond 9999, which milliseconds taken for seconds give.
    text = str(np.datetime64(moment, "s")).replace("T", " ")
    return Cut(usable & ~test, test, f"the events after {text} UTC, {share:.0%} of all{left_out}")


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


def _item_cold(histories: Histories, fraction: float, seed: int) -> Cut:
    active = np.unique(histories.item_index)
    if active.size < 2:
        raise InputError(f"Expected interactions with 2 or more items to hide some, got {active.size} item.")
    n_hidden = int(np.clip(np.rint(fraction * active.size), 1, active.size - 1))
    hidden = np.zeros(histories.n_items, dtype=np.bool_)
    hidden[np.random.default_rng(seed).permutation(active)[:n_hidden]] = True
    test = hidden[histories.item_index]
    description = f"a random {fraction:.0%} of the items hidden from training ({n_hidden:,} items), seed {seed}"
    return Cut(~test, test, description, hidden)


def _user_cold(histories: Histories, fraction: float, seed: int) -> Cut:
    able = np.flatnonzero(np.diff(histories.indptr) > 1)
    if able.size == 0 or len(histories) < 2:
        raise InputError(
            f"Expected 2 or more users, one of them with 2 or more events, to hide some, got {len(histories)} "
            f"users of whom {able.size} have as many. Use more interactions or another split."
        )
    n_hidden = int(np.clip(np.rint(fraction * able.size), 1, max(able.size - 1, 1)))
    hidden = np.zeros(len(histories), dtype=np.bool_)
    hidden[np.random.default_rng(seed).permutation(able)[:n_hidden]] = True
    of_hidden = hidden[histories.user_index]
    everything = np.ones(histories.n_events, dtype=np.bool_)
    later = last_of_each_user(histories, _ASKED_SHARE, seed, histories.timestamp, everything)
    description = (
        f"a random {fraction:.0%} of the users hidden from training ({n_hidden:,} users), seed {seed}; the earlier "
        "half of their events is given, the rest asked for"
    )
    return Cut(~of_hidden, of_hidden & later, description, given=of_hidden & ~later)


def random_folds(histories: Histories, folds: int, seed: int) -> list[Cut]:
    """Deal each user's events, shuffled, into folds in turn, beginning with a random one."""
    generator = np.random.default_rng(seed)
    user = histories.user_index
    order = np.lexsort((generator.random(histories.n_events), user))
    place = np.arange(histories.n_events) - histories.indptr[:-1][user]
    fold = np.empty(histories.n_events, dtype=np.int64)
    fold[order] = (place + generator.integers(0, folds, len(histories))[user]) % folds
    each = f"of {folds} of each user's events, at random, seed {seed}"
    return [Cut(fold != number, fold == number, f"fold {number + 1} {each}") for number in range(folds)]


#: Kind of split -> (histories, test fraction, seed) -> cut.
CUTS: MappingProxyType[str, Callable[[Histories, float, int], Cut]] = MappingProxyType(
    {"random": _random, "user-time": _user_time, "time": _time, "item-cold": _item_cold, "user-cold": _user_cold}
)
