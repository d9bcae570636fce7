"""From a model's scores to ranked lists: what may be in them, rules, choice, top k, sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.protocols import Scores
from visrec.core.ranking import RankedItem, Ranking
from visrec.core.top_k import top_k
from visrec.core.trace import Stage, Stopwatch
from visrec.retrieval.choice import Choice, choose
from visrec.retrieval.plan import ListPlan, RowRules

__all__ = ["Ranker", "Scorer"]

#: A block of scores holds at most so many numbers (256 MiB of float32).
_BLOCK_SCORES = 1 << 26
#: The spread of a list is what lies between its best candidate and the one of this rank.
_SPREAD_RANK = 100


class Scorer(Protocol):
    """What the ranker needs of a recommender."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """See `Recommender.score`."""
        ...


class Ranker:
    """Ranks items with one model; users without a liked item get the fallback's list, marked as such.

    Args:
        model: fitted.
        fallback: fitted; None: the model ranks for everybody.
    """

    def __init__(self, model: Scorer, fallback: Scorer | None = None) -> None:
        self._model = model
        self._fallback = fallback

    def rank(
        self, histories: Histories, items: ItemFeatures, plan: ListPlan | None = None, *, block: int = 256
    ) -> Iterator[Ranking]:
        """Rank the items for each history, in blocks of users, best first.

        A user's list is the same alone and in any block, as far as the model's scores are.

        Args:
            histories: n_users histories over `items`.
            items: features of n_items items.
            plan: what is asked of the lists; None: the defaults of `ListOptions`.
            block: users scored at once, at most.

        Raises:
            InputError: when block is below 1.
        """
        if block < 1:
            raise InputError(f"Expected a block of 1 or more, got {block}.")
        block = max(1, min(block, _BLOCK_SCORES // max(len(items), 1)))
        for start in range(0, len(histories), block):
            rows = np.arange(start, min(start + block, len(histories)), dtype=np.int64)
            yield from self._block(histories.take(rows), items, plan or ListPlan())

    def _block(self, histories: Histories, items: ItemFeatures, plan: ListPlan) -> Iterator[Ranking]:
        if self._fallback is None:
            yield from _lists(self._model, histories, items, plan, "")
            return
        liked = _with_likes(histories)
        known, unknown = np.flatnonzero(liked), np.flatnonzero(~liked)
        lists: dict[int, Ranking] = {}
        note = f"no liked item is known of this user: these are the {self._fallback.id} items"
        for model, users, remark in ((self._model, known, ""), (self._fallback, unknown, note)):
            if users.size:
                found = _lists(model, histories.take(users), items, plan, remark)
                lists.update(zip(users.tolist(), found, strict=True))
        for row in range(len(histories)):
            yield lists[row]


def _with_likes(histories: Histories) -> npt.NDArray[np.bool_]:
    """Whether a user likes an item, by the latest event with it; bool (n_users,)."""
    if (histories.weight > 0).all():
        return np.asarray(np.diff(histories.indptr) > 0)
    return np.asarray(np.diff(histories.liked().indptr) > 0)


def _lists(model: Scorer, histories: Histories, items: ItemFeatures, plan: ListPlan, note: str) -> Iterator[Ranking]:
    if not len(items):
        yield from (Ranking((), user_id, note) for user_id in histories.user_ids)
        return
    watch = Stopwatch()
    scores = model.score(histories, items)
    # A model may give the array that it keeps.
    values = scores.values.copy()
    stages = _Stages(values, plan.options.trace, watch.lap())
    _narrow(values, histories, plan, stages)
    low = _cut_off(values, plan, stages)
    unit = _apply_rules(values, plan.rules, stages)
    for user, choice in enumerate(choose(values, plan)):
        lines = _lines(choice.rows, scores, values, user, unit[user], items, plan)
        short = low[user] and len(lines) < plan.options.k
        end = f"the list ends early: no other item scores {plan.options.min_score:g} or more" if short else ""
        remark = "; ".join(filter(None, [note, end]))
        yield Ranking(lines, histories.user_ids[user], remark, stages.of(user, choice))


class _Stages:
    """What every user's candidates went through; counts only where a trace was asked for."""

    def __init__(self, values: npt.NDArray[np.float32], wanted: bool, score_ms: float) -> None:
        self.wanted = wanted
        self._score_ms = score_ms / len(values)
        self._watch = Stopwatch()
        self._before = np.full(len(values), values.shape[1], dtype=np.int64)
        self._removed: list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64], float]] = []

    def ended(self, name: str, values: npt.NDArray[np.float32], ms: float = 0.0) -> None:
        """A stage ended, which kept what is still above -inf; `ms` were spent on it before, for each user."""
        if self.wanted:
            taken = self._watch.lap() / len(values)
            left = (values > -np.inf).sum(axis=1)
            self._removed.append((name, left, self._before - left, ms + taken))
            self._before = left
            self._watch.lap()

    def scored(self) -> None:
        """The place of scoring: it was done before, and removes nothing."""
        self._removed.append(("score", self._before, np.zeros_like(self._before), self._score_ms))

    def of(self, user: int, choice: Choice) -> tuple[Stage, ...]:
        """One user's stages."""
        if not self.wanted:
            return ()
        before = [Stage(name, int(left[user]), int(gone[user]), ms) for name, left, gone, ms in self._removed]
        return (*before, *choice.stages)


