"""Tables of the catalogue made into arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from visrec.catalogue.features import FeatureStore
from visrec.core.ids import IdMap
from visrec.core.protocols import EncoderInfo
from visrec.core.settings import FeedbackRules
from visrec.workspace.assemble import image_block, interaction_weights, make_histories, text_block

SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("kind", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)


def log(*rows):
    """(user_id, item_id, kind, value, timestamp) each."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def rated(*values):
    return log(*((f"u{n}", "i", "rate", value, n) for n, value in enumerate(values)))


# ------------------------------------------------------------------ weights


def test_kinds_weigh_what_the_rules_say():
    table = log(
        *(("u", "i", kind, None, n) for n, kind in enumerate(["buy", "view", "skip", "stare", "dislike", "view"]))
    )
    weights = interaction_weights(table, FeedbackRules())
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [1.0, 0.3, -0.2, 1.0, -1.0, 0.3], rtol=1e-6)
    rules = FeedbackRules(kind_weights={"stare": 0.1, "buy": 0.0})
    np.testing.assert_allclose(interaction_weights(table, rules), [0, 1, 1, 0.1, 1, 1], rtol=1e-6)


def test_high_ratings_speak_louder_by_hand():
    # Over the range 1 … 5: 1 -> 0.8, 2 -> 0.9, 3 -> 1, 5 -> 1.2.
    np.testing.assert_allclose(interaction_weights(rated(1, 2, 3, 5), FeedbackRules()), [0.8, 0.9, 1.0, 1.2], rtol=1e-6)
    louder = FeedbackRules(value_influence=0.5)
    np.testing.assert_allclose(interaction_weights(rated(1, 2, 3, 5), louder), [0.5, 0.75, 1.0, 1.5], rtol=1e-6)
    np.testing.assert_allclose(interaction_weights(rated(1, 2, 3, 5), FeedbackRules(value_influence=0)), 1.0)


@pytest.mark.parametrize("values", [(4.0, 4.0), (4.0,), (None, None)])
def test_ratings_without_a_range_all_weigh_the_same(values):
    assert interaction_weights(rated(*values), FeedbackRules()).tolist() == [1.0] * len(values)


def test_only_ratings_are_compared_with_ratings():
    # The 100 pieces that somebody bought do not shrink the range of the ratings, and weigh as one purchase.
    table = log(
        ("u", "a", "rate", 1.0, 0), ("u", "b", "buy", 100.0, 1), ("u", "c", "rate", 5.0, 2), ("u", "d", "rate", None, 3)
    )
    np.testing.assert_allclose(interaction_weights(table, FeedbackRules()), [0.8, 1.0, 1.2, 1.0], rtol=1e-6)


def test_below_the_threshold_is_seen_and_nothing_more():
    table = log(
        ("u", "a", "rate", 1.0, 0),
        ("u", "b", "rate", 3.9, 1),
        ("u", "c", "rate", 4.0, 2),
        ("u", "d", "rate", 5.0, 3),
        ("u", "e", "view", None, 4),
        ("u", "f", "dislike", 2.0, 5),
        ("u", "g", "buy", 1.0, 6),
    )
    weights = interaction_weights(table, FeedbackRules(positive_threshold=4.0))
    # 4 of 1 … 5 is three quarters up: 1 + 0.2 · 0.5.
    np.testing.assert_allclose(weights, [0, 0, 1.1, 1.2, 0.3, -1.0, 0], rtol=1e-6)


def test_weights_of_nothing():
    assert interaction_weights(log(), FeedbackRules()).shape == (0,)


# ------------------------------------------------------------------ histories

ITEMS = IdMap(["a", "b", "c/1", "007"])
EVENTS = log(
    ("二", "b", "buy", None, 20),
    ("001", "a", "view", None, 30),
    ("二", "gone", "buy", None, 10),
    ("二", "007", "rate", 5.0, None),
    ("001", "c/1", "rate", 1.0, 5),
    ("1", "gone", "buy", None, 1),
    ("二", "b", "dislike", None, 40),
)


def listed(histories):
    ends = histories.indptr
    rows = list(
        zip(
            histories.item_index.tolist(), histories.weight.round(3).tolist(), histories.timestamp.tolist(), strict=True
        )
    )
    return {user: rows[ends[n] : ends[n + 1]] for n, user in enumerate(histories.user_ids)}


def rounded(*rows):
    return [(item, pytest.approx(weight), timestamp) for item, weight, timestamp in rows]


OF_TWO = rounded((3, 1.2, 0), (1, 1.0, 20), (1, -1.0, 40))
OF_001 = rounded((2, 0.8, 5), (0, 0.3, 30))


def test_histories_of_everybody_oldest_first():
    histories = make_histories(EVENTS, ITEMS, FeedbackRules())
    assert listed(histories) == {"二": OF_TWO, "001": OF_001, "1": []}
    assert list(histories.user_ids) == ["二", "001", "1"]
    assert histories.n_items == 4
    assert [a.dtype for a in (histories.item_index, histories.weight, histories.timestamp)] == ["i4", "f4", "i8"]


