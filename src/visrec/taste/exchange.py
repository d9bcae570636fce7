"""A taste as a document to carry elsewhere: the profile to read, and the events that it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visrec.core.errors import InputError
from visrec.taste.profile import TasteProfile

__all__ = ["FORMAT", "VERSION", "Event", "TasteDocument", "read_document", "write_document"]

FORMAT = "visrec-taste"
VERSION = 1


@dataclass(frozen=True)
class Event:
    """What the user did with an item: as in the log.

    Attributes:
        item_id: the item.
        kind: "like", "view", "rate", …
        value: a rating or an amount; None where there is none.
        timestamp: epoch seconds UTC; None where unknown.
    """

    item_id: str
    kind: str
    value: float | None
    timestamp: int | None


@dataclass(frozen=True)
class TasteDocument:
    """What a document says.

    Attributes:
        user_id: whose taste it is.
        events: the history.
        left_out: item -> until when (epoch seconds) its events are left out of the profile; "" for every item.
    """

    user_id: str
    events: tuple[Event, ...]
    left_out: Mapping[str, int]


def write_document(profile: TasteProfile, events: Sequence[Event], left_out: Mapping[str, int]) -> dict[str, Any]:
    """{"format", "version", "user_id", "profile", "events", "left_out"}: JSON-able; "profile" is for readers only."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "user_id": profile.user_id,
        "profile": profile.to_json(),
        "events": [{"item_id": e.item_id, "kind": e.kind, "value": e.value, "timestamp": e.timestamp} for e in events],
        "left_out": dict(left_out),
    }


def read_document(document: Any) -> TasteDocument:
    """Check a document, as `json.loads` gives it.

    Raises:
        InputError: naming the first field that is not as expected.
    """
    body = _mapping(document, "the document")
    if body.get("format") != FORMAT:
        raise InputError(f'Expected a taste profile with "format": "{FORMAT}", got {body.get("format")!r}.')
    version = body.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f'Expected "version": {VERSION} of a taste profile, got {version!r}.')
    if version > VERSION:
        raise InputError(
            f"This taste profile is of version {version}, and {VERSION} is the newest known. Update visrec."
        )
    events = body.get("events")
    if not isinstance(events, list):
        raise InputError(f'Expected "events" as a list, got {type(events).__name__}.')
    left_out = _mapping(body.get("left_out", {}), '"left_out"')
    for item_id, until in left_out.items():
        if not _whole(until):
            raise InputError(f'Expected whole epoch seconds as "left_out" of item {item_id!r}, got {until!r}.')
    return TasteDocument(
        _text(body.get("user_id"), '"user_id"'),
        tuple(_event(event, number) for number, event in enumerate(events, start=1)),
        dict(left_out),
    )


def _event(event: Any, number: int) -> Event:
    where = f"event {number}"
    body = _mapping(event, where)
    value, timestamp = body.get("value"), body.get("timestamp")
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise InputError(f'Expected "value" of {where} as a number or null, got {value!r}.')
    if timestamp is not None and not _whole(timestamp):
        raise InputError(f'Expected "timestamp" of {where} as whole epoch seconds or null, got {timestamp!r}.')
    return Event(
        _text(body.get("item_id"), f'"item_id" of {where}'),
        _text(body.get("kind"), f'"kind" of {where}'),
        None if value is None else float(value),
        timestamp,
    )


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"Expected {what} as a JSON object, got {type(value).__name__}.")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"Expected {what} as text, got {value!r}.")
    return value


def _whole(value: Any) -> bool:
    # What a database cannot hold is no time.
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62
