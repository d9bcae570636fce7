"""Judging predicted ratings: RMSE and MAE of every model on the same pairs, with intervals."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFoundError, UnsupportedError
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import RatingPredictor, Recommender
from visrec.evaluation.intervals import Interval, percentile_interval, user_draws
from visrec.evaluation.rating_split import (
    RatingFold,
    RatingSplitName,
    describe_rating_split,
    latest_ratings,
    rating_folds,
)
from visrec.evaluation.rating_table import render_ratings

__all__ = ["GLOBAL_MEAN", "RatingEvaluation", "evaluate_ratings"]

Sums = npt.NDArray[np.float64]

#: Name of the row that predicts the mean rating of the training part for every pair.
GLOBAL_MEAN = "global mean"
_N_RESAMPLES = 1000


@dataclass(frozen=True)
class RatingEvaluation:
    """Errors of several models on the same pairs.

    Attributes:
        split: name of the split.
        description: what the split did, for people.
        n_ratings: number of ratings that were asked for, all folds together.
        n_users: number of users who gave one of them.
        n_folds: number of folds.
        models: model -> "rmse" or "mae" -> the mean over folds, and its interval.
        folds: model -> "rmse" or "mae" -> the figure of each fold.
        skipped: model that could not take part -> reason.
        per_user: model -> "rmse" or "mae" -> float64 (n_users, n_folds), sums of squared or absolute errors.
        counts: float64 (n_users, n_folds), number of ratings behind each sum.
        seconds: model -> (fitting, predicting), wall time of all folds; no part of `to_json`.
        seed: of the split and the intervals.
    """

    split: str
    description: str
    n_ratings: int
    n_users: int
    n_folds: int
    models: Mapping[str, Mapping[str, Interval]]
    folds: Mapping[str, Mapping[str, tuple[float, ...]]]
    skipped: Mapping[str, str] = field(default_factory=dict)
    per_user: Mapping[str, Mapping[str, Sums]] = field(default_factory=dict, repr=False)
    counts: Sums = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seed: int = 42

    def to_json(self) -> dict[str, Any]:
        """JSON-able figures."""
        return {
            "split": self.split,
            "description": self.description,
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_folds": self.n_folds,
            "models": {
                name: {
                    metric: {"mean": i.mean, "low": i.low, "high": i.high, "folds": list(self.folds[name][metric])}
                    for metric, i in metrics.items()
                }
                for name, metrics in self.models.items()
            },
            "skipped": dict(self.skipped),
        }

    def table(self, *, markdown: bool = False) -> str:
        """The figures for people, lowest RMSE first; as a pipe table with `markdown`."""
        folds = f", {self.n_folds} folds" if self.n_folds > 1 else ""
        head = (
            f"Ratings, split {self.split}: {self.description}. {self.n_ratings:,} ratings of {self.n_users:,} users"
            f"{folds}; lower is better. 95% intervals over users."
        )
        return render_ratings(self.models, self.skipped, head, markdown=markdown)

    def difference(self, first: str, second: str, metric: str = "rmse") -> Interval:
        """Figure of first - second on the same pairs, with its interval; below 0 the first is better.

        Raises:
            NotFoundError: when a model was not evaluated, or there is no such metric.
        """
        for name in (first, second):
            if metric not in self.per_user.get(name, {}):
                there = ", ".join(self.per_user)
                raise NotFoundError(f"Expected rmse or mae of a model out of {there}, got {metric!r} of {name!r}.")
        sums = [self.per_user[name][metric] for name in (first, second)]
        return _intervals([(s, metric) for s in sums], self.counts, self.seed, difference=True)[0]


def evaluate_ratings(
    dataset: Dataset,
    models: Mapping[str, Recommender],
    *,
    split: RatingSplitName = "kfold",
    folds: int = 5,
    seed: int = 42,
    progress: ProgressFactory = silent,
) -> RatingEvaluation:
    """Fit each model on every fold's training part, and compare its predictions with the ratings held out.

    Per fold, over its n pairs with prediction p and rating r:

        RMSE = sqrt(Σ (p - r)² / n),   MAE = Σ |p - r| / n.

    The figure is the mean over folds, as Surprise's `cross_validate` gives it. The interval is a percentile bootstrap
    over users (1,000 draws): a user is drawn with all their ratings in all folds, for one user's errors go together.
    It says how the figure would move with other users, not with another shuffling. `global mean`, the training part's
    mean for every pair, is always one of the rows.

    Args:
        dataset: histories with ratings, and items.
        models: name in the result -> recommender, fitted or not: each is fitted (again) for every fold.
        split: see `rating_folds`.
        folds: number of folds of "kfold".
        seed: of the split and the intervals.
        progress: shows one line a model, in folds.

    Returns:
        The figures. A model that predicts no ratings, or raises `UnsupportedError`, is in `skipped` with the reason.

    Raises:
        InputError: see `rating_folds`; on predictions of the wrong shape or with NaN; on a model named "global mean".
    """
    if GLOBAL_MEAN in models:
        raise InputError(f"Expected model names other than {GLOBAL_MEAN!r}, which is always in the table.")
    cuts = list(rating_folds(dataset, split, folds=folds, seed=seed))
    predictions: dict[str, list[npt.NDArray[np.float64]]] = {}
    skipped: dict[str, str] = {}
    seconds: dict[str, tuple[float, float]] = {}
    for name, model in models.items():
        if not model.capabilities.ratings:
            skipped[name] = "it ranks, and predicts no ratings"
            continue
        try:
            predictions[name], seconds[name] = _predict_all(name, cast(RatingPredictor, model), cuts, progress)
        except UnsupportedError as error:
            skipped[name] = str(error)
    predictions[GLOBAL_MEAN] = [np.full(len(cut.rating), _training_mean(cut)) for cut in cuts]
    return _judge(cuts, predictions, skipped, seconds, split, describe_rating_split(split, folds, seed), seed)


def _predict_all(
    name: str, model: RatingPredictor, cuts: Sequence[RatingFold], progress: ProgressFactory
) -> tuple[list[npt.NDArray[np.float64]], tuple[float, float]]:
    predicted = []
    fitting = predicting = 0.0
    with progress(f"evaluate {name}", total=len(cuts), unit="folds") as watch:
        for cut in cuts:
            started = time.perf_counter()
            model.fit(cut.train)
            fitted = time.perf_counter()
            values = model.predict(cut.history, cut.items, cut.user_index, cut.item_index)
            fitting, predicting = fitting + fitted - started, predicting + time.perf_counter() - fitted
            if values.shape != cut.rating.shape or not np.isfinite(values).all():
                raise InputError(
                    f"Expected {len(cut.rating):,} numbers as ratings from {name!r}, got {values.shape} with "
                    f"{int((~np.isfinite(values)).sum()):,} that are none: its features or fit are bad."
                )
            predicted.append(values.astype(np.float64))
            watch.advance()
    return predicted, (fitting, predicting)


def _training_mean(cut: RatingFold) -> float:
    histories = cut.train.histories
    events = latest_ratings(histories)
    if not events.size:
        raise InputError("Too few ratings to split: a training part holds none. Use more ratings or another split.")
    return float(histories.rating[events].mean(dtype=np.float64))


def _judge(
    cuts: Sequence[RatingFold],
    predictions: Mapping[str, Sequence[npt.NDArray[np.float64]]],
    skipped: Mapping[str, str],
    seconds: Mapping[str, tuple[float, float]],
    split: str,
    description: str,
    seed: int,
) -> RatingEvaluation:
    n_users = len(cuts[0].history)
    counts = _by_user([np.ones(len(cut.rating)) for cut in cuts], cuts, n_users)
    active = counts.any(axis=1)
    counts = counts[active]
    per_user: dict[str, dict[str, Sums]] = {}
    for name, predicted in predictions.items():
        errors = [values - cut.rating for values, cut in zip(predicted, cuts, strict=True)]
        squared = _by_user([error**2 for error in errors], cuts, n_users)[active]
        per_user[name] = {"rmse": squared, "mae": _by_user([np.abs(e) for e in errors], cuts, n_users)[active]}
    columns = [(sums, metric) for metrics in per_user.values() for metric, sums in metrics.items()]
    found = iter(_intervals(columns, counts, seed))
    return RatingEvaluation(
        split=split,
        description=description,
        n_ratings=int(counts.sum()),
        n_users=len(counts),
        n_folds=len(cuts),
        models={name: {metric: next(found) for metric in metrics} for name, metrics in per_user.items()},
        folds={name: {m: _of_folds(s, counts, m) for m, s in metrics.items()} for name, metrics in per_user.items()},
        skipped=skipped,
        per_user=per_user,
        counts=counts,
        seconds=seconds,
        seed=seed,
    )


def _by_user(values: Sequence[npt.NDArray[np.float64]], cuts: Sequence[RatingFold], n_users: int) -> Sums:
    """Sums over each user's pairs of each fold; float64 (n_users, n_folds)."""
    columns = [np.bincount(cut.user_index, v, minlength=n_users) for v, cut in zip(values, cuts, strict=True)]
    return np.stack(columns, axis=1)


