"""The command that judges recommenders."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import SPLITS, AsJson, Encoder, Shop, TestDays, TestFraction, Threshold, Tuned
from visrec.cli.output import print_json, say, write
from visrec.cli.progress import show_progress
from visrec.core.errors import InputError

if TYPE_CHECKING:
    from visrec.evaluation.ratings import RatingEvaluation
    from visrec.evaluation.result import Evaluation

__all__ = ["register"]

_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(evaluate)


def evaluate(
    shop: Shop,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", help=f"{SPLITS}, kfold; with --ratings kfold (the default there), random, user-time, item-cold."
        ),
    ] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Repeatable; default: all.")] = None,
    ratings: Annotated[
        bool, typer.Option("--ratings", help="Judge predicted ratings by RMSE and MAE instead of ranked lists.")
    ] = False,
    folds: Annotated[int | None, typer.Option("--folds", help="Of split kfold. Default: 5.")] = None,
    k: Annotated[int, typer.Option("-k", help="Length of the judged lists.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Of the split and the intervals; 0 or more.")] = 42,
    test_fraction: TestFraction = None,
    test_days: TestDays = None,
    positive_threshold: Threshold = None,
    encoder: Encoder = None,
    tuned: Tuned = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="After 10, 25 and 50% of the training events too.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write it all as one .html file.", readable=False)
    ] = None,
    charts: Annotated[
        Path | None, typer.Option("--charts", help="Write the pictures, .png files, into a folder.", readable=False)
    ] = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """Judge recommenders on a part of the log that they did not see, over the whole catalogue."""
    from visrec.evaluation.charts import save_charts
    from visrec.evaluation.report import write_report
    from visrec.workspace.evaluation import describe_data, evaluate_shop
    from visrec.workspace.split_plan import KFOLD, SplitPlan
    from visrec.workspace.workspace import Workspace

    models = None if not model or "all" in model else model
    if ratings:
        _refuse_with_ratings(test_fraction, test_days, positive_threshold, learning_curve, report, charts)
        judged = Workspace.open(shop).evaluate_ratings(
            split or "kfold",
            models,
            folds=5 if folds is None else folds,
            seed=seed,
            encoder=encoder,
            tuned=tuned,
            progress=show_progress,
        )
        _print(judged, as_json, markdown)
        return
    if folds is not None and split != KFOLD:
        raise InputError("--folds goes with --split kfold or --ratings. Leave it out, or add one of them.")
    _check_files(report, charts)
    workspace = Workspace.open(shop)
    plan = SplitPlan(
        split or "random", seed, test_fraction, test_days, positive_threshold, encoder, 5 if folds is None else folds
    )
    found = evaluate_shop(
        workspace,
        plan,
        models,
        k=k,
        tuned=tuned,
        learning_curve=learning_curve,
        progress=show_progress,
        keep_interrupted=True,
    )
    _print(found, as_json, markdown)
    if report is not None:
        write_report(found, report, data=describe_data(workspace, plan), command=shlex.join(["visrec", *sys.argv[1:]]))
        say(f"Report: {report}")
    if charts is not None and found.models:
        say("Pictures: " + ", ".join(str(path) for path in save_charts(found, charts)))
    if found.interrupted:
        raise typer.Exit(_INTERRUPTED)


def _refuse_with_ratings(*given: object) -> None:
    if any(value is not None and value is not False for value in given):
        raise InputError(
            "--ratings takes --split, --folds, --model, --seed, --encoder and --tuned, and none of --test-fraction, "
            "--test-days, --positive-threshold, --learning-curve, --report and --charts. Leave those out."
        )


def _check_files(report: Path | None, charts: Path | None) -> None:
    """Said before anything is learned, which takes a while."""
    if report is not None and (report.suffix.lower() not in (".html", ".htm") or report.is_dir()):
        raise InputError(f"Expected a file ending in .html for the report, got {report}.")
    if charts is not None and charts.exists() and not charts.is_dir():
        raise InputError(f"Expected a folder for the pictures, got the file {charts}.")


def _print(found: Evaluation | RatingEvaluation, as_json: bool, markdown: bool) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        write(found.table(markdown=markdown))
