"""Settings of a recommender searched on validation data that is cut out of the training part."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrec.core.artifacts import write_atomic
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError, WorkspaceError
from visrec.core.lock import WriteLock
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Recommender
from visrec.core.settings import SearchSpace
from visrec.recommenders.registry import make_recommender
from visrec.workspace.split_plan import KFOLD, SplitPlan

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

__all__ = ["Tuned", "read_tuned", "settings_for", "tune"]


@dataclass(frozen=True)
class Tuned:
    """The best settings that a search has found so far.

    Attributes:
        model: name of the recommender.
        plan: the split whose test part the search has not seen.
        metric: "ndcg@10", which is maximised, or "rmse", which is minimised.
        n_trials: trials done, those of earlier runs included.
        default: the metric with the recommender's own settings, on the validation part.
        value: the metric with `settings`, on the validation part: optimistic, since it was chosen by it.
        settings: what differs from the recommender's own settings; empty where those are the best.
    """

    model: str
    plan: SplitPlan
    metric: str
    n_trials: int
    default: float
    value: float
    settings: Mapping[str, Any]

    def summary(self) -> str:
        """Two lines for the screen."""
        chosen = ", ".join(f"{name} = {value}" for name, value in self.settings.items()) or "its own settings"
        return (
            f"{self.model}: {self.metric} on validation {self.value:.4f}, with its own settings {self.default:.4f} "
            f"({self.n_trials} trials).\n  Best: {chosen}"
        )


def tune(
    root: Path,
    dataset: Dataset,
    model: str,
    plan: SplitPlan,
    n_trials: int,
    *,
    k: int = 10,
    progress: ProgressFactory = silent,
) -> Tuned:
    """Search a recommender's settings; done again, it goes on to more trials.

    The plan's test part is cut off first and never looked at. The rest is split again in the same way with the
    next seed; each trial fits on its training part and is judged on its validation part, by NDCG over the whole
    catalogue or, where the plan is one for ratings, by RMSE. The first trial is the recommender as it is; the others
    are drawn by the tree-structured Parzen estimator of Optuna, seeded by the trial's number, so that an interrupted
    search ends like one that was not.

    Args:
        root: the workspace; trials are kept in ROOT/tuning.
        dataset: all histories and features.
        model: out of `RECOMMENDERS`.
        plan: how the test part is cut off.
        n_trials: trials in all, those of earlier runs included; 1 or more.
        k: length of the judged lists; of no concern to ratings.
        progress: shows trials.

    Returns:
        The best settings, which are saved too: see `read_tuned`.

    Raises:
        InputError: on fewer than one trial, or where the log is too small to be split twice.
        UnsupportedError: when the recommender has no setting to search, or cannot be fitted here.

    Reference:
        Bergstra et al. (2011), Algorithms for hyper-parameter optimization. NeurIPS.
    """
    if n_trials < 1:
        raise InputError(f"Expected 1 trial or more, got {n_trials}.")
    space = _space(model)
    judge = _judge_of_ratings(model, plan, dataset) if plan.ratings else _judge_of_lists(model, plan, dataset, k)
    (root / "tuning").mkdir(exist_ok=True)
    with WriteLock(root / "tuning" / f".{model}.lock", f"The search for {model} in {root}"):
        study = _study(root, model, plan, k)
        n_done = len(_done(study))
        with progress(f"tune {model}", total=n_trials, unit="trials") as watch:
            watch.advance(min(n_done, n_trials))
            for number in range(n_done, n_trials):
                study.sampler = _sampler(plan.seed + number)
                trial = study.ask()
                changes = {} if number == 0 else _suggest(trial, space)
                trial.set_user_attr("changes", changes)
                study.tell(trial, judge(make_recommender(model, changes)))
                watch.advance()
        return _save(root, model, plan, k, study)


def read_tuned(root: Path, model: str) -> Tuned | None:
    """The settings that `tune` found for a model of a workspace; None where it has not been searched.

    Raises:
        WorkspaceError: when the file is damaged.
    """
    file = root / "tuning" / f"{model}.json"
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        return Tuned(**{**body, "plan": SplitPlan(**body["plan"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(f"{file} is damaged ({error}). Delete it, or run visrec tune again.") from error


def settings_for(root: Path, model: str, plan: SplitPlan | None = None) -> Mapping[str, Any]:
    """What `tune` found for a model; with a plan, only where the search has not seen the plan's test part.

    Returns:
        Changes for `make_recommender`; none where the model has not been searched and a plan is given.

    Raises:
        InputError: when the model was searched on another plan, or, without a plan, not at all.
    """
    tuned = read_tuned(root, model)
    if tuned is None:
        if plan is None:
            raise InputError(f"{model} has not been tuned yet. Run: visrec tune {root} --model {model}")
        return {}
    if plan is not None and tuned.plan != plan:
        differ = [f"{n} {v!r}, not {asdict(plan)[n]!r}" for n, v in asdict(tuned.plan).items() if v != asdict(plan)[n]]
        raise InputError(
            f"{model} was tuned with {', '.join(differ)}, and may have seen the events that are to be judged by. "
            "Evaluate with the same split, or tune again with this one."
        )
    return tuned.settings


def _space(model: str) -> Mapping[str, SearchSpace]:
    space: Mapping[str, SearchSpace] = getattr(type(make_recommender(model).settings), "search", {})
    if not space:
        raise UnsupportedError(f"{model} has no settings to search. Tune another model.")
    return space


def _study(root: Path, model: str, plan: SplitPlan, k: int) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # One study a plan: trials that were judged on other data are not mixed in.
    name = json.dumps({**asdict(plan), "k": k}, sort_keys=True)
    storage = f"sqlite:///{root / 'tuning' / model}.db"
    direction = "minimize" if plan.ratings else "maximize"
    study = optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
    for trial in study.trials:
        # Left by a search that was killed: the sampler would take it for one that another worker still runs.
        if trial.state.name == "RUNNING":
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _done(study: Any) -> list[FrozenTrial]:
    return [trial for trial in study.trials if trial.state.name == "COMPLETE"]


def _sampler(seed: int) -> Any:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8)


def _suggest(trial: Trial, space: Mapping[str, SearchSpace]) -> dict[str, Any]:
    """A value for every setting of the space."""
    changes: dict[str, Any] = {}
    for name, values in space.items():
        if values.choices:
            changes[name] = values.choices[trial.suggest_categorical(name, range(len(values.choices)))]
        elif isinstance(values.low, int) and isinstance(values.high, int):
            changes[name] = trial.suggest_int(name, values.low, values.high, log=values.log)
        else:
            changes[name] = trial.suggest_float(name, values.low, values.high, log=values.log)
    return changes


def _judge_of_lists(model: str, plan: SplitPlan, dataset: Dataset, k: int) -> Callable[[Recommender], float]:
    """NDCG on a validation part cut out of the plan's training part."""
    from visrec.evaluation.evaluate import evaluate

    validation = plan.cut(plan.cut(dataset).train, plan.seed + 1)

    def judge(recommender: Recommender) -> float:
        judged = evaluate(validation, {model: recommender}, k=k)
        if model in judged.skipped:
            raise UnsupportedError(judged.skipped[model])
        return judged.models[model][f"ndcg@{k}"].mean

    return judge