def _narrow(values: npt.NDArray[np.float32], histories: Histories, plan: ListPlan, stages: _Stages) -> None:
    """Put -inf where an item may not be in a list."""
    for narrowing in plan.narrowed:
        values[:, ~narrowing.kept] = -np.inf
        stages.ended(narrowing.stage, values, narrowing.ms)
    if plan.options.exclude_seen:
        values[histories.user_index, histories.item_index] = -np.inf
        stages.ended("seen", values)
    stages.scored()


def _cut_off(values: npt.NDArray[np.float32], plan: ListPlan, stages: _Stages) -> npt.NDArray[np.bool_]:
    """Put -inf where the score is too low, unless the item is pinned; whether anything was; bool (n_users,)."""
    least = plan.options.min_score
    if least is None:
        return np.zeros(len(values), dtype=np.bool_)
    low = (values < least) & (values > -np.inf)
    low[:, [row for _, row in plan.pins]] = False
    values[low] = -np.inf
    stages.ended("min_score", values)
    return np.asarray(low.any(axis=1))


def _apply_rules(values: npt.NDArray[np.float32], rules: RowRules | None, stages: _Stages) -> npt.NDArray[np.float32]:
    """Block and lift; what a unit of lift is worth in each list, float32 (n_users,)."""
    unit = np.ones(len(values), dtype=np.float32)
    if rules is None:
        return unit
    values[:, rules.blocked] = -np.inf
    if rules.lift.any():
        best = top_k(values, min(_SPREAD_RANK, values.shape[1]))
        unit = _spread(np.where(best >= 0, np.take_along_axis(values, np.maximum(best, 0), axis=1), np.nan))
        values += rules.lift * unit[:, None]
    stages.ended("rules", values, rules.ms)
    return unit


def _spread(best: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Best minus last of each row, best first, NaN behind; 1 where all are equal or there is none."""
    last = np.maximum(np.isfinite(best).sum(axis=1) - 1, 0)
    spread = np.nan_to_num(best[:, 0] - best[np.arange(len(best)), last])
    return np.where(spread > 0, spread, 1.0).astype(np.float32)


def _lines(
    rows: list[int],
    scores: Scores,
    values: npt.NDArray[np.float32],
    user: int,
    unit: np.float32,
    items: ItemFeatures,
    plan: ListPlan,
) -> tuple[RankedItem, ...]:
    """The chosen rows as the lines of one user's list; `values` are the scores that they were chosen by."""
    totals = values[user, rows].tolist()
    shares = {source: part[user, rows].tolist() for source, part in scores.parts.items()}
    if plan.rules is not None:
        shares["rule"] = (plan.rules.lift[rows] * unit).tolist()
    lines = []
    for place, row in enumerate(rows):
        parts = {source: share[place] for source, share in shares.items()}
        lines.append(
            RankedItem(
                rank=place + 1,
                item_id=items.item_ids[row],
                score=totals[place],
                source=max(parts, key=parts.__getitem__),
                parts={source: share for source, share in parts.items() if share},
                title=plan.titles.get(row, ""),
                rules=() if plan.rules is None else plan.rules.names(row, plan.options.k),
            )
        )
    return tuple(lines)
