"""Judging recommenders: every model on the same split, over the whole catalogue, with intervals."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import Progress, ProgressFactory, silent
from visrec.core.protocols import Recommender
from visrec.core.top_k import top_k
from visrec.evaluation.beyond_accuracy import (
    coverage,
    directions,
    intra_list_diversity,
    most_popular,
    n_users_of_items,
    novelty,
    popularity_share,
    recommended_once,
)
from visrec.evaluation.intervals import Interval, bootstrap_columns, coverage_interval
from visrec.evaluation.metrics import METRICS
from visrec.evaluation.result import Evaluation, Seconds
from visrec.evaluation.splits import Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["evaluate", "rank_users"]

#: Share of the training items that counts as popular.
_POPULAR_SHARE = 0.2
#: One block of scores holds at most this many (256 MiB of float32), however large the catalogue.
_BLOCK_SCORES = 1 << 26


def evaluate(
    split: Split,
    models: Mapping[str, Recommender],
    *,
    k: int = 10,
    seed: int = 42,
    block: int = 256,
    progress: ProgressFactory = silent,
) -> Evaluation:
    """Fit each model on the split's training data and judge its first k for every evaluated user.

    All items are scored, never a sample; what the user has seen in training and what is no candidate cannot
    be recommended; equal scores are ranked by item row. The metrics and their definitions are in `metrics`
    and `beyond_accuracy`; popular are the fifth of the training items that most training users have.

    Args:
        split: see `make_split`.
        models: name in the result -> recommender, fitted or not: each is fitted (again).
        k: length of the judged lists.
        seed: seed of the intervals.
        block: how many users are scored at once; lowered for large catalogues.
        progress: shows one line a model, in users.

    Returns:
        The figures. A model that raises `UnsupportedError`, or that cannot score the items it never saw on a
        split that hides items, is in `skipped` with the reason.

    Raises:
        InputError: without models, on k or block below 1, and on scores of the wrong shape or with NaN.
    """
    if not models:
        raise InputError("Expected at least one model to evaluate, got none.")
    if block < 1 or k < 1:
        raise InputError(f"Expected k and block of 1 or more, got {k} and {block}.")
    judge = _Judge.of(split)
    verdicts: dict[str, _Verdict] = {}
    skipped: dict[str, str] = {}
    for name, model in models.items():
        try:
            verdicts[name] = _judge_model(name, model, judge, k=k, seed=seed, block=block, progress=progress)
        except UnsupportedError as error:
            skipped[name] = str(error)
    return Evaluation(
        split=split.name,
        description=split.description,
        k=k,
        n_users=split.n_users,
        n_items=split.n_items,
        n_candidates=int(split.candidates.sum()),
        models={name: verdict.figures for name, verdict in verdicts.items()},
        skipped=skipped,
        per_user={name: verdict.per_user for name, verdict in verdicts.items()},
        seconds={name: verdict.seconds for name, verdict in verdicts.items()},
        seed=seed,
    )


@dataclass(frozen=True)
class _Verdict:
    """All that is found of one model; see `Evaluation`."""

    figures: dict[str, Interval]
    per_user: dict[str, npt.NDArray[np.float64]]
    seconds: Seconds


def _judge_model(
    name: str, model: Recommender, judge: _Judge, *, k: int, seed: int, block: int, progress: ProgressFactory
) -> _Verdict:
    split = judge.split
    if len(split.train.items) < split.n_items and not model.capabilities.new_items:
        raise UnsupportedError("it cannot score items that it never saw in training, and this split asks for them")
    started = time.perf_counter()
    model.fit(split.train)
    fitted = time.perf_counter()
    with progress(f"evaluate {name}", total=split.n_users, unit="users") as watch:
        top, score_seconds = rank_users(name, model, split, k=k, block=block, watch=watch)
    per_user = judge.per_user(top)
    figures = judge.figures(top, per_user, seed)
    measured = time.perf_counter() - fitted - score_seconds
    return _Verdict(figures, per_user, Seconds(fitted - started, score_seconds, measured))


def rank_users(
    name: str, model: Recommender, split: Split, *, k: int, block: int, watch: Progress
) -> tuple[npt.NDArray[np.int64], float]:
    """The k best unseen candidates of every evaluated user.

    Args:
        name: the model's name, for errors.
        model: fitted.
        split: whose `history` users are ranked for.
        k: length of the lists.
        block: how many users are scored at once, at most.
        watch: told of each block.

    Returns:
        int64 (n_users, k) item rows, best first, -1 where there are fewer; and the seconds that the model's
        own scoring took.

    Raises:
        InputError: on scores of the wrong shape or with NaN.
    """
    columns = np.flatnonzero(split.candidates)
    # Masking and ranking look at candidates only: few of many where items are hidden.
    seen = split.history.matrix()[:, columns]
    block = max(1, min(block, _BLOCK_SCORES // max(split.n_items, 1)))
    score_seconds = 0.0
    found = []
    for start in range(0, split.n_users, block):
        rows = np.arange(start, min(start + block, split.n_users))
        histories = split.history.take(rows)
        started = time.perf_counter()
        values = model.score(histories, split.items).values
        score_seconds += time.perf_counter() - started
        _check(name, values, (rows.size, split.n_items))
        # Indexing copies: the array may be the model's own and must not be masked in place.
        scores = values.copy() if columns.size == split.n_items else values[:, columns]
        _mask(scores, seen, start)
        best = top_k(scores, k)
        found.append(np.where(best >= 0, columns[best], -1))
        watch.advance(rows.size)
    return np.concatenate(found), score_seconds


def _mask(scores: npt.NDArray[np.floating], seen: csr_matrix, start: int) -> None:
    """Set what users have seen to -inf; row 0 of the scores is row `start` of `seen`."""
    indptr = seen.indptr[start : start + scores.shape[0] + 1]
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(indptr))
    scores[rows, seen.indices[indptr[0] : indptr[-1]]] = -np.inf


def _check(name: str, values: npt.NDArray[np.floating], shape: tuple[int, int]) -> None:
    if values.shape != shape:
        raise InputError(f"Expected scores {shape} from {name!r}, got {values.shape}.")
    n_bad = int(np.isnan(values).sum())
    if n_bad:
        raise InputError(f"Expected numbers as scores, got {n_bad:,} NaN from {name!r}: its features or fit are bad.")


@dataclass(frozen=True)
class _Judge:
    """What all models of a split are judged against.

    Attributes:
        split: the split.
        n_users_of_item: int64 (n_items,), training users that have each item.
        popular: bool (n_items,).
        unit: float32 (n_items, dim) directions of the image embeddings; None without images.
    """

    split: Split
    n_users_of_item: npt.NDArray[np.int64]
    popular: npt.NDArray[np.bool_]
    unit: npt.NDArray[np.float32] | None

    @classmethod
    def of(cls, split: Split) -> _Judge:
        """Count popularity and prepare embeddings once for all models."""
        counts = _counts_over(split.items, split.train.items, split.train.histories)
        popular = most_popular(counts, int(np.rint(_POPULAR_SHARE * len(split.train.items))))
        images = split.items.blocks.get("image")
        return cls(split, counts, popular, directions(images) if images is not None else None)

    def per_user(self, top: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float64]]:
        """Every metric that is a mean over users; float64 (n_users,) each."""
        k, n_users = top.shape[1], self.split.train.n_users
        values = {f"{name}@{k}": metric(top, self.split.relevant) for name, metric in METRICS.items()}
        values["novelty"] = novelty(top, self.n_users_of_item, n_users)
        undefined = np.full(top.shape[0], np.nan)
        values["diversity"] = intra_list_diversity(top, self.unit) if self.unit is not None else undefined
        values["popularity_share"] = popularity_share(top, self.popular)
        return values

    def figures(
        self, top: npt.NDArray[np.int64], per_user: Mapping[str, npt.NDArray[np.float64]], seed: int
    ) -> dict[str, Interval]:
        """All metrics with their intervals, in the order of reports."""
        intervals = bootstrap_columns(np.stack(list(per_user.values()), axis=1), seed=seed)
        figures = dict(zip(per_user, intervals, strict=True))
        covered = coverage(top, self.split.candidates)
        n_candidates = int(self.split.candidates.sum())
        beyond = {"coverage": coverage_interval(covered, recommended_once(top), n_candidates)}
        beyond |= {name: figures.pop(name) for name in ("novelty", "diversity", "popularity_share")}
        return figures | beyond


def _counts_over(items: ItemFeatures, known: ItemFeatures, histories: Histories) -> npt.NDArray[np.int64]:
    """Users of each of `items`, int64 (n_items,), from histories over `known`, a part of them."""
    counts = np.zeros(len(items), dtype=np.int64)
    counts[items.item_ids.rows(list(known.item_ids))] = n_users_of_items(histories)
    return counts
