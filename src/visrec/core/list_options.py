"""What shapes a list: its length, what may be in it, and how its items are chosen beyond their scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from visrec.core.errors import InputError

__all__ = ["ListArguments", "ListOptions"]


class ListArguments(TypedDict, total=False):
    """The fields of `ListOptions` but k, as keyword arguments of `recommend`, `similar` and `query`."""

    where: str | None
    candidates: Sequence[str] | None
    exclude_seen: bool
    min_score: float | None
    diversity: float
    collapse_duplicates: bool
    max_per: Mapping[str, int]
    rules: bool
    trace: bool


@dataclass(frozen=True)
class ListOptions:
    """What is asked of a list. The defaults are the k best scores among what the user has not seen.

    Attributes:
        k: length of the list; it is shorter where fewer items may be recommended.
        where: SQL condition over the items' columns and attributes, such as `price < 50 and category = 'Dress'`.
        candidates: rank only these items.
        exclude_seen: leave out what is in the history; in a query, the examples.
        min_score: leave out items that the model scores below it: the list may end early, and its note says so.
            Scores have each model's own scale.
        diversity: 0 to 1. 0: the order of the scores; 1: after the first, items as unlike those before as can be.
            Maximal marginal relevance, see `visrec.retrieval.pick`.
        collapse_duplicates: of items that show one picture only the best counts: those whose picture is the same file,
            and those whose embeddings have a cosine of `SAME_PICTURE` or more; see `visrec.retrieval.likeness`.
        max_per: column or attribute -> at most so many items of each of its values; an item whose value holds several,
            separated by "|", counts for each, and one without a value for none.
        rules: apply the shop's rules; see `visrec.retrieval.rules`.
        trace: say what each stage kept and removed, and how long it took.
    """

    k: int = 10
    where: str | None = None
    candidates: Sequence[str] | None = None
    exclude_seen: bool = True
    min_score: float | None = None
    diversity: float = 0.0
    collapse_duplicates: bool = False
    max_per: Mapping[str, int] = field(default_factory=dict)
    rules: bool = True
    trace: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"Expected k of 1 or more, got {self.k}.")
        if not 0 <= self.diversity <= 1:
            raise InputError(f"Expected a diversity from 0 to 1, got {self.diversity}.")
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise InputError(f"Expected a finite number as min_score, got {self.min_score}.")
        for column, limit in self.max_per.items():
            if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
                raise InputError(f"Expected at most 1 or more items of each {column}, got {limit!r}.")