def _figure(sums: Sums, counts: Sums, metric: str) -> npt.NDArray[np.float64]:
    """The metric of each fold from sums over users; NaN where a draw holds no rating of the fold."""
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return np.sqrt(means) if metric == "rmse" else means


def _of_folds(sums: Sums, counts: Sums, metric: str) -> tuple[float, ...]:
    return tuple(_figure(sums.sum(axis=0), counts.sum(axis=0), metric).tolist())


def _intervals(
    columns: Sequence[tuple[Sums, str]], counts: Sums, seed: int, *, difference: bool = False
) -> list[Interval]:
    """Means over folds with their intervals; with `difference`, of the first column less the second."""
    everybody = np.ones((1, len(counts)))
    figures = np.stack([_means(everybody, sums, counts, metric) for sums, metric in columns])
    drawn = [
        np.stack([_means(draws, sums, counts, metric) for sums, metric in columns])
        for draws in user_draws(len(counts), _N_RESAMPLES, seed)
    ]
    resampled = np.concatenate(drawn, axis=1)
    if difference:
        figures, resampled = figures[:1] - figures[1:], resampled[:1] - resampled[1:]
    return [percentile_interval(float(figure[0]), means) for figure, means in zip(figures, resampled, strict=True)]


def _means(draws: Sums, sums: Sums, counts: Sums, metric: str) -> npt.NDArray[np.float64]:
    """The metric's mean over folds in each draw of users, (n_draws,)."""
    of_folds = _figure(draws @ sums, draws @ counts, metric)
    known = np.isfinite(of_folds)
    # A draw may miss a fold only where there are very few users; it is then a mean over the others.
    means: npt.NDArray[np.float64] = np.where(known, of_folds, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return means
