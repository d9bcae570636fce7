"""What an evaluation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import NotFoundError
from visrec.evaluation.intervals import Interval, paired_difference
from visrec.evaluation.leakage import Leakage
from visrec.evaluation.significance import Significance, compare_with
from visrec.evaluation.table import render

__all__ = ["INTERRUPTED", "Evaluation", "LearningCurve", "Seconds"]

#: Why a model was left out that an interrupt came before.
INTERRUPTED = "interrupted before it was judged"


@dataclass(frozen=True)
class Seconds:
    """Wall time that one model took, in seconds.

    Attributes:
        fit: learning.
        score: the model's own scoring.
        measure: masking, top k and metrics, without the intervals.
    """

    fit: float
    score: float
    measure: float


@dataclass(frozen=True)
class LearningCurve:
    """One metric after learning from growing parts of the training data, on the same question.

    Attributes:
        metric: "ndcg@10".
        shares: of the training events, ascending, above 0; the last is 1.
        n_events: training events of each share.
        points: model, the best at the end first -> the figure at each share; NaN where it could not be had.
    """

    metric: str
    shares: tuple[float, ...]
    n_events: tuple[int, ...]
    points: Mapping[str, tuple[Interval, ...]]

    def columns(self) -> dict[str, dict[str, Interval]]:
        """Model -> "25% (1,234)", a share with its number of events -> the figure."""
        labels = [f"{share:.0%} ({n:,})" for share, n in zip(self.shares, self.n_events, strict=True)]
        return {name: dict(zip(labels, figures, strict=True)) for name, figures in self.points.items()}

    def to_json(self) -> dict[str, Any]:
        """{"metric", "shares", "n_events", "points": {model: [{"mean", "low", "high"}]}}."""
        points = {name: [figure.to_json() for figure in figures] for name, figures in self.points.items()}
        return {"metric": self.metric, "shares": self.shares, "n_events": self.n_events, "points": points}


@dataclass(frozen=True)
class Evaluation:
    """Figures of several models on one split.

    Attributes:
        split: name of the split.
        description: what the split did, for people.
        k: length of the lists that were judged.
        n_users: number of evaluated users.
        n_items: number of items that were scored.
        n_candidates: number of items that could be recommended.
        models: model -> metric ("ndcg@10", "coverage", …) -> mean and interval; NaN where the catalogue does
            not define the metric (diversity without images).
        skipped: model that could not take part -> reason.
        per_user: model -> metric -> float64 (n_users,), for every metric that is a mean over users.
        seconds: model -> wall times; no part of `to_json`, so that equal runs give equal output.
        seed: seed of the intervals.
        leakage: see `Split.leakage`.
        settings: model -> its settings, JSON-able.
        curve: see `with_learning_curve`.
    """

    split: str
    description: str
    k: int
    n_users: int
    n_items: int
    n_candidates: int
    models: Mapping[str, Mapping[str, Interval]]
    skipped: Mapping[str, str] = field(default_factory=dict)
    per_user: Mapping[str, Mapping[str, npt.NDArray[np.float64]]] = field(default_factory=dict, repr=False)
    seconds: Mapping[str, Seconds] = field(default_factory=dict)
    seed: int = 42
    leakage: Leakage | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    curve: LearningCurve | None = None

    @property
    def interrupted(self) -> bool:
        """Whether some models were not judged because of an interrupt."""
        return INTERRUPTED in self.skipped.values()

    def to_json(self) -> dict[str, Any]:
        """JSON-able figures; a metric that is not defined in this catalogue holds three nulls."""
        return {
            "split": self.split,
            "k": self.k,
            "n_users": self.n_users,
            "n_items": self.n_items,
            "models": {
                name: {metric: interval.to_json() for metric, interval in metrics.items()}
                for name, metrics in self.models.items()
            },
            "n_candidates": self.n_candidates,
            "description": self.description,
            "skipped": dict(self.skipped),
            "significance": [verdict.to_json() for verdict in self.verdicts],
            "seed": self.seed,
            "settings": {name: dict(values) for name, values in self.settings.items()},
            **({} if self.leakage is None else {"leakage": self.leakage.to_json()}),
            **({} if self.curve is None else {"learning_curve": self.curve.to_json()}),
        }

    def table(self, *, markdown: bool = False) -> str:
        """The figures for people: best NDCG first, every mean with its interval.

        Args:
            markdown: pipe tables instead of text aligned within 100 columns.
        """
        head = (
            f"Split {self.split}: {self.description}. {self.n_users:,} users, {self.n_candidates:,} of "
            f"{self.n_items:,} items to choose from, k = {self.k}. Means over users with 95% intervals."
        )
        notes = [str(verdict) for verdict in self.verdicts]
        if self.leakage is not None:
            notes.append(str(self.leakage))
        curve = None if self.curve is None else self.curve.columns()
        return render(self.models, self.skipped, head, self.k, notes=notes, curve=curve, markdown=markdown)

    @cached_property
    def verdicts(self) -> tuple[Significance, ...]:
        """NDCG against the best model, and against "popular" where that is another one; () of a single model."""
        if len(self.per_user) < 2:
            return ()
        references = dict.fromkeys([self.best(), "popular"])
        return tuple(self.significance(reference=name) for name in references if name in self.per_user)

    def significance(self, metric: str | None = None, reference: str | None = None) -> Significance:
        """Paired tests of every other model against one, with Holm's correction; see `compare_with`.

        Args:
            metric: a mean over users; None: NDCG.
            reference: a model; None: the best in that metric.

        Raises:
            NotFoundError: when a model was not evaluated, or the metric is no mean over users.
        """
        metric = metric or f"ndcg@{self.k}"
        reference = reference or self.best(metric)
        self._check(reference, metric)
        values = {name: figures[metric] for name, figures in self.per_user.items()}
        return compare_with(reference, values, metric=metric, seed=self.seed)

    def best(self, metric: str | None = None) -> str:
        """The model with the highest mean; of equals the first by name. None: in NDCG.

        Raises:
            NotFoundError: when no model was evaluated, or there is no such metric.
        """
        return self.ranked(metric)[0]

    def ranked(self, metric: str | None = None) -> list[str]:
        """The models, highest mean first, equals by name; see `best`."""
        metric = metric or f"ndcg@{self.k}"
        if not self.models:
            raise NotFoundError("Expected a model that took part in the evaluation, got none.")
        known = next(iter(self.models.values()))
        if metric not in known:
            raise NotFoundError(f"Expected a metric out of {', '.join(known)}, got {metric!r}.")
        return sorted(self.models, key=lambda name: (-np.nan_to_num(self.models[name][metric].mean), name))

    def difference(self, first: str, second: str, metric: str) -> Interval:
        """Mean of first - second in one metric over the same users, with its interval; see `paired_difference`.

        Raises:
            NotFoundError: when a model was not evaluated, or the metric is no mean over users.
        """
        self._check(first, metric)
        self._check(second, metric)
        return paired_difference(self.per_user[first][metric], self.per_user[second][metric], seed=self.seed)

    def _check(self, model: str, metric: str) -> None:
        if model not in self.per_user:
            raise NotFoundError(f"Expected a model out of {', '.join(self.per_user)}, got {model!r}.")
        if metric not in self.per_user[model]:
            raise NotFoundError(f"Expected a metric out of {', '.join(self.per_user[model])}, got {metric!r}.")
