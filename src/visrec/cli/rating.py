"""The command that predicts ratings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, write

if TYPE_CHECKING:
    from visrec.workspace.predict import PredictedRating

__all__ = ["register"]

_ID_WIDTH = 24


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(predict)


def predict(
    shop: Shop,
    pairs: Annotated[
        Path,
        typer.Option(
            "--pairs", help="Whom and what for: .csv, .parquet or .jsonl with user_id and item_id.", readable=False
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="visual-mf or bias, trained; default: the one in use.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the rating that each user would give each item, unknown ones too, in the file's order."""
    from visrec.workspace.predict import read_pairs
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    predicted = workspace.predict(read_pairs(pairs), model)
    if as_json:
        for answer in predicted:
            print_json(answer.to_json())
    else:
        _print_table(predicted)


def _print_table(predicted: Iterable[PredictedRating]) -> None:
    """Aligned lines, each printed as it is known; an id is never cut."""
    write(f"{'user':{_ID_WIDTH}}  {'item':{_ID_WIDTH}}  rating")
    for answer in predicted:
        note = f"  ({answer.fallback})" if answer.fallback else ""
        write(f"{answer.user_id:{_ID_WIDTH}}  {answer.item_id:{_ID_WIDTH}}  {answer.rating:6.2f}{note}")
