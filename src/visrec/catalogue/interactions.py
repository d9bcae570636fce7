"""Interaction rows: checked, typed, and merged into the catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.column_types import MISSING_WORDS
from visrec.catalogue.items import check_ids, report_rows
from visrec.catalogue.keys import match_rows
from visrec.catalogue.report import InteractionCounts, ProblemLog
from visrec.catalogue.source_table import SourceTable
from visrec.catalogue.timestamps import LARGEST_TIMESTAMP, parse_timestamps
from visrec.core.errors import InputError

__all__ = [
    "EMPTY_INTERACTIONS",
    "INTERACTION_KEY",
    "INTERACTION_SCHEMA",
    "Interaction",
    "check_interaction",
    "clean_interactions",
    "is_text",
    "upsert_interactions",
]

INTERACTION_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("kind", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)
INTERACTION_KEY = ("user_id", "item_id", "kind", "timestamp")
EMPTY_INTERACTIONS = INTERACTION_SCHEMA.empty_table()
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"


@dataclass(frozen=True)
class Interaction:
    """One thing that a user did with an item.

    Attributes:
        user_id: who.
        item_id: with what.
        kind: "view", "like", "buy", "rate", … in lower case.
        value: a rating or an amount; None where there is none.
        timestamp: epoch seconds UTC; None where unknown.
    """

    user_id: str
    item_id: str
    kind: str = "like"
    value: float | None = None
    timestamp: int | None = None


def is_text(identifier: str) -> bool:
    """Whether an id can be stored unchanged: half a surrogate pair is no text, and NUL ends one."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in identifier)


def check_interaction(event: Interaction) -> Interaction:
    """An event in the form in which it is stored: kind in lower case, numbers as numbers.

    Raises:
        InputError: when it has no ids or no kind, or numbers that are none.
    """
    kind = event.kind.strip().lower()
    for name, text in (("user_id", event.user_id), ("item_id", event.item_id), ("kind", kind)):
        if not text or not is_text(text):
            raise InputError(
                f"Expected {name} as text without NUL and half surrogates, got {text!r}. No event was stored."
            )
    if event.value is not None and not math.isfinite(event.value):
        raise InputError(f"Expected a finite value or None, got {event.value} of {event}. No event was stored.")
    if event.timestamp is not None and abs(event.timestamp) > LARGEST_TIMESTAMP:
        raise InputError(
            f"Expected a timestamp in epoch seconds, got {event.timestamp} of {event}. No event was stored."
        )
    value = None if event.value is None else float(event.value)
    timestamp = None if event.timestamp is None else int(event.timestamp)
    return Interaction(event.user_id, event.item_id, kind, value, timestamp)


def clean_interactions(source: SourceTable, item_ids: pa.ChunkedArray, log: ProblemLog) -> tuple[pa.Table, int]:
    """The usable rows of an interactions file.

    Args:
        source: the file; rows without ids, with a value or a time that cannot be read, or of an item that the
            catalogue does not have are reported and left out. Without a kind, a row with a value is "rate", one
            without is "interaction". Column `value` counts, else `rating`.
        item_ids: the catalogue's items.
        log: where bad rows go.

    Returns:
        Rows of `INTERACTION_SCHEMA`, in the file's order, repeats included; and how many rows were left out.
    """
    n_rows = len(source.table)
    source = source.select(check_ids(source, "user_id", log))
    source = source.select(check_ids(source, "item_id", log))
    known = pc.is_in(source.table.column("item_id"), item_ids.combine_chunks()).to_numpy()
    report_rows(source, np.flatnonzero(~known), "item is not in the catalogue", log)
    source = source.select(known)
    value, bad_value = _values(source)
    timestamp, bad_time = _timestamps(source)
    value_name = _value_column(source) or "value"
    report_rows(source, np.flatnonzero(bad_value), f"{value_name} is not a number", log, value_name)
    reason = "timestamp is neither epoch seconds (not milliseconds) nor an ISO 8601 time"
    report_rows(source, np.flatnonzero(bad_time & ~bad_value), reason, log, "timestamp")
    table = pa.table(
        [source.table.column("user_id"), source.table.column("item_id"), _kinds(source, value), value, timestamp],
        schema=INTERACTION_SCHEMA,
    ).filter(pa.array(~(bad_value | bad_time)))
    _note_unused(source, log)
    return table, n_rows - len(table)


