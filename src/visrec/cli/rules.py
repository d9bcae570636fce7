"""The command about the shop's rules."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.list_options import read_text
from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write
from visrec.core.errors import InputError

if TYPE_CHECKING:
    from visrec.retrieval.rules import Rule

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(rules)


def rules(
    shop: Shop,
    new: Annotated[
        Path | None, typer.Option("--set", help="Check this .json file and use it from now on.", readable=False)
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Check this .json file, and change nothing.", readable=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rules that boost, bury, pin or block items; or check others, and set them."""
    from visrec.workspace.workspace import Workspace

    if new is not None and check is not None:
        raise InputError("Expected one of --set and --check, got both.")
    workspace = Workspace.open(shop)
    if check is not None:
        shown = workspace.rules.check(read_text(check, "rules as JSON"), str(check))
        say(f"{check} can be used. Nothing was changed.")
    elif new is not None:
        shown = workspace.rules.replace(read_text(new, "rules as JSON"), str(new))
        say("These rules are in use from now on.")
    else:
        shown = workspace.rules.read()
    if as_json:
        print_json({"rules": [rule.to_json() for rule in shown]})
        return
    for rule in shown:
        write(_line(rule))
    if not shown:
        say("There are no rules.")


def _line(rule: Rule) -> str:
    what = rule.where or ", ".join(rule.items)
    how = {"pin": f" at {rule.position}", "block": ""}.get(rule.action, f" by {rule.strength:g}")
    dates = [f"{word} {text}" for word, text in (("from", rule.since), ("until", rule.until)) if text]
    when = f" ({', '.join(dates)}{'' if rule.holds(time.time()) else '; not now'})" if dates else ""
    return f"{rule.name}: {rule.action}{how} {what}{when}"
