"""Command about reasons: explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, write

if TYPE_CHECKING:
    from visrec.explanation.explanation import Explanation

__all__ = ["register"]

#: Past items and attributes that are printed.
_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(explain)


def explain(
    shop: Shop,
    user: Annotated[str, typer.Option("--user", help="User id.")],
    item: Annotated[str, typer.Option("--item", help="Item id.")],
    model: Annotated[str | None, typer.Option("--model", help="A trained model; default: the one in use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why an item has its score for a user: past items, attributes, and one sentence."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    workspace.require_items()
    _show(workspace.explanations.explain(user, item, model), as_json)


def _show(found: Explanation, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
        return
    title = f" ({found.title})" if found.title else ""
    write(f"{found.item_id}{title} for {found.user_id}: score {found.score:.3f} by {found.model}")
    write(found.sentence["en"])
    write(found.sentence["zh"])
    write(f"{found.base:+8.3f}  base: what no past item adds")
    for past in found.history[:_SHOWN]:
        feeling = "" if past.liked else "  (not liked)"
        write(f"{past.contribution:+8.3f}  {past.item_id}  {past.title}{feeling}".rstrip())
    rest = found.history[_SHOWN:]
    if rest:
        write(f"{sum(past.contribution for past in rest):+8.3f}  {len(rest)} other past items")
    for reason in found.attributes:
        write(f"{reason.contribution:+8.3f}  {reason.name} {reason.value}")
    if found.evidence.attributes_r2 is not None:
        share = max(found.evidence.attributes_r2, 0.0)
        write(f"Attributes account for {share:.0%} of how this user's scores differ; they are no parts of the score.")
