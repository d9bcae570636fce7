"""Recommenders judged on a workspace's own log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.learning_curve import with_learning_curve
from visrec.evaluation.result import INTERRUPTED, Evaluation
from visrec.evaluation.splits import Folds
from visrec.recommenders.registry import RECOMMENDERS, make_recommender
from visrec.workspace.checks import check_k
from visrec.workspace.split_plan import KFOLD, SplitPlan
from visrec.workspace.tune import settings_for

if TYPE_CHECKING:
    from visrec.workspace.workspace import Workspace

__all__ = ["describe_data", "evaluate_shop"]


def evaluate_shop(
    shop: Workspace,
    plan: SplitPlan,
    models: Sequence[str] | None,
    *,
    k: int = 10,
    tuned: bool = False,
    learning_curve: bool = False,
    keep_interrupted: bool = False,
    progress: ProgressFactory = silent,
) -> Evaluation:
    """Judge recommenders on a part of the log that they did not see, over the whole catalogue.

    Args:
        shop: the workspace.
        plan: how the log is split.
        models: names out of `RECOMMENDERS`; None or "all": all of them. "popular" and "random" are always added.
        k: length of the lists.
        tuned: take the settings that `tune` found with this very plan, of the models that were tuned.
        learning_curve: judge the models after learning from smaller parts of the training data too.
        keep_interrupted: see `visrec.evaluation.evaluate.evaluate`.
        progress: shows progress.

    Raises:
        InputError: on a wrong argument, too small a log, or settings that were tuned on another split.
        NotFoundError: when there are no features of the plan's encoder.
    """
    check_k(k)
    if plan.split == KFOLD and (learning_curve or tuned):
        raise InputError("Learning curves and tuned settings go with one split, not with kfold. Use another split.")
    wanted = RECOMMENDERS if not models or "all" in models else models
    names = list(dict.fromkeys([*wanted, "popular", "random"]))
    changes = {name: settings_for(shop.root, name, plan) if tuned else {} for name in names}
    recommenders = {name: make_recommender(name, changes[name]) for name in names}
    dataset = shop.dataset(positive_threshold=plan.positive_threshold, encoder=plan.encoder)
    split = plan.folds_of(dataset) if plan.split == KFOLD else plan.cut(dataset)
    found = evaluate(split, recommenders, k=k, seed=plan.seed, progress=progress, keep_interrupted=keep_interrupted)
    if not learning_curve or found.interrupted or isinstance(split, Folds):
        return found
    try:
        return with_learning_curve(found, split, recommenders, progress=progress)
    except KeyboardInterrupt:
        if not keep_interrupted:
            raise
        return replace(found, skipped={**found.skipped, "learning curve": INTERRUPTED})


def describe_data(shop: Workspace, plan: SplitPlan) -> dict[str, str]:
    """What was judged on, name -> value, for people."""
    info = shop.info()
    images = info["image_features"] if plan.encoder is None else shop.feature_sets.of_encoder(plan.encoder)
    threshold = info["positive_threshold"] if plan.positive_threshold is None else plan.positive_threshold
    counts = {name.capitalize(): f"{info[name]:,}" for name in ("items", "pictures", "users", "interactions")}
    return {
        "Workspace": shop.root.resolve().name,
        **counts,
        "Picture features": images or "none",
        "Text features": info["text_features"] or "none",
        "Category columns": ", ".join(info["category_columns"]) or "none",
        "Ratings": "not looked at" if threshold is None else f"liked from {threshold:g}",
    }
