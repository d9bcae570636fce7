"""Rows that mean the same thing: composite keys as integers, and the match of new rows with old ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["match_rows", "optional_take", "pack_keys"]

_LARGEST = 2**62


def pack_keys(table: pa.Table, on: Sequence[str]) -> npt.NDArray[np.int64]:
    """One integer for each row, equal where all key columns are equal; a null equals a null.

    Args:
        table: n rows.
        on: the key columns.

    Returns:
        int64 (n,), values without a meaning of their own.
    """
    packed = np.zeros(len(table), dtype=np.int64)
    n_packed = 1
    for name in on:
        encoded = table.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
        n_codes = max(len(encoded.dictionary), 1)
        if n_packed * n_codes > _LARGEST:
            unique, packed = np.unique(packed, return_inverse=True)
            n_packed = len(unique)
        packed = packed * n_codes + encoded.indices.to_numpy(zero_copy_only=False)
        n_packed *= n_codes
    return packed


def match_rows(old: pa.Table, new: pa.Table, on: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Match the rows of two tables for an upsert that keeps the order of insertion.

    Args:
        old: rows, unique by `on`.
        new: rows; of those that repeat a key the last counts.
        on: the key columns, of equal types in both tables.

    Returns:
        Two int64 arrays of equal length, one entry for each distinct key, old keys first in their order, then new keys
        in the order of their first appearance: the row in `old`, and the row in `new`; -1 where there is none.
    """
    keys = pack_keys(pa.concat_tables([old.select(on), new.select(on)]), on)
    unique, first, group = np.unique(keys, return_index=True, return_inverse=True)
    old_row = np.full(len(unique), -1, dtype=np.int64)
    new_row = np.full(len(unique), -1, dtype=np.int64)
    old_row[group[: len(old)]] = np.arange(len(old))
    # Of repeated indices numpy assigns the last value: the last row of the file wins.
    new_row[group[len(old) :]] = np.arange(len(new))
    order = np.argsort(first)
    return old_row[order], new_row[order]


def optional_take(column: pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> pa.ChunkedArray:
    """The values at some rows; null where the row is -1."""
    return column.take(pa.array(rows, mask=rows < 0))
