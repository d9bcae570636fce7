"""Commands of experiments: start, list, report, end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write
from visrec.core.errors import InputError

if TYPE_CHECKING:
    from visrec.evaluation.online import ExperimentResult
    from visrec.workspace.experiments import Experiment, Variant

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Split a server's users between models, and compare what they take.")
    group.command("start")(start)
    group.command("list")(list_experiments)
    group.command("report")(report)
    group.command("end")(end)
    app.add_typer(group, name="experiment")


def start(
    shop: Shop,
    name: Annotated[str, typer.Argument(help="A new name: it decides who gets what.", show_default=False)],
    variant: Annotated[
        list[str] | None,
        typer.Option("--variant", help="A trained model, or NAME=MODEL; two or more, the first to compare with."),
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option("--weight", help="NAME=NUMBER: how many of the users, beside 1 of the others.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Split the users of every server of the shop between trained models, from now on."""
    from visrec.workspace.workspace import Workspace

    started = Workspace.open(shop).experiments.start(name, _variants(variant or [], weight or []))
    if as_json:
        print_json(started.to_json())
        return
    say(f"From now on users are split: {_split(started)}.")
    say(f"What came of it: visrec experiment report {shop}")


def list_experiments(shop: Shop, as_json: AsJson = False) -> None:
    """Say which experiments there were, and which one runs."""
    from visrec.workspace.workspace import Workspace

    there = Workspace.open(shop).experiments.all()
    if as_json:
        print_json({"experiments": [one.to_json() for one in there]})
        return
    for one in there:
        write(f"{one.name}: {_split(one)}; {_dates(one)}")
    if not there:
        say(f"{shop} has had no experiment.")


def report(
    shop: Shop,
    name: Annotated[str | None, typer.Argument(help="An experiment; default: the newest.", show_default=False)] = None,
    days: Annotated[float, typer.Option("--days", help="What was done up to so long after counts.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Of the items that each variant showed, how many were taken (liked, bought, …) afterwards."""
    from visrec.workspace.workspace import Workspace

    experiment, result = Workspace.open(shop).experiments.report(name, days)
    if as_json:
        print_json({"experiment": experiment.to_json(), "days": days, **result.to_json()})
        return
    write(f"{experiment.name}: {_dates(experiment)}\n")
    _print_result(result)


def end(shop: Shop) -> None:
    """End the experiment that runs: everybody gets the model in use again."""
    from visrec.workspace.workspace import Workspace

    ended = Workspace.open(shop).experiments.end()
    say(f"Experiment {ended.name!r} is over. To use a model for everybody: visrec use {shop} --model NAME")


def _variants(texts: Sequence[str], weights: Sequence[str]) -> list[Variant]:
    from visrec.workspace.experiments import Variant

    by_name = {}
    for text in weights:
        name, _, number = text.rpartition("=")
        try:
            by_name[name] = float(number)
        except ValueError:
            raise InputError(f"Expected --weight NAME=NUMBER, got {text!r}.") from None
    found = []
    for text in texts:
        name, _, model = text.rpartition("=")
        name = name or model
        found.append(Variant(name, model, by_name.pop(name, 1.0)))
    if by_name:
        names = ", ".join(variant.name for variant in found) or "none"
        raise InputError(f"There is no variant {next(iter(by_name))!r} to weigh (there are: {names}).")
    return found


def _split(experiment: Experiment) -> str:
    total = sum(variant.weight for variant in experiment.variants)
    return ", ".join(
        f"{variant.weight / total:.0%} {variant.name}"
        + (f" (model {variant.model})" if variant.model != variant.name else "")
        for variant in experiment.variants
    )


def _dates(experiment: Experiment) -> str:
    began, ended = (
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment or 0)) for moment in (experiment.started, experiment.ended)
    )
    return f"since {began} UTC, running" if experiment.ended is None else f"{began} to {ended} UTC"


def _print_result(result: ExperimentResult) -> None:
    from visrec.evaluation.online import rate_columns

    rows = rate_columns(result)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    if len(result.variants) > 1:
        write("")
    for variant in result.variants[1:]:
        write(variant.sentence(result.variants[0].name))
    for note in result.notes:
        say(f"Note: {note}")
