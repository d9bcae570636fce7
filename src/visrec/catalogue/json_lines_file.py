"""JSON Lines files: one object a line, values as the file types them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from visrec.catalogue.csv_file import read_bytes, utf8_fault
from visrec.catalogue.source_table import SourceTable
from visrec.core.errors import InputError

__all__ = ["read_json_lines", "read_rows"]

#: Rows that are parsed, and held as Python objects, at one time.
_ROWS_AT_ONCE = 50_000


def read_json_lines(path: Path, ids: tuple[str, ...]) -> SourceTable:
    """Read a JSON Lines file, plain or gzipped.

    Python's own parser is used, not pyarrow's: that one takes an id like "2020-01-01" for a time, and one odd value in
    a column for the end of the file. It takes about 4 s for a million short rows.

    Args:
        path: the file, UTF-8, one object a line.
        ids: columns that hold ids: text stays as it is, whole numbers are written out, anything else becomes null.

    Returns:
        Columns in the order of their first appearance. A column of mixed types becomes text.

    Raises:
        InputError: naming file and line, when a line is no JSON object.
    """
    data = read_bytes(path).removeprefix(b"\xef\xbb\xbf")
    fault = utf8_fault(path, data)
    if fault is not None:
        raise InputError(fault)
    values: dict[str, list[Any]] = {}
    # Not splitlines(): it also splits at characters that JSON allows inside a string.
    lines = [(line, text) for line, text in enumerate(data.split(b"\n"), start=1) if text and not text.isspace()]
    for start in range(0, len(lines), _ROWS_AT_ONCE):
        _extend(values, _parse(path, lines[start : start + _ROWS_AT_ONCE]), start)
    positions = np.asarray([line for line, _ in lines], dtype=np.int64)
    return SourceTable(path, _table(values, ids), False, lambda: positions)


def read_rows(name: str, rows: Sequence[Mapping[str, Any]], ids: tuple[str, ...]) -> SourceTable:
    """Rows that are in memory already, as if they had been the lines of a file.

    Args:
        name: what they are called in errors and reports.
        rows: column -> value; JSON-able.
        ids: as in `read_json_lines`.
    """
    values: dict[str, list[Any]] = {}
    _extend(values, rows, 0)
    return SourceTable(Path(name), _table(values, ids), False, lambda: np.arange(1, len(rows) + 1))


def _table(values: Mapping[str, list[Any]], ids: tuple[str, ...]) -> pa.Table:
    return pa.table({name: _column(column, name in ids) for name, column in values.items() if name})


def _parse(path: Path, lines: list[tuple[int, bytes]]) -> list[dict[str, Any]]:
    """Many lines at once, which is several times faster; one by one only to say which of them is wrong."""
    try:
        rows = json.loads(b"[" + b",".join(text for _, text in lines) + b"]")
    except (ValueError, RecursionError):
        rows = []
    if len(rows) == len(lines) and all(isinstance(row, dict) for row in rows):
        return list(rows)
    return [_parse_one(path, line, text) for line, text in lines]


def _parse_one(path: Path, line: int, text: bytes) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}, line {line}: expected one JSON object, got text that does not parse ({error}). "
            "Correct the line. Nothing was changed."
        ) from error
    if not isinstance(row, dict):
        raise InputError(
            f'{path}, line {line}: expected one JSON object such as {{"item_id": "7"}}, got {type(row).__name__}. '
            "Write one object a line. Nothing was changed."
        )
    return row


def _extend(values: dict[str, list[Any]], rows: Sequence[Mapping[str, Any]], n_before: int) -> None:
    """Append rows to the columns; None where a row lacks one."""
    for name in dict.fromkeys(name for row in rows for name in row):
        values.setdefault(name, [None] * n_before)
    for name, column in values.items():
        column.extend([row.get(name) for row in rows])


def _column(values: list[Any], is_id: bool) -> pa.Array:
    if is_id:
        return _array([_id_text(value) for value in values], pa.string())
    try:
        return _array(values, None)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _array([_as_text(value) for value in values], pa.string())


def _array(values: list[Any], kind: pa.DataType | None) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        # JSON can spell half a surrogate pair ("\ud800"), which is no text: such a value is lost.
        return pa.array([_encodable(value) for value in values], kind)


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(element) for element in value]
    if isinstance(value, dict):
        return {name: _encodable(element) for name, element in value.items()}
    if not isinstance(value, str):
        return value
    return None if any("\ud800" <= character <= "\udfff" for character in value) else value


def _id_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
