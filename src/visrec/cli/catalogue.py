"""Commands that fill the catalogue: ingest, remove, feedback, info."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec.cli.options import AsJson, Images, Interactions, Items, Shop, Threshold
from visrec.cli.output import print_json, say, write
from visrec.cli.progress import show_progress
from visrec.core.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(ingest)
    app.command()(remove)
    app.command()(feedback)
    app.command()(info)


def ingest(
    shop: Shop,
    items: Items = None,
    images: Images = None,
    interactions: Interactions = None,
    positive_threshold: Threshold = None,
) -> None:
    """Read items, pictures and interactions into a workspace. Again: only what changed is read; nothing doubles."""
    from visrec.workspace.ingest import ingest_into

    workspace, ingested = ingest_into(
        shop,
        items=items,
        images=images,
        interactions=interactions,
        positive_threshold=positive_threshold,
        progress=show_progress,
    )
    write(ingested.summary())
    for report in workspace.encode_new(progress=show_progress, say=say):
        if report.n_new or report.failures:
            write(report.summary())
    seen = workspace.attributes.recognize_new(progress=show_progress, say=say)
    if seen is not None and (seen.n_new or seen.failures):
        write(seen.summary())


def remove(
    shop: Shop,
    item: Annotated[str | None, typer.Option("--item", help="Item id to take out, with pictures and events.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="User id whose events to take out.")] = None,
) -> None:
    """Take an item, or all that a user did, out of the workspace."""
    from visrec.workspace.workspace import Workspace

    if (item is None) == (user is None):
        raise InputError("Expected either --item ID or --user ID.")
    workspace = Workspace.open(shop)
    if item is not None:
        removed = workspace.remove_item(item)
        write(f"Removed item {item}, with pictures: {removed.images}, interactions: {removed.interactions}.")
    else:
        removed = workspace.remove_user(str(user))
        write(f"Removed what user {user} did, interactions: {removed.interactions}.")
    if workspace.trained_models():
        write(f"Trained models still hold what they learned. To forget it: visrec train {shop}")


def feedback(
    shop: Shop,
    user: Annotated[str, typer.Option("--user", help="Who.")],
    item: Annotated[str, typer.Option("--item", help="With what.")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="like, buy, view, rate, skip, dislike, …; default like, with --remove: all."),
    ] = None,
    value: Annotated[float | None, typer.Option("--value", help="A rating or an amount.")] = None,
    timestamp: Annotated[int | None, typer.Option("--timestamp", help="Epoch seconds UTC; default now.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take back what was added so, whenever it was.")] = False,
) -> None:
    """Add one event, or take it back. It is stored durably and counts in the very next recommendation."""
    from visrec.catalogue.interactions import Interaction
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    if remove:
        if value is not None or timestamp is not None:
            raise InputError("Expected no --value and no --timestamp with --remove: what is of that kind goes.")
        done = workspace.remove_feedback(user, item, kind)
        write(f"Taken back, live events: {done.removed}.")
        if done.kept:
            write(f"Ingested interactions of the same kind stay: {done.kept}. They come from a file.")
        return
    n_new = workspace.add_feedback([Interaction(user, item, kind or "like", value, timestamp)])
    write("Added." if n_new else "Was there already.")


def info(shop: Shop, as_json: AsJson = False) -> None:
    """Say what a workspace holds and what is in use."""
    from visrec.workspace.workspace import Workspace

    facts = Workspace.open(shop).info()
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        write(f"{name.replace('_', ' '):20} {'none' if shown in ('', None) else shown}")
