"""Item rows: checked, typed, and merged into the catalogue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.column_types import cast_column, check_storable, common_type, infer_text_column, plain_type
from visrec.catalogue.keys import match_rows, optional_take
from visrec.catalogue.report import ItemCounts, ProblemLog
from visrec.catalogue.source_table import SourceTable

__all__ = ["EMPTY_ITEMS", "check_ids", "clean_items", "report_rows", "upsert_items"]

EMPTY_ITEMS = pa.schema([("item_id", pa.string())]).empty_table()


def clean_items(source: SourceTable, old: pa.Table, log: ProblemLog) -> pa.Table:
    """The usable rows of an items file, with types.

    Args:
        source: the file; rows without an id and all but the last of those that repeat an id are reported and left out.
        old: the catalogue's items; a column that is text there stays text, whatever it looks like in the file.
        log: where bad rows go.

    Returns:
        Rows unique by item_id, the first column.

    Raises:
        InputError: when a column cannot have its name or its type.
    """
    source.check_names()
    source = source.select(check_ids(source, "item_id", log))
    source = _last_of_each(source, log)
    columns = {"item_id": source.table.column("item_id")}
    for name in source.table.column_names:
        if name == "item_id":
            continue
        column = plain_type(source.table.column(name))
        check_storable(name, column.type)
        if source.untyped and not _is_text_in(old, name):
            column, remark = infer_text_column(column)
            if remark:
                log.notes.append(f"{source.path.name}: column {name!r} {remark}")
        columns[name] = column
    return pa.table(columns)


def _is_text_in(old: pa.Table, name: str) -> bool:
    if name not in old.column_names:
        return False
    column = old.column(name)
    return bool(pa.types.is_string(column.type) and column.null_count < len(column))


def check_ids(source: SourceTable, name: str, log: ProblemLog) -> npt.NDArray[np.bool_]:
    """Which rows have an id that can be used; bool (n,). The others are reported."""
    column = source.table.column(name)
    empty = pc.is_null(column).to_numpy()
    # A NUL character ends strings in databases and file names: such ids would not survive unchanged.
    broken = pc.match_substring(column, "\0").fill_null(False).to_numpy()
    for bad, reason in ((empty, f"no {name}"), (broken, f"{name} holds a NUL character")):
        report_rows(source, np.flatnonzero(bad), reason, log)
    return ~(empty | broken)


def report_rows(
    source: SourceTable, rows: npt.NDArray[np.int64], reason: str, log: ProblemLog, extra: str | None = None
) -> None:
    """Report rows of a file for one reason; the subject is the row's ids, and its value in column `extra`."""
    if rows.size == 0:
        return
    names = [name for name in ("user_id", "item_id") if name in source.table.column_names]
    names += [extra] if extra else []

    def subjects(n: int) -> list[str]:
        taken = {name: source.text(name).take(pa.array(rows[:n])).to_pylist() for name in names}
        return [", ".join(_named(name, taken[name][row]) for name in names) for row in range(n)]

    log.add_many(source.path.name, reason, int(rows.size), subjects, lambda n: source.line_numbers()[rows[:n]].tolist())


def _named(name: str, value: str | None) -> str:
    return f"{name} (empty)" if value is None else f"{name} {value!r}"


def _last_of_each(source: SourceTable, log: ProblemLog) -> SourceTable:
    _, last = match_rows(EMPTY_ITEMS, source.table, ["item_id"])
    if len(last) == len(source.table):
        return source
    keep = np.zeros(len(source.table), dtype=np.bool_)
    keep[last] = True
    report_rows(source, np.flatnonzero(~keep), "item_id repeated further down, where the last row counts", log)
    return source.select(keep)


def upsert_items(old: pa.Table, new: pa.Table, log: ProblemLog) -> tuple[pa.Table, ItemCounts]:
    """Merge rows into the catalogue by item_id.

    Columns are united. A row of `new` replaces the values of its columns, also by null, and leaves the others.

    Args:
        old: items in order of insertion.
        new: rows unique by item_id.
        log: takes a note when a column changes its type.

    Returns:
        The items: old ones in their places, then new ones; and the counts.

    Raises:
        InputError: when a column's old and new values have no type in common.
    """
    old_row, new_row = match_rows(old, new, ["item_id"])
    both = (old_row >= 0) & (new_row >= 0)
    changed = np.zeros(int(both.sum()), dtype=np.bool_)
    columns: dict[str, pa.ChunkedArray] = {}
    for name in dict.fromkeys([*old.column_names, *new.column_names]):
        if name not in new.column_names:
            columns[name] = optional_take(old.column(name), old_row)
        elif name not in old.column_names:
            columns[name] = optional_take(new.column(name), new_row)
            changed |= columns[name].filter(pa.array(both)).is_valid().to_numpy()
        else:
            before, after = _same_type(name, old.column(name), new.column(name), log)
            changed |= _differ(before.take(pa.array(old_row[both])), after.take(pa.array(new_row[both])))
            rows = np.where(new_row >= 0, len(before) + new_row, old_row)
            columns[name] = pa.chunked_array([*before.chunks, *after.chunks], before.type).take(pa.array(rows))
    counts = ItemCounts(
        new=int((old_row < 0).sum()), updated=int(changed.sum()), unchanged=int((~changed).sum()), total=len(old_row)
    )
    return pa.table(columns), counts


def _same_type(
    name: str, old: pa.ChunkedArray, new: pa.ChunkedArray, log: ProblemLog
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    if new.null_count == len(new):
        return old, pa.chunked_array([pa.nulls(len(new), old.type)])
    if old.null_count == len(old):
        return pa.chunked_array([pa.nulls(len(old), new.type)]), new
    kind = common_type(name, old.type, new.type)
    if kind != old.type:
        log.notes.append(f"column {name!r} was {old.type} and now is {kind}")
    return cast_column(old, kind), cast_column(new, kind)


def _differ(before: pa.ChunkedArray, after: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where two columns differ; null equals null, NaN equals NaN."""
    if pa.types.is_nested(before.type):
        # Arrow compares no lists and structs.
        pairs = zip(before.to_pylist(), after.to_pylist(), strict=True)
        return np.fromiter((one != other for one, other in pairs), dtype=np.bool_, count=len(before))
    same = pc.equal(before, after).fill_null(False).to_numpy()
    same |= (before.is_null(nan_is_null=True).to_numpy()) & (after.is_null(nan_is_null=True).to_numpy())
    return ~same