def upsert_interactions(old: pa.Table, new: pa.Table) -> tuple[pa.Table, InteractionCounts]:
    """Merge rows into the catalogue by `INTERACTION_KEY`; the last row of a key gives the value.

    Args:
        old: rows of `INTERACTION_SCHEMA`, unique.
        new: rows of `INTERACTION_SCHEMA`.

    Returns:
        Unique rows: old ones in their places, then new ones; and the counts.
    """
    old_row, new_row = match_rows(old, new, INTERACTION_KEY)
    rows = pa.array(np.where(new_row >= 0, len(old) + new_row, old_row))
    merged = pa.concat_tables([old, new]).take(rows)
    both = (old_row >= 0) & (new_row >= 0)
    before = old.column("value").take(pa.array(old_row[both]))
    after = new.column("value").take(pa.array(new_row[both]))
    same = pc.equal(before, after).fill_null(False).to_numpy() | (
        before.is_null().to_numpy() & after.is_null().to_numpy()
    )
    counts = InteractionCounts(
        new=int((old_row < 0).sum()),
        updated=int((~same).sum()),
        unchanged=int(same.sum()),
        repeated=len(new) - int((new_row >= 0).sum()),
        total=len(merged),
    )
    return merged, counts


def _value_column(source: SourceTable) -> str | None:
    return next((name for name in ("value", "rating") if name in source.table.column_names), None)


def _values(source: SourceTable) -> tuple[pa.ChunkedArray, npt.NDArray[np.bool_]]:
    """Column `value` or `rating` as float64 (n,) with nulls, and bool (n,), True where it cannot be read."""
    n_rows = len(source.table)
    name = _value_column(source)
    if name is None:
        return pa.chunked_array([pa.nulls(n_rows, pa.float64())]), np.zeros(n_rows, dtype=np.bool_)
    column = source.table.column(name)
    kind = column.type
    if (
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    ):
        numbers = column.cast(pa.float64(), safe=False)
        numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
        bad = pc.is_inf(numbers).fill_null(False).to_numpy()
        return numbers, bad
    text = pc.utf8_trim_whitespace(source.text(name))
    text = pc.if_else(pc.is_in(text, pa.array(["", *MISSING_WORDS])), pa.scalar(None, pa.string()), text)
    numeric = pc.match_substring_regex(text, _NUMBER).fill_null(False)
    numbers = pc.if_else(numeric, text, pa.scalar(None, pa.string()))
    # Arrow reads no leading "+".
    numbers = pc.utf8_ltrim(numbers, "+").cast(pa.float64())
    finite = pc.is_finite(numbers).fill_null(True)
    bad = pc.is_valid(text).to_numpy() & ~(numeric.to_numpy() & finite.to_numpy())
    return numbers, bad


def _timestamps(source: SourceTable) -> tuple[pa.ChunkedArray, npt.NDArray[np.bool_]]:
    n_rows = len(source.table)
    if "timestamp" not in source.table.column_names:
        return pa.chunked_array([pa.nulls(n_rows, pa.int64())]), np.zeros(n_rows, dtype=np.bool_)
    column = source.table.column("timestamp")
    if not (pa.types.is_temporal(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = source.text("timestamp")
        column = pc.if_else(pc.is_in(column, pa.array(["", *MISSING_WORDS])), pa.scalar(None, pa.string()), column)
    seconds, bad = parse_timestamps(column)
    return pa.chunked_array([seconds]), bad


def _kinds(source: SourceTable, value: pa.ChunkedArray) -> pa.ChunkedArray:
    default = pc.if_else(pc.is_valid(value), "rate", "interaction")
    if "kind" not in source.table.column_names:
        return default
    kind = pc.utf8_lower(pc.utf8_trim_whitespace(source.text("kind")))
    given = pc.and_kleene(pc.is_valid(kind), pc.not_equal(kind, "")).fill_null(False)
    return pc.if_else(given, kind, default)


def _note_unused(source: SourceTable, log: ProblemLog) -> None:
    used = {"user_id", "item_id", "kind", "timestamp", _value_column(source)}
    unused = [name for name in source.table.column_names if name not in used]
    if unused:
        log.notes.append(f"{source.path.name}: columns not used: {', '.join(unused)}")
