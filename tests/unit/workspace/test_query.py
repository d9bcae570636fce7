"""A query by examples: items, pictures and embeddings with weights, one by one and many at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from visrec.core.errors import InputError, NotFoundError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.list_options import ListOptions
from visrec.recommenders.content_knn import ContentKNN
from visrec.retrieval.plan import ListPlan
from visrec.workspace.examples import Example, ExampleTable, Query, common_block, weighted
from visrec.workspace.query import ExampleQueries, NeighbourModels
from visrec.workspace.settings import WorkspaceSettings


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


@pytest.mark.parametrize(
    ("present", "examples", "block"),
    [
        ({}, [0, 1], "image"),
        ({"image": [True, False, True]}, [0, 2], "image"),
        ({"image": [True, False, True]}, [0, 1], "text"),
        ({"image": [False] * 3}, [0, 1], "text"),
        ({"image": [True, False, True], "text": [False, True, True]}, [0, 1], "category"),
    ],
)
def test_the_first_block_that_all_examples_have_decides(present, examples, block):
    assert common_block(catalogue(**present), examples) == block


def test_examples_with_nothing_in_common_cannot_be_compared():
    items = catalogue(image=[True, False, True], text=[False, True, True], category=[False] * 3)
    with pytest.raises(UnsupportedError, match="nothing in common"):
        common_block(items, [0, 1])


# ------------------------------------------------------------------ examples


def table(items, **pictures):
    def embed(source, settings):
        return np.array(pictures[str(source)], np.float32)

    reader = SimpleNamespace(embed=embed)
    return ExampleTable(items, reader, WorkspaceSettings(image_encoder="some-encoder"), Path("shop"))


def test_examples_are_rows_of_features_each_item_once():
    items = catalogue(text=[True, True, False])
    examples = table(items, **{"a.png": [3, 4], "b'bytes'": [0, 2]})
    sources = ["b", Path("a.png"), "b", "picture 0", b"bytes", [0.0, -3.0], np.array([5.0, 0])]
    assert [examples.add(Example(source)) for source in sources] == [0, 1, 0, 2, 3, 4, 5]
    assert examples.item_rows.tolist() == [1, -1, 2, -1, -1, -1]
    features = examples.features()
    np.testing.assert_allclose(
        features.blocks["image"].matrix, [[-1, 0], [0.6, 0.8], [0.9, 0.1], [0, 1], [0, -1], [1, 0]], atol=1e-7
    )
    assert features.blocks["image"].present.all()
    assert features.blocks["text"].present.tolist() == [True, False, False, False, False, False]
    assert not features.blocks["text"].matrix[1:].any()
    assert (features.blocks["image"].origin, features.blocks["category"].labels) == ("image set", ("c=a", "c=b"))
    assert items.blocks["image"].matrix.shape == (3, 2)


WRONG = [[], [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [np.nan, 1.0], [np.inf, 1.0], [0.0, 0.0], ["x", "y"], [[1], []]]


@pytest.mark.parametrize("vector", WRONG)
def test_an_embedding_is_as_long_as_the_encoders(vector):
    with pytest.raises(InputError, match="embedding as 2"):
        table(catalogue()).add(Example(vector))


def test_without_embedded_pictures_no_embedding_can_be_compared():
    with pytest.raises(UnsupportedError, match="visrec encode"):
        table(catalogue(image=[False] * 3)).add(Example([1.0, 0.0]))


def test_an_unknown_item_is_named():
    with pytest.raises(NotFoundError, match="'none'"):
        table(catalogue()).add(Example("none"))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_is_above_0(weight):
    with pytest.raises(InputError, match="weight"):
        Example("a", weight)


def test_weights_have_the_sign_of_their_side_and_the_last_of_a_repeated_example_counts():
    query = Query(["a", Example("b", 2.5), Example("a", 0.5)], [Example([1.0], 3.0), [1.0]])
    assert [weight for _, weight in weighted(query)] == [0.5, 2.5, -3.0, -1.0]


@pytest.mark.parametrize(
    ("query", "message"),
    [(Query(), "at least one"), (Query(["a"], ["b", "a"]), "'a' as both"), (Query([Path("p")], [Path("p")]), "'p' as")],
)
def test_a_query_has_examples_on_one_side_each(query, message):
    with pytest.raises(InputError, match=message):
        weighted(query)


# ------------------------------------------------------------------ lists


def lists(queries, k=3, items=None, **options):
    plan = ListPlan(ListOptions(k, **options))
    reader = SimpleNamespace(embed=lambda source, settings: np.array([1.0, 0.0], np.float32))
    return ExampleQueries(Path("shop"), reader).rank(items or catalogue(), WorkspaceSettings(), queries, lambda: plan)


def test_examples_are_left_out_unless_asked_for():
    (found,) = lists([Query(["a"])])
    assert (found.item_ids, found.user_id, found.note) == (["picture 0", "b"], None, "")
    (found,) = lists([Query(["a"])], exclude_seen=False)
    assert found.item_ids == ["a", "picture 0", "b"]


def test_a_picture_and_its_embedding_and_its_item_are_one_example():
    by_picture, by_vector, by_item = lists([Query([b"x"]), Query([[2.0, 0.0]]), Query(["a"])], exclude_seen=False)
    assert by_picture == by_vector == by_item
    assert by_picture.item_ids[0] == "a"


def test_many_queries_are_answered_as_each_alone(monkeypatch):
    items = catalogue(image=[True, False, True])
    queries = [Query(["a"], ["picture 0"]), Query(["b"]), Query([], ["a"]), Query(["picture 0", Example("a", 3.0)])]
    asked = []
    score = ContentKNN.score_examples
    monkeypatch.setattr(ContentKNN, "score_examples", lambda *all: asked.append(all[1].shape[0]) or score(*all))
    together = lists(queries, items=items, exclude_seen=False)
    assert asked == [3, 1]
    assert together == [lists([query], items=items, exclude_seen=False)[0] for query in queries]
    assert [found.items[0].source for found in together] == ["visual", "text", "visual", "visual"]
    assert "compared by text" in together[1].note
    assert "nothing liked" in together[2].note


def test_scores_are_those_of_a_history_of_the_same_weights():
    items = catalogue()
    histories = Histories.from_events(
        IdMap([""]), 3, np.zeros(2, np.int64), np.array([0, 1], np.int32), np.array([2.5, -1], np.float32), np.arange(2)
    )
    expected = NeighbourModels(items).of("image").score(histories, items).values[0]
    (found,) = lists([Query([Example("a", 2.5)], ["b"])], exclude_seen=False)
    scores = {item.item_id: item.score for item in found.items}
    np.testing.assert_allclose([scores[name] for name in items.item_ids], expected, rtol=1e-6)


def test_a_model_is_fitted_once_on_the_items_alone():
    models = NeighbourModels(catalogue())
    assert models.of("text") is models.of("text")
