"""A request for lists in terms of rows: what the ranker needs to know beside the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from visrec.core.list_options import ListOptions
from visrec.retrieval.likeness import Likeness
from visrec.retrieval.pick import Cap

__all__ = ["ListPlan", "Narrowing", "RowRules"]


@dataclass(frozen=True)
class Narrowing:
    """A stage that leaves only some items.

    Attributes:
        stage: its name in a trace.
        kept: bool (n_items,).
        ms: milliseconds that finding them took.
    """

    stage: str
    kept: npt.NDArray[np.bool_]
    ms: float = 0.0


@dataclass(frozen=True)
class RowRules:
    """The shop's rules that hold now, over n_items items; see `visrec.retrieval.rules`.

    Attributes:
        blocked: bool (n_items,), never recommended.
        lift: float32 (n_items,), added to scores in units of the list's spread.
        pins: (position from 1, row, name of the rule), the first named first; each row once.
        lifting: (name, bool (n_items,)) of each rule that lifts or lowers.
        ms: milliseconds that finding them took.
    """

    blocked: npt.NDArray[np.bool_]
    lift: npt.NDArray[np.float32]
    pins: tuple[tuple[int, int, str], ...] = ()
    lifting: tuple[tuple[str, npt.NDArray[np.bool_]], ...] = ()
    ms: float = 0.0

    def names(self, row: int, k: int) -> tuple[str, ...]:
        """The rules that an item's score, or its place in a list of k, is due to."""
        lifting = tuple(name for name, rows in self.lifting if rows[row])
        return lifting + tuple(name for position, pinned, name in self.pins if pinned == row and position <= k)


@dataclass(frozen=True)
class ListPlan:
    """What is asked of lists over n_items items.

    Attributes:
        options: length, cut-off, diversity, …; where, candidates, max_per and rules are in the other fields, as rows.
        narrowed: what may be in the lists, stage by stage.
        caps: how many items each value of a column may have.
        likeness: of the items, where `options` asks for diversity or for copies to be left out.
        rules: the shop's rules; None: none.
        titles: row -> title.
    """

    options: ListOptions = field(default_factory=ListOptions)
    narrowed: tuple[Narrowing, ...] = ()
    caps: tuple[Cap, ...] = ()
    likeness: Likeness | None = None
    rules: RowRules | None = None
    titles: Mapping[int, str] = field(default_factory=dict)

    @property
    def pins(self) -> tuple[tuple[int, int], ...]:
        """(position from 1, row) of the items that are pinned within the list's length."""
        pins = () if self.rules is None else self.rules.pins
        return tuple((position, row) for position, row, _ in pins if position <= self.options.k)
