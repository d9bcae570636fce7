"""Examples of a label: read from a file or a mapping, and whatever cannot be used counted and named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from visrec.catalogue.items import check_ids, report_rows
from visrec.catalogue.report import ProblemLog
from visrec.catalogue.source_table import SourceTable
from visrec.catalogue.tables import read_source
from visrec.core.ids import IdMap

__all__ = ["read_examples"]


def read_examples(
    source: str | Path | Mapping[str, str], item_ids: IdMap, pictured: npt.NDArray[np.bool_], log: ProblemLog
) -> dict[str, str]:
    """Examples that can be used.

    Args:
        source: a CSV, JSON Lines or Parquet file with columns item_id and value; or item id -> value.
        item_ids: the n_items items.
        pictured: bool (n_items,), which of them have an encoded picture.
        log: where bad rows go; of rows that repeat an item the last counts.

    Returns:
        Item id -> value, without blanks around it.

    Raises:
        InputError: when the file cannot be used as a whole.
    """
    table = _of_mapping(source) if isinstance(source, Mapping) else read_source(Path(source), ("item_id", "value"))
    table = table.select(check_ids(table, "item_id", log))
    values = [(value or "").strip() for value in table.text("value").to_pylist()]
    ids = table.table.column("item_id").to_pylist()
    rows = item_ids.rows(ids)
    last = {item_id: place for place, item_id in enumerate(ids) if values[place]}
    reasons: dict[str, list[int]] = {}
    examples: dict[str, str] = {}
    for place, (item_id, value, row) in enumerate(zip(ids, values, rows.tolist(), strict=True)):
        reason = _reason(value, row, pictured, last.get(item_id) != place)
        if reason:
            reasons.setdefault(reason, []).append(place)
        else:
            examples[item_id] = value
    for reason, places in reasons.items():
        report_rows(table, np.array(places, dtype=np.int64), reason, log, "value")
    return examples


def _reason(value: str, row: int, pictured: npt.NDArray[np.bool_], repeated: bool) -> str:
    if row < 0:
        return "unknown item_id"
    if not value:
        return "no value"
    if not pictured[row]:
        return "the item has no encoded picture"
    return "item_id repeated further down, where the last row counts" if repeated else ""


def _of_mapping(examples: Mapping[str, str]) -> SourceTable:
    columns = {"item_id": list(map(str, examples)), "value": list(map(str, examples.values()))}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return SourceTable(Path("examples"), table, False, lambda: np.arange(1, len(table) + 1, dtype=np.int64))
