"""The command `demo`: the main job on a sample that visrec draws itself."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from visrec.cli.learning import build_workspace
from visrec.cli.output import print_ranking, write
from visrec.cli.progress import show_progress

__all__ = ["register"]

_CUSTOMER = "customer-007"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the sample and the workspace.")] = Path("demo"),
) -> None:
    """Draw a sample shop, simulate its customers, and run the whole main job on it."""
    from visrec.sample.shop import draw_shop
    from visrec.workspace.sheets import write_sheet
    from visrec.workspace.workspace import Workspace

    sample = draw_shop(folder / "sample", progress=show_progress)
    write(
        f"Sample shop: {sample.n_items} products drawn by visrec and {sample.n_events:,} events of {sample.n_users} "
        f"simulated customers, in {sample.folder}. None of it is real.\n"
    )
    shop = folder / "shop"
    build_workspace(shop, sample.items, sample.images, sample.interactions, None, "none", None)
    workspace = Workspace.open(shop)
    ranking = workspace.recommend(_CUSTOMER)
    print_ranking(ranking, f"\nFor {_CUSTOMER}")
    sheet = folder / f"{_CUSTOMER}.png"
    liked = workspace.liked_items(_CUSTOMER)
    write_sheet(workspace, ranking, sheet, title=f"For {_CUSTOMER}", examples=[("Liked before", liked)])
    item = ranking.item_ids[0]
    # As it can be typed here: a virtual environment that is not active is not on the path.
    program = "visrec" if which("visrec") else sys.argv[0]
    write(
        f"Picture: {sheet}\n\nNext:\n"
        f"  {program} similar {shop} --item {item} --sheet similar.png\n"
        f"  {program} query {shop} --like {item} --dislike {ranking.item_ids[-1]}\n"
        f"  {program} explain {shop} --user {_CUSTOMER} --item {item} --picture why.png\n"
        f"  {program} feedback {shop} --user you --item {item}   then: {program} recommend {shop} --user you\n"
        f"  {program} build myshop --items items.csv --images pictures --interactions log.csv   with your own data\n\n"
        f"To look around in this shop, run\n  {program} serve {shop}\nand open http://127.0.0.1:8765/page/"
    )
