"""Times as people write them, to epoch seconds."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["LARGEST_TIMESTAMP", "parse_timestamps"]

#: The year 5138. A larger number is no time in seconds: it was given in milliseconds or less.
LARGEST_TIMESTAMP = 100_000_000_000

_NUMBER = r"^\s*[+-]?\d+(\.\d*)?([eE][+]?\d+)?\s*$"
_ISO = r"^\s*\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*$"
_ISO_ZONE = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)\s*$"


def parse_timestamps(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Read times.

    Args:
        column: n values: text (epoch seconds, or ISO 8601 with or without a zone), numbers (epoch seconds), dates or
            timestamps. What has no zone is UTC. Fractions of a second are cut off.

    Returns:
        int64 (n,), epoch seconds, null where there is none or it cannot be read; and bool (n,), True where a value
        is given but cannot be read or lies beyond `LARGEST_TIMESTAMP`.
    """
    if pa.types.is_string(column.type):
        seconds = _from_text(column)
    elif pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        seconds = column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
        seconds = pa.chunked_array([_floor_divide(seconds, 1_000_000)])
    elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        seconds = _from_numbers(column.cast(pa.float64(), safe=False))
    else:
        return pa.nulls(len(column), pa.int64()), pc.is_valid(column).to_numpy()
    seconds = seconds.combine_chunks()
    values = seconds.fill_null(0).to_numpy(zero_copy_only=False)
    # Not abs(): the smallest int64 has no opposite.
    in_range = (values <= LARGEST_TIMESTAMP) & (values >= -LARGEST_TIMESTAMP)
    read = in_range & pc.is_valid(seconds).to_numpy(zero_copy_only=False)
    given = pc.is_valid(column).to_numpy()
    if pa.types.is_floating(column.type):
        # NaN is how data frames write "none".
        given &= ~np.asarray(pc.is_nan(column).fill_null(False))
    return pa.array(values, mask=~read), given & ~read


def _floor_divide(column: pa.ChunkedArray, divisor: int) -> pa.Array:
    values = column.fill_null(0).to_numpy()
    return pa.array(values // divisor, mask=pc.is_null(column).to_numpy())


def _from_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = column.fill_null(math.nan).to_numpy()
    readable = np.isfinite(values) & (np.abs(values) < 2.0**62)
    whole = np.floor(np.where(readable, values, 0.0)).astype(np.int64)
    return pa.chunked_array([pa.array(whole, mask=~readable)])


def _from_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    text = column.combine_chunks()
    result = np.zeros(len(text), dtype=np.int64)
    read = np.zeros(len(text), dtype=np.bool_)
    for pattern, parse in ((_NUMBER, _parse_numbers), (_ISO, _parse_local), (_ISO_ZONE, _parse_zoned)):
        matching = pc.match_substring_regex(text, pattern).fill_null(False)
        rows = np.flatnonzero(matching.to_numpy(zero_copy_only=False))
        if rows.size == 0:
            continue
        values = parse(pc.utf8_trim_whitespace(text.take(pa.array(rows))))
        valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
        result[rows[valid]] = values.drop_null().to_numpy()
        read[rows[valid]] = True
    return pa.chunked_array([pa.array(result, mask=~read)])


def _parse_numbers(text: pa.Array) -> pa.Array:
    return _from_numbers(pa.chunked_array([text.cast(pa.float64())])).combine_chunks()


def _parse_local(text: pa.Array) -> pa.Array:
    return _parse_iso(text, pa.timestamp("s"))


def _parse_zoned(text: pa.Array) -> pa.Array:
    return _parse_iso(pc.replace_substring(text, " +", "+"), pa.timestamp("s", "UTC"))


def _parse_iso(text: pa.Array, kind: pa.DataType) -> pa.Array:
    whole = pc.replace_substring_regex(text, r"\.\d+", "")
    try:
        return whole.cast(kind).cast(pa.int64())
    except pa.ArrowInvalid:
        # One impossible date such as 30 February fails the whole column: find out which.
        return pa.array([_one_iso(value) for value in whole.to_pylist()], pa.int64())


def _one_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
