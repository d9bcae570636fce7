"""Learning curves: what more training data is worth to each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Recommender
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.intervals import Interval
from visrec.evaluation.result import Evaluation, LearningCurve
from visrec.evaluation.splits import Folds, Split

__all__ = ["with_learning_curve"]

_SHARES = (0.1, 0.25, 0.5)
_UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


def with_learning_curve(
    found: Evaluation,
    split: Split | Folds,
    models: Mapping[str, Recommender],
    *,
    shares: Sequence[float] = _SHARES,
    progress: ProgressFactory = silent,
) -> Evaluation:
    """Judge the models of an evaluation again, after learning from smaller parts of the training data.

    The parts of the training events are random and nested; what is asked stays the same: the same users with their
    whole given history, candidates and answers. So a curve shows what a model learns from other people's events; one
    that learns nothing from them is level.

    Args:
        found: what `evaluate` found of the models on the split: the end of the curve.
        split: the same split.
        models: the same models; each is fitted once a share.
        shares: parts of the training events, above 0 and below 1.
        progress: see `evaluate`.

    Returns:
        The evaluation with its `curve`.

    Raises:
        InputError: on shares out of range, and on folds.
    """
    if isinstance(split, Folds):
        raise InputError("A learning curve goes with one split, not with folds. Use the split 'random'.")
    if not shares or not all(0 < share < 1 for share in shares):
        raise InputError(f"Expected shares of the training events above 0 and below 1, got {list(shares)}.")
    shares = sorted(set(shares))
    rank = np.random.default_rng(found.seed).permutation(split.train.histories.n_events)
    parts = [_part(split, share, rank) for share in shares]
    taking_part = {name: models[name] for name in found.models}
    judged = [evaluate(part, taking_part, k=found.k, seed=found.seed, progress=progress) for part in parts]
    metric = f"ndcg@{found.k}"
    points: dict[str, tuple[Interval, ...]] = {}
    for name in found.ranked(metric):
        smaller = [evaluation.models.get(name, {metric: _UNKNOWN})[metric] for evaluation in judged]
        points[name] = (*smaller, found.models[name][metric])
    n_events = (*(part.train.histories.n_events for part in parts), rank.size)
    return replace(found, curve=LearningCurve(metric, (*shares, 1.0), n_events, points))


def _part(split: Split, share: float, rank: npt.NDArray[np.int64]) -> Split:
    """The split with the training events whose `rank`, int64 (n_events,), is among the first `share`."""
    kept = split.train.histories.select(rank < max(1, round(share * rank.size)))
    histories = kept.take(np.flatnonzero(np.diff(kept.indptr) > 0))
    return replace(split, train=Dataset(histories, split.train.items))
