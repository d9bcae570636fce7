import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.protocols import Scores


def block(n=3, dim=2, name="image"):
    matrix = np.arange(n * dim, dtype=np.float32).reshape(n, dim)
    return FeatureBlock(name, matrix, np.arange(n) % 2 == 0, "made", tuple(f"c={column}" for column in range(dim)))


def test_take_takes_rows_of_everything():
    items = ItemFeatures(IdMap("abc"), {"image": block(), "text": block(3, 4, "text")})
    taken = items.take(np.array([2, 1]))
    assert list(taken.item_ids) == ["c", "b"]
    assert taken.blocks["image"].matrix.tolist() == [[4, 5], [2, 3]]
    assert taken.blocks["image"].present.tolist() == [True, False]
    assert taken.blocks["text"].matrix.tolist() == [[8, 9, 10, 11], [4, 5, 6, 7]]
    assert (taken.blocks["image"].name, taken.blocks["image"].origin) == ("image", "made")
    assert taken.blocks["image"].labels == ("c=0", "c=1")
    assert (len(items), len(taken), block().dim) == (3, 2, 2)


@pytest.mark.parametrize("matrix", [np.zeros((2, 2)), np.zeros(3)], ids=["rows", "dimensions"])
def test_a_block_has_one_row_and_one_flag_an_item(matrix):
    with pytest.raises(InputError, match="'image' as"):
        FeatureBlock("image", matrix.astype(np.float32), np.ones(3, bool), "made")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused_and_the_origin_is_named(bad):
    matrix = np.zeros((2, 2), np.float32)
    matrix[1, 0] = bad
    with pytest.raises(InputError, match=r"'text' \(bge-0123\).*NaN"):
        FeatureBlock("text", matrix, np.ones(2, bool), "bge-0123")


def test_blocks_are_as_long_as_the_items():
    with pytest.raises(InputError, match=r"Expected 4 rows in block 'image', got 3"):
        ItemFeatures(IdMap("abcd"), {"image": block()})


def test_the_values_of_scores_are_the_sum_of_their_parts():
    parts = {
        "visual": np.array([[1, 2]], np.float32),
        "text": np.array([[0.5, -1]], np.float32),
        "popular": np.array([[0.25, 0]], np.float32),
    }
    assert Scores(parts).values.tolist() == [[1.75, 1.0]]
    assert parts["visual"].tolist() == [[1, 2]]
    assert Scores({"text": parts["text"]}).values.tolist() == [[0.5, -1]]
