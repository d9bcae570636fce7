"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from visrec.core.ranking import Ranking

__all__ = ["print_json", "print_ranking", "say", "write"]


def write(text: str) -> None:
    """A result, on standard output."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """A remark, on standard error: never part of a result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON value on one line."""
    write(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_ranking(ranking: Ranking, heading: str, sheet: Path | None = None) -> None:
    """A ranking as a table for people."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(heading, style="bold"))
    if ranking.note:
        console.print(Text(f"({ranking.note})"))
    if not ranking.items:
        console.print("Nothing to recommend: no item is left after the filter and what was seen.")
        return
    titled = any(item.title for item in ranking.items)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("item")
    if titled:
        table.add_column("title", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("source")
    for item in ranking.items:
        cells = [str(item.rank), item.item_id, *([item.title] if titled else []), f"{item.score:.3f}", item.source]
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    if sheet is not None:
        say(f"Picture: {sheet}")
