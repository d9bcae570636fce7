"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from visrec.core.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from visrec.core.trace import Stage

__all__ = ["drop_output", "leave_quietly", "print_json", "print_ranking", "print_trace", "say", "write"]


def write(text: str) -> None:
    """A result, on standard output; ends the program, in peace, when its reader has gone away, as `| head` does."""
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        leave_quietly()


def leave_quietly() -> NoReturn:
    """End the program with code 0 and without a word: nobody reads standard output any more."""
    drop_output()
    raise SystemExit(0)


def drop_output() -> None:
    """Let what is still in the buffer go nowhere, instead of failing once more at exit."""
    # An output that is no file, such as a test's, has no number and fails nowhere.
    with suppress(io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """A remark, on standard error: never part of a result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON value on one line."""
    # JSON is UTF-8; where the output is anything else, its escapes say the same.
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    write(json.dumps(value, ensure_ascii=not utf8, allow_nan=False))


def print_ranking(ranking: Ranking, heading: str) -> None:
    """A ranking as a table for people."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    with console.capture() as printed:
        console.print(Text(heading, style="bold"))
        if ranking.note:
            console.print(Text(f"({ranking.note})"))
        if ranking.items:
            console.print(_table(ranking))
        else:
            console.print("Nothing to recommend: no item is left after the filter and what was seen.")
    write(printed.get().rstrip("\n"))


def print_trace(trace: Sequence[Stage]) -> None:
    """What each stage kept and removed, as a table for people."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage")
    for name in ("kept", "removed", "ms"):
        table.add_column(name, justify="right")
    table.add_column("", overflow="fold")
    for stage in trace:
        table.add_row(stage.name, f"{stage.kept:,}", f"{stage.removed:,}", f"{stage.ms:.1f}", stage.note)
    console = Console(highlight=False)
    with console.capture() as printed:
        console.print(table)
    write(printed.get().rstrip("\n"))


def _table(ranking: Ranking) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    titled = any(item.title for item in ranking.items)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    # An id is never cut: it is what the next command needs.
    table.add_column("item", overflow="fold")
    if titled:
        table.add_column("title", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("source")
    for item in ranking.items:
        cells = [str(item.rank), item.item_id, *([item.title] if titled else []), f"{item.score:.3f}", item.source]
        table.add_row(*(Text(cell) for cell in cells))
    return table
