"""A query by examples as a history."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.errors import UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.workspace.query import NeighbourModels, example_history, with_pictures


def catalogue(**present):
    """Three items; in every block the third resembles the first. `present` overrides who has a block."""
    rows = np.array([[1, 0], [-1, 0], [0.9, 0.1]], dtype=np.float32)
    blocks = {}
    for name in ("image", "text", "category"):
        there = np.array(present.get(name, [True] * 3))
        if there.any():
            labels = ("c=a", "c=b") if name == "category" else ()
            blocks[name] = FeatureBlock(name, rows * there[:, None], there, f"{name} set", labels)
    return ItemFeatures(IdMap(["a", "b", "picture 0"]), blocks)


def test_examples_are_one_history_in_the_order_given():
    history = example_history([2, 0, 2], [1.0, -1.0, 0.5], 5)
    assert (len(history), history.n_items, list(history.user_ids)) == (1, 5, [""])
    assert history.item_index.tolist() == [2, 0, 2]
    assert history.weight.tolist() == [1.0, -1.0, 0.5]
    assert history.matrix().toarray().tolist() == [[-1.0, 0, 0.5, 0, 0]]


def test_pictures_are_items_behind_the_items():
    items = catalogue()
    extended = with_pictures(items, [np.array([3.0, 4.0], np.float32), np.array([0.0, 2.0], np.float32)])
    assert list(extended.item_ids)[:3] == list(items.item_ids)
    assert len(extended) == len(set(extended.item_ids)) == 5
    image = extended.blocks["image"]
    np.testing.assert_allclose(image.matrix[3:], [[0.6, 0.8], [0, 1]], atol=1e-7)
    np.testing.assert_array_equal(image.matrix[:3], items.blocks["image"].matrix)
    assert image.present.tolist() == [True] * 5
    assert image.origin == "image set"
    for name in ("text", "category"):
        assert extended.blocks[name].present.tolist() == [True] * 3 + [False] * 2
        assert not extended.blocks[name].matrix[3:].any()
    assert extended.blocks["category"].labels == ("c=a", "c=b")


def test_without_pictures_the_items_are_the_same_object():
    items = catalogue()
    assert with_pictures(items, []) is items


@pytest.mark.parametrize(
    ("present", "examples", "model"),
    [
        ({}, [0, 1], "visual-knn"),
        ({"image": [True, False, True]}, [0, 2], "visual-knn"),
        ({"image": [True, False, True]}, [0, 1], "text-knn"),
        ({"image": [False] * 3}, [0, 1], "text-knn"),
        ({"image": [True, False, True], "text": [False, True, True]}, [0, 1], "category-knn"),
    ],
)
def test_the_first_block_that_all_examples_have_decides(present, examples, model):
    items = catalogue(**present)
    assert NeighbourModels(items).for_examples(items, np.array(examples, np.int32)).id == model


def test_examples_with_nothing_in_common_cannot_be_compared():
    items = catalogue(image=[True, False, True], text=[False, True, True], category=[False] * 3)
    with pytest.raises(UnsupportedError, match="nothing in common"):
        NeighbourModels(items).for_examples(items, np.array([0, 1], np.int32))


def test_a_model_is_fitted_once_on_the_items_alone():
    items = catalogue()
    models = NeighbourModels(items)
    first = models.for_examples(items, np.array([0], np.int32))
    picture = with_pictures(items, [np.array([1.0, 0.0], np.float32)])
    assert models.for_examples(picture, np.array([3], np.int32)) is first
    scores = first.score(example_history([3], [1.0], 4), picture).values[0]
    assert np.argsort(-scores)[:3].tolist() == [0, 3, 2]
    assert scores[1] == 0
