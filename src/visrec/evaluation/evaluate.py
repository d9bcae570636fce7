"""Judging recommenders: every model on the same split, over the whole catalogue, with intervals."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, UnsupportedError, VisrecError
from visrec.core.ids import IdMap
from visrec.core.progress import Progress, ProgressFactory, silent
from visrec.core.protocols import Recommender
from visrec.core.top_k import top_k
from visrec.evaluation.judge import Judge, Measures, make_judges, pool
from visrec.evaluation.result import INTERRUPTED, Evaluation, Seconds
from visrec.evaluation.splits import Folds, Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["evaluate", "rank_users"]

#: One block of scores holds at most this many (256 MiB of float32), however large the catalogue.
_BLOCK_SCORES = 1 << 26


def evaluate(
    split: Split | Folds,
    models: Mapping[str, Recommender],
    *,
    k: int = 10,
    seed: int = 42,
    block: int = 256,
    progress: ProgressFactory = silent,
    keep_interrupted: bool = False,
) -> Evaluation:
    """Fit each model on the split's training data and judge its first k for every evaluated user.

    All items are scored, never a sample; what the user has seen in the given history and what is no candidate cannot
    be recommended; equal scores are ranked by item row. The metrics and their definitions are in `metrics`,
    `beyond_accuracy` and `calibration`; popular are the fifth of the training items that most training users have.
    Several folds are pooled by user: see `pool`.

    Args:
        split: see `make_split` and `make_folds`.
        models: name in the result -> recommender, fitted or not: each is fitted (again), once a fold.
        k: length of the judged lists.
        seed: seed of the intervals.
        block: how many users are scored at once; lowered for large catalogues.
        progress: shows one line a model and fold, in users, and what the model's `fit` shows.
        keep_interrupted: on Ctrl-C, give what is known of the models that are done, if any, instead of raising.

    Returns:
        The figures. A model is in `skipped`, with the reason, that raises a `VisrecError`, that gives scores of the
        wrong shape or with NaN, or that cannot score the items or users it never saw on a split that hides some.

    Raises:
        InputError: without models, and on k or block below 1.
    """
    if not models:
        raise InputError("Expected at least one model to evaluate, got none.")
    if block < 1 or k < 1:
        raise InputError(f"Expected k and block of 1 or more, got {k} and {block}.")
    splits = split.splits if isinstance(split, Folds) else (split,)
    judges = make_judges(splits)
    users = IdMap(dict.fromkeys(user for part in splits for user in part.history.user_ids))
    found: dict[str, tuple[Measures, Seconds]] = {}
    skipped: dict[str, str] = {}
    for name, model in models.items():
        try:
            found[name] = _judge_model(name, model, judges, users, k=k, block=block, progress=progress)
        except VisrecError as error:
            skipped[name] = str(error)
        except KeyboardInterrupt:
            if not keep_interrupted or not found:
                raise
            skipped |= dict.fromkeys((other for other in models if other not in {**found, **skipped}), INTERRUPTED)
            break
    return Evaluation(
        split=splits[0].name,
        description=split.description,
        k=k,
        n_users=len(users),
        n_items=splits[0].n_items,
        n_candidates=int(splits[0].candidates.sum()),
        models={name: measures.figures(seed) for name, (measures, _) in found.items()},
        skipped=skipped,
        per_user={name: measures.per_user for name, (measures, _) in found.items()},
        seconds={name: seconds for name, (_, seconds) in found.items()},
        seed=seed,
        leakage=splits[0].leakage,
        # As JSON holds them: tuples become lists, whatever else its text.
        settings={
            name: json.loads(json.dumps(asdict(models[name].settings), default=str), parse_constant=str)
            for name in found
        },
    )


def _judge_model(
    name: str,
    model: Recommender,
    judges: Sequence[Judge],
    users: IdMap,
    *,
    k: int,
    block: int,
    progress: ProgressFactory,
) -> tuple[Measures, Seconds]:
    measures, fit, score, measure = [], 0.0, 0.0, 0.0
    for number, judge in enumerate(judges, 1):
        split = judge.split
        _check_capabilities(model, split)
        started = time.perf_counter()
        model.fit(split.train, progress)
        fitted = time.perf_counter()
        fold = f", fold {number} of {len(judges)}" if len(judges) > 1 else ""
        with progress(f"evaluate {name}{fold}", total=split.n_users, unit="users") as watch:
            top, score_seconds = rank_users(name, model, split, k=k, block=block, watch=watch)
        measures.append(judge.measure(top))
        fit, score = fit + fitted - started, score + score_seconds
        measure += time.perf_counter() - fitted - score_seconds
    rows = [users.rows(list(judge.split.history.user_ids)) for judge in judges]
    return pool(measures, rows, len(users)), Seconds(fit, score, measure)


def _check_capabilities(model: Recommender, split: Split) -> None:
    if len(split.train.items) < split.n_items and not model.capabilities.new_items:
        raise UnsupportedError("it cannot score items that it never saw in training, and this split asks for them")
    if split.hides_users and not model.capabilities.new_users:
        raise UnsupportedError("it cannot score users that it never saw in training, and this split asks for them")


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
