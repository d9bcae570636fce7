"""SQL filters over the items."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from visrec.core.errors import FilterError

if TYPE_CHECKING:
    import lance

__all__ = ["check_filter", "filter_item_ids", "names_in", "with_columns"]

_TEXT = re.compile(r"'(?:[^']|'')*'")
_IN_BACKTICKS = re.compile(r"`[^`]*`")
_IN_DOUBLE_QUOTES = re.compile(r'"[^"]*"')
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_TRAIL = re.compile(r",? /[^ ]*\.rs:\d+:\d+")
#: Lance stops reading at `;` and at `--`, and its planner aborts on placeholders.
_FORBIDDEN = (";", "--", "/*", "$", "?")


def filter_item_ids(items: lance.LanceDataset, where: str) -> list[str]:
    """Ids of the items for which an SQL expression is true, in the catalogue's order.

    Args:
        items: the items table.
        where: such as `price < 50 and category = 'Dress'`.

    Raises:
        FilterError: when it does not parse, names no column, compares what cannot be compared, or is not a condition.
    """
    check_filter(where, items.schema)
    try:
        return items.to_table(columns=["item_id"], filter=where).column("item_id").to_pylist()
    except (ValueError, RuntimeError, pa.ArrowException) as error:
        raise FilterError(_message(where, _reason(where, str(error)), items.schema)) from error


def with_columns(items: pa.Table, more: Mapping[str, pa.Array]) -> lance.LanceDataset:
    """The items with further columns, as a table in memory that can be filtered like the stored one."""
    import lance

    for name, column in more.items():
        items = items.append_column(name, column)
    return lance.write_dataset(items, "memory://items")


def names_in(where: str) -> set[str]:
    """What may be names of columns in a filter; texts in it are none."""
    return set(re.findall(r"[^\W\d]\w*", _TEXT.sub(" ", where)))


def check_filter(where: str, schema: pa.Schema) -> None:
    """Refuse what Lance would silently take for something else.

    Raises:
        FilterError: on such a filter.
    """
    outside = _IN_BACKTICKS.sub(" ", _TEXT.sub(" ", where))
    if not where.strip():
        raise FilterError(_message(where, "it is empty", schema))
    # Lance reads "name" as a text, where SQL means the column.
    quoted = _IN_DOUBLE_QUOTES.search(outside)
    if quoted:
        name = quoted.group()[1:-1]
        advice = f"write the column as `{name}`" if name in schema.names else f"write the text as '{name}'"
        raise FilterError(_message(where, f"double quotes have no meaning here: {advice}", schema))
    for mark in _FORBIDDEN:
        if mark in outside:
            raise FilterError(_message(where, f"{mark!r} has no meaning here", schema))


def _reason(where: str, error: str) -> str:
    """Lance's words without its wrapping."""
    text = _TRAIL.sub("", error.replace(f"Error resolving filter expression {where}: ", "").split("\n")[0])
    for prefix in ("External error: ", "Query Execution error: ", "Invalid user input: ", "Schema error: "):
        text = text.replace(prefix, "")
    text = text.split(" Valid fields are ")[0]
    text = re.sub(r"Error parsing statement: SELECT 1 FROM t WHERE .*?\((sql parser error: )?", "", text, flags=re.S)
    text = text.replace("Error applying filter expression to batch: ", "").replace("Arrow error: ", "")
    return text.strip().rstrip(").").strip() or "it cannot be evaluated"


def _message(where: str, reason: str, schema: pa.Schema) -> str:
    columns = ", ".join(f"{_written(field.name)} ({field.type})" for field in schema)
    text = f"Filter {where!r}: {reason}. Columns: {columns}. Example: {_example(schema)}"
    if any(pa.types.is_date(field.type) or pa.types.is_timestamp(field.type) for field in schema):
        text += ". Dates are written date '2024-01-31', times timestamp '2024-01-31 12:00:00'"
    return text


def _written(name: str) -> str:
    return name if _PLAIN_NAME.match(name) else f"`{name}`"


def _example(schema: pa.Schema) -> str:
    number = next((f for f in schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)), None)
    text = next((f for f in schema if pa.types.is_string(f.type) and f.name != "item_id"), None)
    parts = []
    if number is not None:
        parts.append(f"{_written(number.name)} < 50")
    if text is not None:
        parts.append(f"{_written(text.name)} = 'Dress'")
    return " and ".join(parts) or "item_id in ('1', '2')"