def test_histories_of_some_with_and_without_events():
    wanted = IdMap(["nobody", "001", "1", "01"])
    histories = make_histories(EVENTS, ITEMS, FeedbackRules(), wanted)
    assert histories.user_ids == wanted
    # The ratings of others set the range: 1 is still the worst of 1 … 5.
    assert listed(histories) == {"nobody": [], "001": OF_001, "1": [], "01": []}


def test_asked_for_one_by_one_or_together_histories_are_the_same():
    together = listed(make_histories(EVENTS, ITEMS, FeedbackRules(), IdMap(["001", "二"])))
    for user in ("001", "二"):
        assert listed(make_histories(EVENTS, ITEMS, FeedbackRules(), IdMap([user]))) == {user: together[user]}
    assert together == {"001": OF_001, "二": OF_TWO}


def test_events_in_several_chunks():
    chunked = pa.concat_tables([EVENTS.slice(0, 3), EVENTS.slice(3, 0), EVENTS.slice(3)])
    assert listed(make_histories(chunked, ITEMS, FeedbackRules())) == listed(
        make_histories(EVENTS, ITEMS, FeedbackRules())
    )


def test_no_events_and_no_items():
    assert listed(make_histories(log(), ITEMS, FeedbackRules(), IdMap("ab"))) == {"a": [], "b": []}
    assert len(make_histories(log(), ITEMS, FeedbackRules())) == 0
    assert listed(make_histories(EVENTS, IdMap(()), FeedbackRules(), IdMap(["001"]))) == {"001": []}


# ------------------------------------------------------------------ embeddings

INFO = EncoderInfo("tiny", "image", 2, "", {}, "CC0-1.0", "made in the test")


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    store = FeatureStore(tmp_path / "features")
    vectors = {"right": [9, 0], "up": [0, 1], "left": [-2, 0], "slope": [3, 4], "nothing": [0, 0]}
    store.append(INFO, list(vectors), np.array(list(vectors.values()), dtype=np.float32))
    return store


def pictures(*pairs):
    item_ids, keys = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.table({"item_id": pa.array(item_ids, pa.string()), "sha256": pa.array(keys, pa.string())})


def test_one_picture_an_item(store):
    table = pictures(("007", "slope"), ("a", "right"), ("b", "not encoded yet"), ("gone", "up"))
    block = image_block(ITEMS, table, store, INFO.feature_set)
    np.testing.assert_allclose(block.matrix, [[1, 0], [0, 0], [0, 0], [0.6, 0.8]], atol=1e-7)
    assert block.present.tolist() == [True, False, False, True]
    assert (block.name, block.origin, block.matrix.dtype) == ("image", INFO.feature_set, np.float32)


def test_several_pictures_of_an_item_are_averaged_as_directions(store):
    # The long vector counts no more than the short one; opposite ones leave nothing.
    table = pictures(("a", "right"), ("b", "right"), ("a", "up"), ("b", "left"), ("c/1", "slope"), ("a", "unknown"))
    block = image_block(ITEMS, table, store, INFO.feature_set)
    half = 1 / np.sqrt(2)
    np.testing.assert_allclose(block.matrix, [[half, half], [0, 0], [0.6, 0.8], [0, 0]], atol=1e-7)
    assert block.present.tolist() == [True, False, True, False]


def test_items_may_share_a_picture(store):
    block = image_block(ITEMS, pictures(("a", "up"), ("b", "up")), store, INFO.feature_set)
    np.testing.assert_array_equal(block.matrix[:2], [[0, 1], [0, 1]])


def test_an_embedding_of_zeros_is_no_embedding(store):
    block = image_block(ITEMS, pictures(("a", "nothing"), ("b", "up"), ("b", "nothing")), store, INFO.feature_set)
    assert block.present.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(block.matrix[:2], [[0, 0], [0, 1]])


def test_no_pictures(store):
    block = image_block(ITEMS, pictures(), store, INFO.feature_set)
    assert block.matrix.shape == (4, 2)
    assert not block.present.any()


def test_texts_are_taken_as_the_encoder_gave_them(store):
    block = text_block(["slope", "", "missing", "up"], store, INFO.feature_set)
    assert block.matrix.tolist() == [[3, 4], [0, 0], [0, 0], [0, 1]]
    assert block.present.tolist() == [True, False, False, True]
    assert (block.name, block.origin) == ("text", INFO.feature_set)


def test_ratings_go_with_their_events_and_only_events_of_kind_rate_have_one():
    table = log(
        ("u", "b", "rate", 4.0, 2), ("u", "a", "buy", 9.0, 1), ("v", "a", "rate", None, 1), ("u", "a", "rate", 1.5, 3)
    )
    histories = make_histories(table, IdMap(["a", "b"]), FeedbackRules())
    assert histories.rating.dtype == np.float32
    np.testing.assert_array_equal(histories.rating, [np.nan, 4.0, 1.5, np.nan])
    np.testing.assert_array_equal(histories.take(np.array([1, 0])).rating, [np.nan, np.nan, 4.0, 1.5])
    np.testing.assert_array_equal(histories.select(histories.timestamp == 3).rating, [1.5])
