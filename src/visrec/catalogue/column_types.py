"""Types of the shop's own columns: found in text, and reconciled between one ingest and the next."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from visrec.core.errors import InputError

__all__ = ["cast_column", "check_storable", "common_type", "infer_text_column", "plain_type"]

#: Words that mean "no value" in a column that otherwise holds numbers, dates or truth values.
MISSING_WORDS = ("NA", "N/A", "n/a", "#N/A", "nan", "NaN", "null", "NULL", "None")

_WHOLE = r"^-?(0|[1-9]\d{0,17})$"
_NUMBER = r"^-?((0|[1-9]\d{0,17})(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
_TRUTH = r"^(true|false|True|False|TRUE|FALSE)$"
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"
_TIME_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$"
_CANDIDATES: tuple[tuple[str, pa.DataType], ...] = (
    (_WHOLE, pa.int64()),
    (_NUMBER, pa.float64()),
    (_TRUTH, pa.bool_()),
    (_DATE, pa.date32()),
    (_TIME, pa.timestamp("us")),
    (_TIME_ZONED, pa.timestamp("us", "UTC")),
)
_MOSTLY = 0.9


def infer_text_column(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str | None]:
    """Give a column of text the type that all its values have; text when they have none in common.

    Numbers with leading zeros ("0108775") and of more than 18 digits are codes, and stay text.

    Args:
        column: string (n,), null where empty.

    Returns:
        The column, and a remark when one or a few values kept it from being numeric.
    """
    if column.null_count == len(column):
        return column, None
    words = pc.if_else(pc.is_in(column, pa.array(MISSING_WORDS)), pa.scalar(None, pa.string()), column)
    n_given = len(words) - words.null_count
    if n_given == 0:
        return column, None
    for pattern, kind in _CANDIDATES:
        n_matching = pc.sum(pc.match_substring_regex(words, pattern)).as_py()
        if n_matching == n_given:
            try:
                return words.cast(kind), None
            except pa.ArrowInvalid:
                # Such as 30 February: it looks like a date and is none.
                return column, None
        if kind == pa.float64() and n_matching >= _MOSTLY * n_given:
            return column, _odd_one_out(words, pattern, n_given - n_matching)
    return column, None


def _odd_one_out(words: pa.ChunkedArray, pattern: str, n: int) -> str:
    given = words.drop_null()
    example = given.filter(pc.invert(pc.match_substring_regex(given, pattern)))[0].as_py()
    return f"holds numbers but for {n:,} of them, such as {example[:40]!r}: kept as text"


def plain_type(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values with the one type that the catalogue uses for their kind (string, not large_string, …)."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain_type(column.cast(kind.value_type))
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def check_storable(name: str, kind: pa.DataType) -> None:
    """Refuse what tables cannot hold: objects in which no row has a value.

    Raises:
        InputError: naming the column.
    """
    if pa.types.is_struct(kind) and kind.num_fields == 0:
        raise InputError(
            f"Expected column {name!r} to hold texts, numbers, lists, or objects with a field, got an object without "
            "any. Leave it out, or give null. Nothing was changed."
        )
    for number in range(kind.num_fields):
        check_storable(name, kind.field(number).type)


def common_type(name: str, old: pa.DataType, new: pa.DataType) -> pa.DataType:
    """The type that holds the values of both.

    Args:
        name: the column, for the error.
        old: its type in the catalogue.
        new: its type in the file.

    Raises:
        InputError: when there is none.
    """
    if old == new:
        return old
    try:
        schemas = [pa.schema([pa.field(name, kind)]) for kind in (old, new)]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowTypeError:
        pass
    if pa.types.is_date(old) and pa.types.is_timestamp(new):
        return new
    if pa.types.is_timestamp(old) and pa.types.is_date(new):
        return old
    if pa.types.is_primitive(old) or pa.types.is_primitive(new) or pa.types.is_decimal(old) or pa.types.is_decimal(new):
        if not (
            pa.types.is_nested(old) or pa.types.is_nested(new) or pa.types.is_binary(old) or pa.types.is_binary(new)
        ):
            return pa.string()
    raise InputError(
        f"Expected column {name!r} as {old}, as the catalogue has it, got {new}. "
        "Give the new column another name, or convert it. Nothing was changed."
    )


def cast_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The column as another type that `common_type` found."""
    if column.type == kind:
        return column
    if pa.types.is_timestamp(kind) and kind.tz and pa.types.is_date(column.type):
        return column.cast(pa.timestamp(kind.unit)).cast(kind)
    return column.cast(kind, safe=not pa.types.is_floating(kind))
