"""Readers of item and interaction files: the one place that knows the file types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from visrec.catalogue.csv_file import read_csv
from visrec.catalogue.json_lines_file import read_json_lines
from visrec.catalogue.source_table import SourceTable, text_ids
from visrec.core.errors import InputError

__all__ = ["ID_COLUMNS", "read_source"]

ID_COLUMNS = ("item_id", "user_id")
_KINDS = ".csv, .csv.gz, .parquet, .jsonl, .ndjson, .jsonl.gz"


def read_source(path: Path, required: tuple[str, ...]) -> SourceTable:
    """Read an input file of any supported type.

    Args:
        path: .csv, .parquet, .jsonl or .ndjson; CSV and JSON Lines also with .gz behind.
        required: columns that must be there.

    Returns:
        Its rows; columns `item_id` and `user_id` are string, null where empty.

    Raises:
        InputError: when the file is absent, of another type, unreadable, or lacks a column.
    """
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"{path}: expected a file ({_KINDS}), {what}. Check the path. Nothing was changed.")
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".csv"):
        source = read_csv(path)
    elif name.endswith((".jsonl", ".ndjson")):
        source = read_json_lines(path, ID_COLUMNS)
    elif path.name.lower().endswith((".parquet", ".pq")):
        source = _read_parquet(path)
    else:
        raise InputError(
            f"{path}: expected one of {_KINDS}, got {path.suffix or 'no extension'!r}. "
            "Save the table as one of these. Nothing was changed."
        )
    source.require(required)
    return source


def _read_parquet(path: Path) -> SourceTable:
    try:
        # A ParquetFile, not read_table: that one takes a folder name like `year=2020` in the path for a column.
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}. Write it again. Nothing was changed.") from error
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise InputError(
            f"{path}: expected column names that differ, got {', '.join(map(repr, repeated))} more than once. "
            "Rename or delete one of them. Nothing was changed."
        )
    for position, name in enumerate(table.column_names):
        if name in ID_COLUMNS:
            table = table.set_column(position, name, text_ids(path, name, table.column(position)))
    rows = np.arange(1, len(table) + 1, dtype=np.int64)
    return SourceTable(path, table.replace_schema_metadata(None), False, lambda: rows)
