from __future__ import annotations

import numpy as np

from visrec.core.attributes import Attribute, AttributeColumn, first_entries, in_words, stack_columns


def column(rows, labels, confidence=0.5, amount=np.nan):
    n = len(rows)
    return AttributeColumn(
        "colours",
        ("red", "blue", "grey"),
        np.array(rows, dtype=np.int64),
        np.array(labels, dtype=np.int64),
        np.full(n, confidence, dtype=np.float32),
        np.full(n, amount, dtype=np.float32),
        several=True,
    )


def test_of_gives_what_one_item_has_in_order():
    found = column([0, 2, 2, 3], [1, 0, 2, 1], amount=0.25)
    assert found.of(2) == [Attribute("colours", "red", 0.5, 0.25), Attribute("colours", "grey", 0.5, 0.25)]
    assert found.of(1) == []
    assert found.of(9) == []
    assert column([0], [0]).of(0)[0].amount is None


def test_at_moves_entries_to_other_rows():
    moved = column([0, 1, 1], [0, 1, 2]).at(np.array([4, 7]))
    assert moved.row.tolist() == [4, 7, 7]


def test_first_entries_are_the_foremost_of_each_item():
    rows, places = first_entries(column([1, 1, 4], [0, 1, 2]))
    assert (rows.tolist(), places.tolist()) == ([1, 4], [0, 2])


def test_stacking_keeps_everything_in_order():
    both = stack_columns([column([0, 1], [0, 1]), column([5], [2])])
    assert both.row.tolist() == [0, 1, 5]
    assert both.label.tolist() == [0, 1, 2]
    assert both.several


def test_words_and_json():
    attributes = [Attribute("colour", "red", 0.81234), Attribute("colours", "red", 0.8, 0.7)]
    assert in_words(attributes) == {"colour": "red", "colours": "red"}
    assert attributes[0].to_json() == {"name": "colour", "value": "red", "confidence": 0.812}
    assert attributes[1].to_json()["amount"] == 0.7
