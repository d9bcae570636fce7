"""The entry point: one command a line of the README, errors as messages, never as tracebacks."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from visrec import __version__
from visrec.cli import (
    answering,
    catalogue,
    demonstration,
    evaluation,
    experiments,
    explanation,
    labelling,
    learning,
    mapping,
    rating,
    recognition,
    rules,
    serving,
    taste,
    versions,
    weights,
)
from visrec.cli.output import drop_output, leave_quietly, say, write
from visrec.core.errors import VisrecError

__all__ = ["app", "run"]

_INTERRUPTED = 130

app = typer.Typer(
    name="visrec",
    help="A visual recommender: images and behaviour in, ranked and measured recommendations out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _module in (
    demonstration,
    catalogue,
    learning,
    versions,
    mapping,
    evaluation,
    rating,
    recognition,
    labelling,
    answering,
    explanation,
    rules,
    taste,
    serving,
    experiments,
    weights,
):
    _module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        write(f"visrec {__version__}")
        raise typer.Exit()


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """A visual recommender: images and behaviour in, ranked and measured recommendations out."""


def run() -> None:
    """Run the command line; exit 1 on an error of visrec, 2 on wrong usage, 130 when interrupted."""
    sys.exit(_code())


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        leave_quietly()


def _code() -> int | str | None:
    for stream in (sys.stdout, sys.stderr):
        # Ids may hold any character, whatever the machine's encoding is.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app(prog_name="visrec")
        finally:
            _flush()
    except SystemExit as leaving:
        if leaving.code == _INTERRUPTED:
            say("Interrupted. What was finished is kept; run the same command again for the rest.")
        return leaving.code
    except VisrecError as error:
        say(f"Error: {error}")
        return 1
    except OSError as error:
        drop_output()
        where = f": {error.filename}" if error.filename else ""
        say(f"Error: {error.strerror or error}{where}. Check the path, its permissions and the space on the disk.")
        return 1
    return 0
