"""Ratings for files of pairs: unknown ids, order, batches, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.settings import FeedbackRules
from visrec.recommenders.bias import Bias
from visrec.recommenders.popular import Popular
from visrec.recommenders.visual_mf import VisualMF, VisualMFSettings
from visrec.workspace.assemble import make_histories
from visrec.workspace.predict import PredictedRating, predict_pairs, read_pairs, require_rating_predictor

RULES = FeedbackRules()
ITEMS = ItemFeatures(
    IdMap(["a", "b", "c"]),
    {"image": FeatureBlock("image", np.eye(3, dtype=np.float32), np.ones(3, np.bool_), "made", ())},
)
LOG = pa.table(
    {
        "user_id": ["007", "007", "é", "é", "viewer"],
        "item_id": ["a", "b", "a", "b", "a"],
        "kind": ["rate", "rate", "rate", "rate", "view"],
        "value": [5.0, 3.0, 4.0, 1.0, None],
        "timestamp": pa.array([1, 2, 3, 4, 5], pa.int64()),
    }
)


@pytest.fixture(scope="module", params=[Bias(), VisualMF(VisualMFSettings(samples=10))], ids=lambda model: model.id)
def model(request):
    return request.param.fit(Dataset(make_histories(LOG, ITEMS.item_ids, RULES), ITEMS))


def answers(model, pairs, **options):
    return list(predict_pairs(model, ITEMS, LOG, RULES, pairs, **options))


PAIRS = [("é", "b"), ("007", "a"), ("nobody", "a"), ("007", "never"), ("é", "b"), ("nobody", "never"), ("viewer", "c")]


def test_every_pair_is_answered_in_order_and_what_was_missing_is_named(model):
    found = answers(model, PAIRS)
    assert [(answer.user_id, answer.item_id) for answer in found] == PAIRS
    assert all(1.0 <= answer.rating <= 5.0 for answer in found)
    assert [bool(answer.fallback) for answer in found] == [False, False, True, True, False, True, True]
    assert found[2].fallback.startswith("user without ratings")
    assert found[3].fallback.startswith("item without ratings")
    assert found[0] == found[4]


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_batches_do_not_show(model, batch):
    whole = answers(model, PAIRS)
    parts = answers(model, PAIRS, batch=batch)
    assert [p.to_json() | {"rating": 0} for p in parts] == [w.to_json() | {"rating": 0} for w in whole]
    np.testing.assert_allclose([p.rating for p in parts], [w.rating for w in whole], atol=1e-5)


def test_bias_by_hand():
    # mu = 13 / 4; unknown user and unknown item: mu. Everything else from the model itself.
    bias = Bias().fit(Dataset(make_histories(LOG, ITEMS.item_ids, RULES), ITEMS))
    (answer,) = answers(bias, [("nobody", "never")])
    assert answer == PredictedRating("nobody", "never", 3.25, "user and item without ratings: mean of all")


def test_json_names_a_fallback_only_where_one_was_taken():
    assert PredictedRating("u", "i", 2.5).to_json() == {"user_id": "u", "item_id": "i", "rating": 2.5}
    assert PredictedRating("u", "i", 2.5, "why").to_json()["fallback"] == "why"


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.jsonl", "pairs.parquet"])
def test_files_of_every_kind_are_read_in_order_with_repeats(tmp_path, name):
    file = tmp_path / name
    if name.endswith(".csv"):
        file.write_text("user_id,item_id,other\n007,a,1\né,b,2\n007,a,3\n", encoding="utf-8")
    elif name.endswith(".jsonl"):
        lines = ['{"user_id": "007", "item_id": "a"}', '{"item_id": "b", "user_id": "é"}']
        file.write_text("\n".join([*lines, lines[0]]) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"item_id": ["a", "b", "a"], "user_id": ["007", "é", "007"]}), file)
    assert read_pairs(file) == [("007", "a"), ("é", "b"), ("007", "a")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,item_id\nu,a\n,b\nu,\n", "line 3: expected a user_id and an item_id.*got 2 rows"),
        ("user_id,item_id\n", "holds no pairs"),
        ("user,item_id\nu,a\n", "expected a column 'user_id'.*Did you mean 'user'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, text, message):
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pairs(file)


def test_a_model_that_ranks_only_is_refused():
    with pytest.raises(UnsupportedError, match="popular ranks, and predicts no ratings"):
        require_rating_predictor(Popular())
    assert isinstance(require_rating_predictor(Bias()), Bias)
