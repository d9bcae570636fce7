"""The command of the map: map."""

from __future__ import annotations

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(name="map")(map_items)


def map_items(shop: Shop, as_json: AsJson = False) -> None:
    """Lay the items out in the plane, what looks alike side by side, for the page's map; done once, then read."""
    from visrec.workspace.workspace import Workspace

    opened = Workspace.open(shop)
    if not as_json:
        say("laying out the items; about a minute for 10,000")
    done = opened.item_map()
    if as_json:
        print_json(done.to_json())
        return
    how = f"worked out in {done.seconds:.0f} s" if done.seconds else "as it was saved"
    beside = f"; {done.n_beside:,} that came later lie beside what they are most alike" if done.n_beside else ""
    write(f"{len(done.item_ids):,} items on the map, by how {done.features} sees them, {how}{beside}.")
