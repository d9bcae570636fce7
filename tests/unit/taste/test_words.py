"""Words for groups of items."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.features import FeatureBlock
from visrec.taste.profile import Word
from visrec.taste.words import Vocabulary

#: label -> the rows of 20 items that have it.
HAVE = {
    "colour=red": range(4),
    "colour=blue": range(4, 20),
    "shade=Red": [0, 1, 2, 3],
    "kind=bag": [0, 1, 4, 5],
    "kind=mug": [2, 6, 7, 8],
    "group=everything": range(20),
    "sale=true": [0, 1, 2, 9, 10, 11],
}


@pytest.fixture(scope="module")
def vocabulary():
    matrix = np.zeros((20, len(HAVE)), dtype=np.float32)
    for column, rows in enumerate(HAVE.values()):
        matrix[list(rows), column] = 1
    block = FeatureBlock("category", matrix, matrix.any(axis=1), "columns", tuple(HAVE))
    return Vocabulary(20, [block])


def words(vocabulary, rows, weights=None, **options):
    weights = np.ones(len(rows)) if weights is None else np.array(weights, dtype=float)
    return vocabulary.words(np.array(rows, dtype=np.int64), weights, **options)


def test_values_that_are_more_frequent_than_in_the_catalogue(vocabulary):
    found = words(vocabulary, [0, 1, 2])
    # share ln(share / catalogue), with one item of the catalogue: red .8 ln 4, sale .825 ln 2.75, bag .55 ln 2.75.
    assert found == (
        Word("colour", "red", 1.0, 0.2),
        Word("sale", "true", 1.0, 0.3),
        Word("kind", "bag", pytest.approx(2 / 3), 0.2),
    )
    assert [str(word) for word in found] == ["red", "sale true", "bag"]
    assert found[0].lift == pytest.approx(5)


def test_what_says_the_same_again_is_left_out(vocabulary):
    """`shade=Red` is on the very items of `colour=red`, and `group=everything` says nothing."""
    assert {"shade", "group"}.isdisjoint(word.column for word in words(vocabulary, [0, 1, 2, 3], n=9))


def test_what_the_shop_says_comes_before_what_was_recognised():
    """Each is on three of the four items, and on others of the catalogue; what was recognised is a little rarer."""
    own, seen = (np.zeros((20, 1), dtype=np.float32) for _ in range(2))
    own[[0, 1, 2, 10, 11, 12]] = 1
    seen[[1, 2, 3, 13, 14]] = 1
    blocks = [
        FeatureBlock(name, matrix, np.ones(20, dtype=bool), "some", (label,))
        for name, matrix, label in (("attribute", seen, "object=vase"), ("category", own, "kind=mug"))
    ]
    assert [word.value for word in words(Vocabulary(20, blocks), [0, 1, 2, 3])] == ["mug", "vase"]


def test_without_recognised_colours_there_is_no_palette(vocabulary):
    assert vocabulary.palette(np.array([0, 1]), np.ones(2)) == ()
    assert Vocabulary(1, []).palette(np.array([0]), np.ones(1)) == ()


def test_weights_count(vocabulary):
    light = {word.value for word in words(vocabulary, [0, 1, 4, 5, 11, 12], [0.01, 0.01, 1, 1, 1, 1])}
    assert light == {"bag"}
    heavy = {word.value for word in words(vocabulary, [0, 1, 4, 5, 11, 12], [1, 1, 0.01, 0.01, 0.01, 0.01])}
    assert heavy == {"red", "bag", "true"}


def test_a_value_of_one_item_is_no_word_of_a_group_but_of_a_single_item(vocabulary):
    assert "mug" not in {word.value for word in words(vocabulary, [2, 12])}
    assert "mug" in {word.value for word in words(vocabulary, [2])}


def test_against_another_group(vocabulary):
    liked = (np.array([0, 1]), np.ones(2))
    assert {word.value for word in words(vocabulary, [4, 5])} == {"bag"}
    assert words(vocabulary, [4, 5], against=liked) == ()
    nothing = (np.zeros(0, dtype=np.int64), np.zeros(0))
    assert words(vocabulary, [4, 5], against=nothing) == words(vocabulary, [4, 5])


def test_no_more_than_wanted_and_none_where_there_is_nothing(vocabulary):
    assert len(words(vocabulary, [0, 1, 2], n=1)) == 1
    assert words(vocabulary, []) == ()
    assert words(Vocabulary(1, []), [0]) == ()


def test_of_what_was_recognised_an_item_has_as_much_as_the_number_says(vocabulary):
    """Three items of 20 show navy, to .6 each, and one shows a trace of it."""
    matrix = np.zeros((20, 2), dtype=np.float32)
    matrix[[0, 1, 2], 0] = 0.6
    matrix[3, 0] = 0.05
    matrix[:, 1] = 0.3
    seen = FeatureBlock("attribute", matrix, np.ones(20, dtype=bool), "recognition", ("colours=navy", "colours=grey"))
    image = FeatureBlock("image", np.ones((20, 3), dtype=np.float32), np.ones(20, dtype=bool), "encoder")
    found = words(Vocabulary(20, [image, seen]), [0, 1, 3])
    assert found == (Word("colours", "navy", pytest.approx(1.25 / 3), pytest.approx(1.85 / 20)),)
    shown = Vocabulary(20, [seen]).palette(np.array([0, 1, 3]), np.ones(3))
    assert shown == (
        Word("colours", "navy", pytest.approx(1.25 / 3), pytest.approx(1.85 / 20)),
        Word("colours", "grey", pytest.approx(0.3), pytest.approx(0.3)),
    )
    # Of two items only one has more than a trace.
    assert words(Vocabulary(20, [seen]), [0, 3]) == ()
