"""The options that every command which prints a ranked list has, in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from visrec.cli.options import Candidates, Where
from visrec.core.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from visrec.core.list_options import ListArguments

__all__ = ["read_ids", "read_text", "with_list_options"]


def _list_arguments(
    where: Where = None,
    candidates: Candidates = None,
    exclude_seen: Annotated[
        bool,
        typer.Option("--exclude-seen/--include-seen", help="Whether to leave out what the user has seen, or examples."),
    ] = True,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Leave out what scores below; the list may end early.")
    ] = None,
    diversity: Annotated[
        float, typer.Option("--diversity", help="0: by score alone, to 1: as unlike each other as can be.")
    ] = 0.0,
    collapse_duplicates: Annotated[
        bool, typer.Option("--collapse-duplicates", help="Of items that show one picture, the best alone.")
    ] = False,
    max_per: Annotated[
        list[str] | None,
        typer.Option("--max-per", metavar="COLUMN=N", help="At most N items of each value of a column; repeatable."),
    ] = None,
    rules: Annotated[bool, typer.Option("--rules/--no-rules", help="Whether to apply the shop's rules.")] = True,
    trace: Annotated[
        bool, typer.Option("--trace", help="Print what each stage kept and removed, and how long it took.")
    ] = False,
) -> ListArguments:
    return {
        "where": where,
        "candidates": None if candidates is None else read_ids(candidates),
        "exclude_seen": exclude_seen,
        "min_score": min_score,
        "diversity": diversity,
        "collapse_duplicates": collapse_duplicates,
        "max_per": dict(_cap(text) for text in max_per or ()),
        "rules": rules,
        "trace": trace,
    }


def with_list_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets what was said as its last argument, `options`."""
    shared = inspect.signature(_list_arguments).parameters
    own = inspect.signature(command).parameters

    @wraps(command)
    def call(**given: Any) -> None:
        options = _list_arguments(**{name: given.pop(name) for name in shared})
        command(**given, options=options)

    # Typer reads annotations and signature, and wants them as types, not as the text that they are written in.
    hints = get_type_hints(_list_arguments, localns={"ListArguments": dict}, include_extras=True)
    hints |= get_type_hints(command, localns={"ListArguments": dict}, include_extras=True)
    call.__annotations__ = {name: hint for name, hint in hints.items() if name not in ("options", "return")}
    parameters = [parameter for name, parameter in {**own, **shared}.items() if name != "options"]
    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _cap(text: str) -> tuple[str, int]:
    column, sign, limit = text.rpartition("=")
    if not sign or not column or not limit.isdecimal():
        raise InputError(f"Expected --max-per COLUMN=N, such as category=2, got {text!r}.")
    return column, int(limit)


def read_ids(file: Path) -> list[str]:
    """Ids, one a line; blank lines are left out, everything else is part of the id."""
    # Not splitlines(), which also ends lines at characters that an id may hold; "\r\n" has become "\n" already.
    ids = [line for line in read_text(file, "one id a line").split("\n") if line.strip()]
    if not ids:
        raise InputError(f"{file} holds no id. Expected one id a line.")
    return ids


def read_text(file: Path, expected: str) -> str:
    """A text file that the user named; errors say what was expected in it."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}. Expected {expected}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text ({error}). Expected {expected}.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}. Expected a file with {expected}.") from error
