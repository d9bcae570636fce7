"""Examples and events in files: one JSON object a line, so that ids may hold any character."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrec.cli.list_options import read_text
from visrec.core.errors import InputError

if TYPE_CHECKING:
    from visrec.catalogue.interactions import Interaction
    from visrec.workspace.examples import Example

__all__ = ["read_events", "read_examples"]

_EXAMPLE = 'lines such as {"item": "0156-lamp", "weight": 2}, {"picture": "photo.jpg"} or {"vector": [0.1, …]}'
_EVENT = 'lines such as {"item_id": "0156-lamp", "kind": "like", "value": null, "timestamp": 1700000000}'
_NUMBER = (int, float)


def read_examples(file: Path) -> tuple[list[Example], list[Example]]:
    """The liked and the disliked, whose weights are below 0 in the file; pictures' paths are relative to it.

    Raises:
        NotFoundError: when there is no such file.
        InputError: naming the line that is wrong.
    """
    from visrec.workspace.examples import Example

    sides: tuple[list[Example], list[Example]] = ([], [])
    for place, line in _objects(file, _EXAMPLE):
        weight = _field(place, line, "weight", _NUMBER, 1.0)
        given = [name for name in ("item", "picture", "vector") if name in line]
        if len(given) != 1 or weight == 0:
            raise InputError(f"{place}: expected one of item, picture and vector, and no weight of 0; {_EXAMPLE}.")
        _check_names(place, line, (*given, "weight"))
        source = _field(place, line, given[0], list if given[0] == "vector" else str)
        if given[0] == "picture":
            source = file.parent / source
        sides[int(weight < 0)].append(Example(source, abs(weight)))
    return sides


def read_events(file: Path) -> list[Interaction]:
    """What somebody did, in the order of the lines.

    Raises:
        NotFoundError: when there is no such file.
        InputError: naming the line that is wrong.
    """
    from visrec.catalogue.interactions import Interaction

    events = []
    for place, line in _objects(file, _EVENT):
        _check_names(place, line, ("item_id", "kind", "value", "timestamp"))
        events.append(
            Interaction(
                "",
                _field(place, line, "item_id", str),
                _field(place, line, "kind", str, "like"),
                _field(place, line, "value", _NUMBER, None),
                _field(place, line, "timestamp", int, None),
            )
        )
    return events


def _objects(file: Path, expected: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    n_lines = 0
    for number, text in enumerate(read_text(file, expected).split("\n"), start=1):
        if not text.strip():
            continue
        place, n_lines = f"{file}, line {number}", n_lines + 1
        try:
            line = json.loads(text)
        except ValueError as error:
            raise InputError(f"{place}: no JSON ({error}). Expected {expected}.") from error
        if not isinstance(line, dict):
            raise InputError(f"{place}: expected {expected}, got {text.strip()[:80]}.")
        yield place, line
    if not n_lines:
        raise InputError(f"{file} is empty. Expected {expected}.")


def _check_names(place: str, line: Mapping[str, Any], names: tuple[str, ...]) -> None:
    unknown = [name for name in line if name not in names]
    if unknown:
        raise InputError(f"{place}: {unknown[0]!r} is not known here. Expected {', '.join(names)}.")


def _field(place: str, line: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
    """A field; `default` where it is absent or null, or an error where there is no default."""
    value = line.get(name)
    if value is None and default is not ...:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{place}: {value!r} cannot be its {name}.")
    return value
