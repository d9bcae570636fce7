"""Values to filter by: how many items have each, and the condition that selects them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from visrec.core.attributes import AttributeColumn
from visrec.core.errors import NotFoundError
from visrec.workspace.columns import category_columns
from visrec.workspace.workspace import Workspace

__all__ = ["Facet", "FacetValue", "facet", "facet_names"]

#: Attributes that people filter by.
_ATTRIBUTES = ("colour", "colours", "pattern", "group", "kind")


class FacetValue(BaseModel):
    """A value, how many items have it, and the condition that selects them."""

    value: str
    items: int
    where: str


@dataclass(frozen=True)
class Facet:
    """One column or attribute to filter by.

    Attributes:
        name: of the column, or of the attribute.
        values: list<string> (n_items,); an item may have none, one or several.
        separated: whether a value of the column holds several, separated by "|".
        listed: whether it is an attribute of several values.
    """

    name: str
    values: pa.ListArray
    separated: bool
    listed: bool

    def counts(self, rows: list[int] | None, most: int) -> list[FacetValue]:
        """The most frequent values among some items (None: all), each with its `where`."""
        values = self.values if rows is None else self.values.take(pa.array(rows, pa.int64()))
        counted = pc.value_counts(pc.list_flatten(values)).to_pylist()
        counted.sort(key=lambda one: (-one["counts"], one["values"]))
        most_frequent = ((one["values"], one["counts"]) for one in counted[:most])
        return [FacetValue(value=value, items=n, where=self.where(value)) for value, n in most_frequent]

    def where(self, value: str) -> str:
        """The condition that is true for items with a value."""
        text = value.replace("'", "''")
        if self.listed:
            return f"array_has({self.name}, '{text}')"
        if self.separated:
            pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            return f"concat('|', `{self.name}`, '|') LIKE '%|{pattern}|%'"
        return f"`{self.name}` = '{text}'"


def facet_names(shop: Workspace) -> list[str]:
    """Columns whose values repeat, then what was recognized."""
    items, seen = shop.catalogue.items(), shop.attributes.columns()
    text = [name for name in category_columns(items) if pa.types.is_string(items.schema.field(name).type)]
    return [*text, *(name for name in _ATTRIBUTES if name in seen and name not in text)]


def facet(shop: Workspace, name: str) -> Facet:
    """One column or attribute to filter by.

    Raises:
        NotFoundError: when there is none of that name.
    """
    items = shop.catalogue.items()
    if name in items.column_names and pa.types.is_string(items.schema.field(name).type):
        cells = items.column(name).combine_chunks()
        separated = bool(pc.any(pc.match_substring(cells, "|")).as_py())
        lists = pc.split_pattern(cells, "|") if separated else pc.split_pattern(cells, "\0")
        return Facet(name, lists, separated, False)
    seen = shop.attributes.columns()
    if name in seen:
        return Facet(name, _lists(seen[name], len(items)), False, seen[name].several)
    there = ", ".join(facet_names(shop)) or "none"
    raise NotFoundError(f"There is no column of texts and no attribute {name!r} to count (there are: {there}).")


def _lists(column: AttributeColumn, n_items: int) -> pa.ListArray:
    offsets = np.searchsorted(column.row, np.arange(n_items + 1)).astype(np.int32)
    labels = pa.array(list(column.labels), pa.string()).take(pa.array(column.label))
    return pa.ListArray.from_arrays(pa.array(offsets), labels)
