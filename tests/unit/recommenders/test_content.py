"""Feature blocks made comparable."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.content import ContentSpace, PerItems


def items_with(matrix, labels=(), origin="made", present=None, name="category"):
    matrix = np.array(matrix, dtype=np.float32)
    present = np.ones(len(matrix), bool) if present is None else np.array(present)
    block = FeatureBlock(name, matrix, present, origin, tuple(labels))
    return ItemFeatures(IdMap(map(str, range(len(matrix)))), {name: block})


def test_rows_are_centred_on_those_that_are_there_and_of_length_1(items_of):
    # The mean of the two that are there is (2, 1).
    items = items_of({"image": [[5.0, 5.0], None, [-1.0, -3.0]]})
    rows = ContentSpace.fit(items, ("image",)).transform(items)["image"]
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [-0.6, -0.8]], atol=1e-7)
    assert rows.dtype == np.float32


def test_new_items_are_centred_on_the_mean_of_training(items_of):
    space = ContentSpace.fit(items_of({"image": [[5.0, 5.0], [-1.0, -3.0]]}), ("image",))
    rows = space.transform(items_of({"image": [[2.0, 9.0], [2.0, 1.0]]}))["image"]
    np.testing.assert_allclose(rows, [[0, 1], [0, 0]], atol=1e-7)


def test_only_blocks_that_are_named_and_there_are_taken(items_of):
    items = items_of({"image": [[1.0], [2.0]], "text": [[1.0], [3.0]], "category": [[1.0], [2.0]]})
    assert ContentSpace.fit(items, ("image", "category", "sound")).names == ("image", "category")
    nobody = items_with([[0.0], [0.0]], present=[False, False])
    assert ContentSpace.fit(nobody, ("category",)).names == ()


def test_a_block_that_is_gone_is_zero(items_of):
    space = ContentSpace.fit(items_of({"image": [[1.0, 0.0], [2.0, 0.0]]}), ("image",))
    rows = space.transform(ItemFeatures(IdMap("abc")))["image"]
    assert rows.shape == (3, 2)
    assert not rows.any()


# Four items, mean (1/2, 1/4, 1/4).
TRAINING = items_with([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], ["c=a", "c=b", "c=d"], "columns c")


def unit(*row):
    return np.array(row) / np.linalg.norm(row)


def test_a_vocabulary_that_grew_is_put_in_trainings_order():
    space = ContentSpace.fit(TRAINING, ("category",))
    grown = items_with([[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], ["b=x", "c=a", "c=c", "c=d", "e=y"], "columns b, c, e")
    rows = space.transform(grown)["category"]
    np.testing.assert_allclose(rows, [unit(0.5, -0.25, -0.25), unit(-0.5, -0.25, 0.75)], atol=1e-6)


def test_a_vocabulary_that_shrank_leaves_zeros_before_centring():
    space = ContentSpace.fit(TRAINING, ("category",))
    rows = space.transform(items_with([[1.0], [0.0]], ["c=b"], "columns c", [True, False]))["category"]
    np.testing.assert_allclose(rows, [unit(-0.5, 0.75, -0.25), [0, 0, 0]], atol=1e-6)


def test_an_item_with_only_values_that_training_never_saw_says_nothing():
    space = ContentSpace.fit(TRAINING, ("category",))
    rows = space.transform(items_with([[0, 1], [1, 0]], ["c=a", "c=new"], "columns c"))["category"]
    np.testing.assert_allclose(rows, [[0, 0, 0], unit(0.5, -0.25, -0.25)], atol=1e-6)


def test_the_same_values_from_one_more_column_are_the_same_values():
    space = ContentSpace.fit(TRAINING, ("category",))
    block = TRAINING.blocks["category"]
    renamed = items_with(block.matrix, block.labels, "columns c, empty")
    np.testing.assert_array_equal(space.transform(renamed)["category"], space.transform(TRAINING)["category"])


def test_values_in_another_order_are_the_same_values():
    space = ContentSpace.fit(TRAINING, ("category",))
    matrix = TRAINING.blocks["category"].matrix
    turned = items_with(matrix[:, [2, 0, 1]], ["c=d", "c=a", "c=b"], "columns c")
    np.testing.assert_array_equal(space.transform(turned)["category"], space.transform(TRAINING)["category"])


@pytest.mark.parametrize(
    "other",
    [
        items_with([[1.0, 2.0]], origin="clip-0123", name="image"),
        items_with([[1.0, 2.0, 3.0]], origin="lite0-4567", name="image"),
        items_with([[1.0, 2.0]], ["a", "b"], origin="lite0-4567", name="image"),
    ],
    ids=["another origin", "another length", "with labels"],
)
def test_embeddings_of_another_encoder_are_refused(other):
    space = ContentSpace.fit(items_with([[1.0, 0.0], [0.0, 1.0]], origin="lite0-4567", name="image"), ("image",))
    with pytest.raises(InputError, match=r"lite0-4567 \(2 columns\).*Train again"):
        space.transform(other)


def test_saved_and_loaded_spaces_agree(items_of):
    space = ContentSpace.fit(TRAINING, ("category",))
    loaded = ContentSpace.load_state(*space.state())
    np.testing.assert_array_equal(loaded.transform(TRAINING)["category"], space.transform(TRAINING)["category"])
    with pytest.raises(KeyError):
        ContentSpace.load_state(space.state()[0], {})


def test_per_items_derives_once_for_the_same_items_and_anew_for_equal_ones(items_of):
    calls = []
    remember = PerItems(lambda items: calls.append(len(items)) or len(calls))
    first, second = items_of({"image": [[1.0]]}), items_of({"image": [[1.0]]})
    assert [remember(first), remember(first), remember(second), remember(second), remember(first)] == [1, 1, 2, 2, 3]


def test_per_items_does_not_mistake_new_items_for_those_that_are_gone(items_of):
    remember = PerItems(len)
    for n in range(1, 30):
        items = items_of({"image": [[1.0]] * n})
        assert remember(items) == n
        del items
        gc.collect(0)
