"""The command about a shop's own attributes: label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visrec.cli.options import AsJson, Sheet, Shop
from visrec.cli.output import print_json, say, write
from visrec.cli.progress import show_progress
from visrec.core.errors import InputError

__all__ = ["register"]

_ID_WIDTH = 16


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(label)


def label(
    shop: Shop,
    attribute: Annotated[
        str, typer.Option("--attribute", help="Its name in filters, such as sleeve.", show_default=False)
    ],
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            help="What people say: .csv, .jsonl or .parquet with item_id and value; joins those given before.",
            readable=False,
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option("--values", help="Tell by these names alone, without examples: 'modern, rustic, baroque'."),
    ] = None,
    next_: Annotated[
        int | None, typer.Option("--next", help="List so many items to label next: those it is least sure of.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Take the attribute out, with its examples.")] = False,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Learn by these embeddings; default: those in use.")
    ] = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Teach an attribute of your own by examples, or by its values' names; without either, say how it stands."""
    from visrec.workspace.sheets import write_label_sheet
    from visrec.workspace.workspace import Workspace

    _check(examples, values, next_, forget, sheet)
    labels = (workspace := Workspace.open(shop)).labels
    if forget:
        labels.forget(attribute)
        say(f"Forgotten: {attribute}, with its examples.")
        return
    if examples is not None:
        report = labels.learn(attribute, examples, encoder=encoder, progress=show_progress)
    elif values is not None:
        report = labels.tell(attribute, values.split(","), encoder=encoder, say=say)
    else:
        report = labels.report(attribute)
    proposed = {} if next_ is None else labels.next(attribute, next_)
    if as_json:
        lines = [{"item_id": item_id, **one.to_json()} for item_id, one in proposed.items()]
        print_json({**report.to_json(), "next": lines})
    else:
        write(report.summary())
        for item_id, one in proposed.items():
            write(f"{item_id:{_ID_WIDTH}}  {one.value}? {one.confidence:.2f}")
    if sheet is not None:
        write_label_sheet(workspace, proposed, sheet)
        say(f"Picture: {sheet}")


def _check(examples: Path | None, values: str | None, next_: int | None, forget: bool, sheet: Path | None) -> None:
    """Refuse options that do not go together."""
    if forget and {examples, values, next_} != {None}:
        raise InputError("--forget goes without --examples, --values and --next.")
    if examples is not None and values is not None:
        raise InputError("Expected --examples FILE or --values NAMES, got both.")
    if sheet is not None:
        from visrec.workspace.sheets import check_sheet

        if next_ is None:
            raise InputError("--sheet draws what --next N lists: give both.")
        check_sheet(sheet)
