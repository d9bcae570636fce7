"""An input file in memory, with the way back from a row to its line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.core.errors import InputError

__all__ = ["SourceTable"]

#: Names that Lance or its SQL cannot take. `.` would mean a field inside a struct.
_FORBIDDEN = (".", "`", '"')
#: What the id columns are often called; only to say so in an error.
_ALIASES = {
    "item_id": ("id", "sku", "productid", "articleid", "movieid", "asin", "item", "product"),
    "user_id": ("customerid", "clientid", "reviewerid", "user", "uid", "customer"),
}
_RESERVED = {"_rowid", "_rowaddr", "_rowoffset", "_row_last_updated_at_version", "_row_created_at_version"}


@dataclass(frozen=True)
class SourceTable:
    """The rows of one input file.

    Attributes:
        path: the file.
        table: n rows. Id columns are string; where `untyped`, all columns are, with null for an empty value.
        untyped: True when types are still to be found in the text.
        line_numbers: gives the line of every row, int64 (n,), from 1. Called only when there is a problem to report.
        notes: remarks about the file.
    """

    path: Path
    table: pa.Table
    untyped: bool
    line_numbers: Callable[[], npt.NDArray[np.int64]]
    notes: tuple[str, ...] = ()

    def require(self, columns: Sequence[str]) -> None:
        """Check that columns are there.

        Raises:
            InputError: when one is not.
        """
        for name in columns:
            if name not in self.table.column_names:
                raise InputError(self._missing_message(name))

    def check_names(self) -> None:
        """Check that every column has a name that a filter can use.

        Raises:
            InputError: when one has not.
        """
        for name in self.table.column_names:
            if name in _RESERVED or any(character in name for character in _FORBIDDEN):
                raise InputError(
                    f'{self.path}: expected column names without . ` and " (and no {", ".join(sorted(_RESERVED))}), '
                    f"got {name!r}. Rename the column. Nothing was changed."
                )

    def select(self, keep: npt.NDArray[np.bool_]) -> SourceTable:
        """The rows where `keep`, bool (n,), is True."""
        if keep.all():
            return self
        rows = np.flatnonzero(keep)
        lines = self.line_numbers
        return SourceTable(self.path, self.table.take(pa.array(rows)), self.untyped, lambda: lines()[rows], self.notes)

    def text(self, name: str) -> pa.ChunkedArray:
        """One column as text, for problem reports."""
        column = self.table.column(name)
        try:
            return column.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return pa.chunked_array(
                [pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())]
            )

    def _missing_message(self, name: str) -> str:
        found = self.table.column_names
        near = difflib.get_close_matches(name, found, n=1, cutoff=0.6)
        folded = {_folded(column): column for column in found}
        usual = next((folded[alias] for alias in _ALIASES.get(name, ()) if alias in folded), None)
        guess = folded.get(_folded(name)) or usual or (near[0] if near else None)
        if len(found) == 1 and (separator := next((mark for mark in ";\t|" if mark in found[0]), None)):
            fix = f"The columns seem to be separated by {separator!r}: save the file with commas."
        elif guess:
            fix = f"Did you mean {guess!r}? Rename that column to {name!r}."
        else:
            fix = f"Add the column {name!r}, or rename the one that holds it."
        return (
            f"{self.path}: expected a column {name!r}, found {', '.join(map(repr, found)) or 'none'}. "
            f"{fix} Nothing was changed."
        )


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def text_ids(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """An id column of a typed file as text; whole numbers are written out.

    Raises:
        InputError: when it holds anything but text and whole numbers.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not (is_text or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise InputError(
            f"{path}: expected column {name!r} as text, got {kind}: ids would not survive unchanged. "
            "Store the column as text. Nothing was changed."
        )
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
