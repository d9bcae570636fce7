"""CSV files: read as text, so that no id loses a zero and no block of rows decides a column's type."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from visrec.catalogue.source_table import SourceTable
from visrec.core.errors import InputError

__all__ = ["read_bytes", "read_csv", "utf8_fault"]

_BOM = b"\xef\xbb\xbf"
#: One value must fit into one block.
_BLOCK_BYTES = 1 << 25


def read_csv(path: Path) -> SourceTable:
    """Read a CSV file, plain or gzipped: UTF-8, separated by commas, quoted as RFC 4180 says, a header line first.

    Returns:
        All columns as string; null where empty.

    Raises:
        InputError: naming file and line, when it is no such file.
    """
    data = read_bytes(path).removeprefix(_BOM)
    header = _read_header(path, data)
    _check_quotes(path, data, len(header))
    # pyarrow would take a blank first line for the header that it is told to skip.
    body = data.lstrip(b"\r\n")
    # pyarrow's own names are not used: it keeps the last of two columns of one name, and does not tell.
    columns = [f"c{position}" for position in range(len(header))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(body if body.endswith((b"\n", b"\r")) else body + b"\n"),
            read_options=arrow_csv.ReadOptions(column_names=columns, skip_rows_after_names=1, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(_fault(path, data, len(header), error)) from error
    table = table.rename_columns(header)
    notes: tuple[str, ...] = ()
    unnamed = [position for position, name in enumerate(header) if not name]
    if unnamed:
        table = table.select([position for position, name in enumerate(header) if name])
        notes = (f"{path.name}: column {', '.join(str(p + 1) for p in unnamed)} has no name and was left out",)
    return SourceTable(path, table, True, lambda: _line_numbers(read_bytes(path)), notes)


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked when its name ends in .gz.

    Raises:
        InputError: when it cannot be read.
    """
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.lower().endswith(".gz") else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: expected gzipped text, got a damaged archive ({error}). Pack it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error


def utf8_fault(path: Path, data: bytes) -> str | None:
    """What is not UTF-8 in a file, with line and byte; None when all of it is."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        what = "the file looks like UTF-16" if wide else f"byte 0x{data[error.start]:02x} at position {error.start:,}"
        return f"{path}, line {line}: expected UTF-8, got {what}. Save the file as UTF-8. Nothing was changed."
    return None


def _text(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


@contextmanager
def _any_field_size() -> Iterator[None]:
    """Lift the csv module's limit of 128 kB a field, which is one global setting, while reading."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _read_header(path: Path, data: bytes) -> list[str]:
    try:
        with _any_field_size():
            header = next((record for record in csv.reader(_text(data)) if record), [])
    except UnicodeDecodeError as error:
        raise InputError(utf8_fault(path, data) or str(error)) from error
    except csv.Error as error:
        raise InputError(f"{path}, line 1: expected a line of column names ({error}). Nothing was changed.") from error
    names = [name.strip() for name in header]
    if not any(names):
        raise InputError(f"{path}, line 1: expected a line of column names, the file is empty. Nothing was changed.")
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise InputError(
            f"{path}, line 1: expected column names that differ, got {', '.join(map(repr, repeated))} more than once. "
            "Rename or delete one of them. Nothing was changed."
        )
    return names


def _check_quotes(path: Path, data: bytes, n_columns: int) -> None:
    """Refuse a quote that is never closed: pyarrow takes the rest of the file as one value, and says nothing."""
    if data.count(b'"') % 2 == 0:
        return
    fault = _first_fault(data, n_columns, strict=True)
    if fault is not None:
        raise InputError(f"{path}, line {fault[0]}: {fault[1]} Nothing was changed.")


def _fault(path: Path, data: bytes, n_columns: int, error: pa.ArrowInvalid) -> str:
    encoding = utf8_fault(path, data)
    if encoding is not None:
        return encoding
    fault = _first_fault(data, n_columns, strict=False)
    if fault is not None:
        return f"{path}, line {fault[0]}: {fault[1]} Nothing was changed."
    return f"{path} cannot be read as CSV: {error}. Nothing was changed."


def _first_fault(data: bytes, n_columns: int, *, strict: bool) -> tuple[int, str] | None:
    """Line and description of the first record that is not n_columns values; None when there is none."""
    reader = csv.reader(_text(data), strict=strict)
    line = 1
    try:
        with _any_field_size():
            for record in reader:
                if record and len(record) != n_columns:
                    return line, (
                        f"expected {n_columns} values, got {len(record)}. "
                        "Quote values that hold a comma, a quote or a line break."
                    )
                line = reader.line_num + 1
    except UnicodeDecodeError:
        return None
    except csv.Error:
        return line, 'a quote (") is not closed, or not doubled inside a quoted value. Close or double it.'
    return None


def _line_numbers(data: bytes) -> npt.NDArray[np.int64]:
    """The line on which each row starts, the header left out; blank lines and line breaks in values are counted."""
    lines: list[int] = []
    reader = csv.reader(_text(data))
    line = 1
    with _any_field_size():
        for record in reader:
            if record:
                lines.append(line)
            line = reader.line_num + 1
    return np.asarray(lines[1:], dtype=np.int64)
