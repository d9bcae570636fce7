"""What a shop's own columns are taken for, and what they say as features."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from visrec.workspace.columns import category_block, category_columns, text_columns, texts, title_column

R2 = 1 / np.sqrt(2)


def repeated(*values, times=6):
    return list(values) * times


# ------------------------------------------------------------------ which columns


def test_text_is_known_by_name_or_by_length():
    table = pa.table(
        {
            "item_id": ["i" * 50, "j" * 50],
            "Title": ["a", "b"],
            "DESCRIPTION": ["a", None],
            "notes": ["x" * 41, "x" * 41],
            "remarks": ["x" * 60, "x" * 20],  # 40 on average: not above
            "story": ["x" * 90, None],  # what is missing does not shorten the average
            "colour": ["red", "blue"],
            "empty": pa.array([None, None], pa.string()),
            "image_url": ["x" * 80, "x" * 80],
            "price": [1.0, 2.0],
        }
    )
    assert text_columns(table) == ["Title", "DESCRIPTION", "notes", "story"]


def test_length_is_counted_in_characters_not_bytes():
    table = pa.table({"产地": ["中" * 20, "国" * 20], "说明": ["这" * 41, "是" * 41]})
    assert text_columns(table) == ["说明"]


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        (repeated("Dress", "Shoe"), True),
        (repeated("红", "蓝", "绿", times=5), True),
        (repeated("a", "b", times=4), False),  # 8 values, 2 kinds: 4 items a kind
        (repeated("a", times=12), False),  # one value tells nothing apart
        ([f"value {n}" for n in range(12)], False),
        ([*repeated("a", "b", times=5), None, None], True),
        ([None] * 12, False),
        (repeated("a|b", "b|c", "c|a", times=2), False),  # 12 values, 3 kinds
        (repeated("a|b", "b|c", "c|a", times=3), True),
        # Blanks are no part of a value,
        (repeated("a|b", " b|c", "c |a ", times=3), True),
        # and empty pieces are no value: two kinds of 4 items, however many cells are blank.
        ([*repeated("a", "b", times=4), "", " ", "|", "", "", "", "", ""], False),
        ([*repeated("yes", times=8), "", "", "", "", "", "", ""], False),
        ([f"v{n % 400}" for n in range(2000)], True),
        ([f"v{n % 401}" for n in range(2005)], False),
    ],
)
def test_categories_are_few_and_each_is_on_several_items(values, chosen):
    table = pa.table({"item_id": list(map(str, range(len(values)))), "kind": pa.array(values, pa.string())})
    assert category_columns(table) == (["kind"] if chosen else [])


def test_flags_are_categories_and_prose_ids_and_numbers_are_not():
    table = pa.table(
        {
            "item_id": repeated("a", "b"),
            "title": repeated("Vase", "Bowl"),
            "care": repeated("x" * 50, "y" * 50),
            "image": repeated("a.jpg", "b.jpg"),
            "year": repeated(1999, 2001),
            "sale": repeated(True, None),
            "colour": pa.array(repeated("red", "blue"), pa.large_string()),
        }
    )
    assert category_columns(table) == ["sale", "colour"]


def test_no_rows_and_no_columns():
    assert category_columns(pa.table({"item_id": pa.array([], pa.string()), "c": pa.array([], pa.string())})) == []
    assert text_columns(pa.table({"item_id": ["1"]})) == []


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["item_id", "name", "title"], "title"),
        (["item_id", "Name"], "Name"),
        (["TITLE", "name"], "TITLE"),
        (["item_id", "titles"], None),
    ],
)
def test_title_column(names, title):
    assert title_column(pa.table({name: ["x"] for name in names})) == title


# ------------------------------------------------------------------ the block


def test_categories_by_hand():
    table = pa.table(
        {
            "genre": ["Drama|Comedy", "Comedy", None, " Drama | |Drama", "爱情"],
            "colour": pa.chunked_array([["navy", "red"], ["navy", "", None]]),
        }
    )
    block = category_block(table, ["genre", "colour"])
    assert block.labels == ("genre=Comedy", "genre=Drama", "genre=爱情", "colour=navy", "colour=red")
    expected = [[R2, R2, 0, 1, 0], [1, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]
    np.testing.assert_allclose(block.matrix, expected, atol=1e-7)
    assert block.matrix.dtype == np.float32
    assert block.present.tolist() == [True] * 5
    assert (block.name, block.origin) == ("category", "columns genre, colour")


def test_an_item_without_any_category_has_no_feature():
    block = category_block(pa.table({"sale": [True, None, False], "kind": ["a", "", "b|"]}), ["sale", "kind"])
    assert block.labels == ("sale=false", "sale=true", "kind=a", "kind=b")
    assert block.matrix.tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    assert block.present.tolist() == [True, False, True]


def test_the_order_of_rows_does_not_change_the_columns():
    values = ["b", "a|c", "ä", "B", "a"]
    table = pa.table({"kind": values})
    forward = category_block(table, ["kind"])
    backward = category_block(pa.table({"kind": values[::-1]}), ["kind"])
    assert forward.labels == backward.labels == ("kind=B", "kind=a", "kind=b", "kind=c", "kind=ä")
    np.testing.assert_array_equal(forward.matrix, backward.matrix[::-1])


def test_no_category_is_no_block():
    assert category_block(pa.table({"a": ["x"]}), []) is None
    assert category_block(pa.table({"a": pa.array([None, ""], pa.string())}), ["a"]) is None


# ------------------------------------------------------------------ texts


def test_texts_join_what_is_there():
    table = pa.table(
        {
            "title": [" Vase ", None, "", "碗"],
            "description": ["Blue.", "  ", None, None],
            "body": pa.array(["x", None, "", "y"], pa.large_string()),
        }
    )
    joined, keys = texts(table, ["title", "description", "body"])
    assert joined == ["Vase. Blue.. x", "", "", "碗. y"]
    assert keys == [
        hashlib.sha256(b"Vase. Blue.. x").hexdigest(),
        "",
        "",
        hashlib.sha256("碗. y".encode()).hexdigest(),
    ]


def test_texts_follow_the_order_of_the_columns():
    table = pa.table({"title": ["a"], "description": ["b"]})
    assert texts(table, ["description", "title"])[0] == ["b. a"]
    assert texts(table, ["title"])[0] == ["a"]


def test_equal_texts_have_equal_keys():
    keys = texts(pa.table({"title": ["a", "b", " a"]}), ["title"])[1]
    assert keys[0] == keys[2] != keys[1]


def test_no_text_columns():
    assert texts(pa.table({"a": ["x", "y"]}), []) == (["", ""], ["", ""])
