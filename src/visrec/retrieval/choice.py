"""The items of each list, out of its candidates' scores: top k, or chosen one by one, with pinned ones in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.top_k import top_k
from visrec.core.trace import Stage, Stopwatch
from visrec.retrieval.pick import Picked, pick
from visrec.retrieval.plan import ListPlan

__all__ = ["Choice", "choose"]

#: Lists that are not just the best scores are chosen out of so many candidates, and so many for each line.
_POOL, _POOL_PER_LINE = 100, 5
#: A pool that does not fill the list becomes so many times as large.
_DEEPER = 4


@dataclass(frozen=True)
class Choice:
    """The rows of one list, in the order of its ranks, and what happened on the way from the candidates."""

    rows: list[int]
    stages: tuple[Stage, ...] = ()


def choose(values: npt.NDArray[np.float32], plan: ListPlan) -> Iterator[Choice]:
    """The items of each list.

    Args:
        values: float32 (n_users, n_items), -inf for what may not be in the list.
        plan: what is asked of the lists.
    """
    watch = Stopwatch()
    n_lists, n_items = values.shape
    options, pins = plan.options, plan.pins
    simple = not (options.diversity or options.collapse_duplicates or plan.caps or pins)
    size = min(options.k if simple else max(_POOL, _POOL_PER_LINE * options.k), n_items)
    best = top_k(values, size)
    ms = watch.lap() / n_lists
    n_candidates = (values > -np.inf).sum(axis=1) if options.trace else np.zeros(n_lists, dtype=np.int64)
    for user in range(n_lists):
        pool = best[user][best[user] >= 0]
        if simple:
            rows, stages = pool.tolist(), _Stages(n_candidates[user]).top_k(len(pool), ms)
        else:
            rows, stages = _picked(values[user], pool, plan, int(n_candidates[user]), ms)
        yield Choice(rows, stages if options.trace else ())


def _picked(
    values: npt.NDArray[np.float32], best: npt.NDArray[np.int64], plan: ListPlan, n_candidates: int, ms: float
) -> tuple[list[int], tuple[Stage, ...]]:
    options, watch = plan.options, Stopwatch()
    pins = [(position, row) for position, row in plan.pins if values[row] > -np.inf]
    first = [row for _, row in pins]
    while True:
        pool = np.array([*first, *best[~np.isin(best, first)].tolist()], dtype=np.int64)
        picked = pick(
            pool,
            values[pool],
            options.k,
            n_first=len(first),
            likeness=plan.likeness,
            diversity=options.diversity,
            collapse_duplicates=options.collapse_duplicates,
            caps=plan.caps,
        )
        deeper = min(_DEEPER * len(best), len(values))
        if len(picked.rows) >= options.k or deeper <= len(best):
            break
        best = _candidates(values, deeper)
        if len(best) == len(pool):
            break
    others = picked.rows[sum(row in picked.rows for row in first) :]
    rows = _placed([pin for pin in pins if pin[1] in picked.rows], others, options.k)
    stages = _Stages(n_candidates)
    return rows, stages.of(pool, picked, rows, plan, ms + watch.lap())


def _candidates(values: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.int64]:
    best = top_k(values[None], n)[0]
    return best[best >= 0]


def _placed(pins: Sequence[tuple[int, int]], others: Sequence[int], k: int) -> list[int]:
    """Pinned items in their places, or in the next free one; the others, in their order, around them.

    Where there are not enough others to fill the places before a pinned item, it moves up.

    >>> _placed([(2, 7), (2, 8), (9, 5)], [1, 3], 10)
    [1, 7, 8, 3, 5]
    """
    taken: dict[int, int] = {}
    for position, row in pins:
        while position in taken:
            position += 1
        taken[position] = row
    rows, waiting = [], list(others)
    for position in range(1, k + 1):
        if position in taken:
            rows.append(taken.pop(position))
        elif waiting:
            rows.append(waiting.pop(0))
    # What is left was pinned beyond the end of a list that is short.
    return rows[:k]


class _Stages:
    """The stages of a trace that come after the candidates."""

    def __init__(self, n_candidates: int) -> None:
        self._left = int(n_candidates)

    def top_k(self, n_chosen: int, ms: float) -> tuple[Stage, ...]:
        return (self._stage("top k", self._left - n_chosen, ms),)

    def of(
        self, pool: npt.NDArray[np.int64], picked: Picked, rows: Sequence[int], plan: ListPlan, ms: float
    ) -> tuple[Stage, ...]:
        options = plan.options
        rest = ms - sum(picked.ms.values())
        stages = [self._stage("pool", self._left - len(pool), rest, "the best, to choose from")]
        if options.collapse_duplicates:
            stages.append(self._stage("duplicates", picked.duplicates, picked.ms["duplicates"]))
        if plan.caps:
            stages.append(self._stage("caps", picked.capped, picked.ms["caps"]))
        if options.diversity:
            n_best = len(set(rows) - set(pool[: len(rows)].tolist()))
            remark = f"{n_best} of the list are not among the {len(rows)} best scores"
            stages.append(self._stage("diversity", 0, picked.ms["diversity"], remark))
        stages.append(self._stage("top k", self._left - len(rows), 0.0))
        return tuple(stages)

    def _stage(self, name: str, removed: int, ms: float, note: str = "") -> Stage:
        self._left -= removed
        return Stage(name, self._left, removed, ms, note)
