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
    """Teach an attribute of your own from a few examples; without any, say how it stands."""
    from visrec.workspace.sheets import check_sheet, write_label_sheet
    from visrec.workspace.workspace import Workspace

    if forget and (examples is not None or next_ is not None):
        raise InputError("--forget goes without --examples and --next.")
    if sheet is not None:
        if next_ is None:
            raise InputError("--sheet draws what --next N lists: give both.")
        check_sheet(sheet)
    labels = (workspace := Workspace.open(shop)).labels
    if forget:
        labels.forget(attribute)
        say(f"Forgotten: {attribute}, with its examples.")
        return
    if examples is not None:
        report = labels.learn(attribute, examples, encoder=encoder, progress=show_progress)
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
