"""Commands for large weights: list, get, verify."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec.cli.options import AsJson
from visrec.cli.output import print_json, say, write

__all__ = ["register"]

Name = Annotated[
    str, typer.Argument(help="An encoder whose weights are meant, such as clip-vit-b16.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="List, fetch and verify the weights of the encoders.")
    group.command("list")(list_weights)
    group.command("get")(get)
    group.command("verify")(verify)
    app.add_typer(group, name="weights")


def list_weights(as_json: AsJson = False) -> None:
    """Say which weights are on this machine, their size, licence and source."""
    from visrec.encoders.weights import status

    lines = status()
    if as_json:
        rows = [
            {"id": s.id, "state": s.state, "bytes": s.size, "licence": s.licence, "source": s.source,
             "path": None if s.path is None else str(s.path), "about": s.about}
            for s in lines
        ]  # fmt: skip
        print_json({"weights": rows})
        return
    for s in lines:
        write(f"{s.id:20} {s.state:8} {s.size / 1e6:7.1f} MB  {s.licence:12} {s.source}")
        write(f"{'':20} {s.about}")


def get(name: Name) -> None:
    """Fetch weights, after saying their size, source and licence; once a machine."""
    from visrec.encoders.weights import get as get_weights

    local = get_weights(name, say)
    write(f"{name}: ready, {local.files[0]}")


def verify(name: Name) -> None:
    """Read weights and compare their hash with the published one."""
    from visrec.encoders.weights import verify as verify_weights

    found = verify_weights(name)
    write(f"{name}: {found.state}, {found.path}")