def _judge_of_ratings(model: str, plan: SplitPlan, dataset: Dataset) -> Callable[[Recommender], float]:
    """RMSE on a validation part cut out of the plan's training part."""
    from visrec.evaluation.rating_split import rating_folds
    from visrec.evaluation.ratings import evaluate_ratings

    if plan.split == KFOLD:
        raise InputError("Every rating is in the test part of one fold, and none is left to tune by. Use split random.")
    train = next(rating_folds(dataset, plan.split, seed=plan.seed)).train  # type: ignore[arg-type]

    def judge(recommender: Recommender) -> float:
        judged = evaluate_ratings(train, {model: recommender}, split=plan.split, seed=plan.seed + 1)  # type: ignore[arg-type]
        if model in judged.skipped:
            raise UnsupportedError(judged.skipped[model])
        return judged.models[model]["rmse"].mean

    return judge


def _save(root: Path, model: str, plan: SplitPlan, k: int, study: Any) -> Tuned:
    done = _done(study)
    sign = -1 if plan.ratings else 1
    best = max(done, key=lambda trial: (sign * trial.value, -trial.number))
    metric = "rmse" if plan.ratings else f"ndcg@{k}"
    tuned = Tuned(model, plan, metric, len(done), done[0].value, best.value, dict(best.user_attrs.get("changes", {})))
    body = json.dumps(asdict(tuned), ensure_ascii=False, indent=1)
    write_atomic(root / "tuning" / f"{model}.json", body.encode())
    return tuned
