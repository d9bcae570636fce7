"""Which of a shop's own columns are text to read and which are categories, and what they say as features."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.core.features import FeatureBlock

__all__ = ["category_block", "category_columns", "text_columns", "texts", "title_column"]

#: Columns of these names are text whatever they hold; the first two are shown as titles.
_TEXT_NAMES = ("title", "name", "description", "text", "summary", "caption", "plot", "body")
#: Columns that say where a picture or a page is, or that are ids.
_NOT_CONTENT = ("item_id", "image", "images", "image_url", "url", "link", "path")
_MAX_CATEGORIES = 400
_MIN_ITEMS_PER_CATEGORY = 5
_LONG_TEXT = 40


def title_column(items: pa.Table) -> str | None:
    """The column to show beside an item's id: `title` or `name`, in any case of letters."""
    by_name = {name.lower(): name for name in items.column_names}
    return by_name.get("title") or by_name.get("name")


def text_columns(items: pa.Table) -> list[str]:
    """String columns that hold prose: by name, or because their values are long on average."""
    chosen = []
    for name in _string_columns(items):
        mean_length = pc.mean(pc.utf8_length(items.column(name))).as_py() or 0.0
        if name.lower() in _TEXT_NAMES or mean_length > _LONG_TEXT:
            chosen.append(name)
    return chosen


def category_columns(items: pa.Table) -> list[str]:
    """String and boolean columns whose values repeat: few of them, each on several items.

    A value may be several categories separated by "|".
    """
    prose = set(text_columns(items))
    chosen = [name for name in items.column_names if pa.types.is_boolean(items.schema.field(name).type)]
    for name in _string_columns(items):
        if name in prose:
            continue
        values = pc.utf8_trim_whitespace(pc.list_flatten(pc.split_pattern(items.column(name).drop_null(), "|")))
        values = values.filter(pc.not_equal(values, ""))
        n_distinct = pc.count_distinct(values).as_py()
        if 2 <= n_distinct <= _MAX_CATEGORIES and len(values) >= n_distinct * _MIN_ITEMS_PER_CATEGORY:
            chosen.append(name)
    return chosen


def category_block(items: pa.Table, columns: list[str]) -> FeatureBlock | None:
    """The categories as features: each column a unit-length share of the row; None without any category.

    Returns:
        Block "category", float32 (n_items, n_categories), labels "column=value".
    """
    parts: list[npt.NDArray[np.float32]] = []
    labels: list[str] = []
    for name in columns:
        part, values = _multi_hot(items.column(name))
        parts.append(part)
        labels.extend(f"{name}={value}" for value in values)
    if not labels:
        return None
    matrix = np.concatenate(parts, axis=1)
    return FeatureBlock("category", matrix, np.any(matrix > 0, axis=1), "columns " + ", ".join(columns), tuple(labels))


def texts(items: pa.Table, columns: list[str]) -> tuple[list[str], list[str]]:
    """One text an item, the columns joined by ". ", and its content hash; "" for an item without text.

    Returns:
        Texts and sha256 hex keys, n_items each; the key of an empty text is "".
    """
    if not columns:
        return [""] * len(items), [""] * len(items)
    filled = [pc.utf8_trim_whitespace(items.column(name).cast(pa.string()).fill_null("")) for name in columns]
    filled = [pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column) for column in filled]
    # pyarrow drops a row in which every part is null: an empty first part keeps it, and is cut off again.
    joined = pc.binary_join_element_wise(pa.scalar(""), *filled, ". ", null_handling="skip")
    joined = pc.utf8_slice_codeunits(joined, len(". ")).to_pylist()
    return joined, [hashlib.sha256(text.encode()).hexdigest() if text else "" for text in joined]


def _string_columns(items: pa.Table) -> list[str]:
    return [
        field.name
        for field in items.schema
        if (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
        and field.name.lower() not in _NOT_CONTENT
    ]


def _multi_hot(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float32], list[str]]:
    text = column.cast(pa.string()).fill_null("").combine_chunks()
    lists = pc.split_pattern(text, "|")
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    values = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    encoded = values.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    matrix = np.zeros((len(column), len(names)), dtype=np.float32)
    matrix[rows, rank[encoded.indices.to_numpy(zero_copy_only=False)]] = 1.0
    kept = [position for position, place in enumerate(order) if names[place]]
    matrix = matrix[:, kept]
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return matrix, [names[order[position]] for position in kept]
