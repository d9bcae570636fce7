"""The entry point: one command a line of the README, errors as messages, never as tracebacks."""

from __future__ import annotations

import os
import sys

import typer

from visrec.cli import answering, catalogue, demonstration, learning, weights
from visrec.cli.output import say
from visrec.core.errors import VisrecError

__all__ = ["app", "run"]

app = typer.Typer(
    name="visrec",
    help="A visual recommender: images and behaviour in, ranked and measured recommendations out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _module in (demonstration, catalogue, learning, answering, weights):
    _module.register(app)


def run() -> None:
    """Run the command line; exit 1 on an error of visrec, 2 on wrong usage, 130 when interrupted."""
    try:
        app()
    except VisrecError as error:
        say(f"Error: {error}")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away, such as `| head`: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        say(f"Error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Interrupted. What was finished is kept; run the same command again to go on.")
        sys.exit(130)
