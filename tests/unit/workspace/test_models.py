"""Trained models on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visrec.core.artifacts import save_artifact
from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, WorkspaceError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.recommenders.registry import make_recommender
from visrec.workspace.models import ModelStore


def data(likes=(0, 1, 1)):
    n = len(likes)
    histories = Histories.from_events(
        IdMap(f"u{row}" for row in range(n)),
        3,
        np.arange(n),
        np.array(likes, dtype=np.int32),
        np.ones(n, np.float32),
        np.arange(n),
    )
    rows = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    blocks = {"image": FeatureBlock("image", rows, np.ones(3, bool), "made")}
    return Dataset(histories, ItemFeatures(IdMap(["007", "商品", "a/b"]), blocks))


def scores(model):
    return model.score(data().histories, data().items).values


@pytest.mark.parametrize("name", ["blend", "popular", "ease", "visual-knn"])
def test_another_process_finds_what_was_saved(name, tmp_path: Path):
    fitted = make_recommender(name).fit(data())
    ModelStore(tmp_path).save(fitted, "tiny-0123", "")
    trained = ModelStore(tmp_path).load(name)
    assert (trained.version, trained.image_features, trained.text_features) == ("0001", "tiny-0123", "")
    assert trained.recommender.id == name
    np.testing.assert_array_equal(scores(trained.recommender), scores(fitted))


def test_a_saved_model_is_at_hand_and_read_once(tmp_path: Path):
    store, fitted = ModelStore(tmp_path), make_recommender("popular").fit(data())
    store.save(fitted, "", "")
    assert store.load("popular").recommender is fitted
    other = ModelStore(tmp_path)
    assert other.load("popular") is other.load("popular")


def test_a_version_that_another_process_switched_in_is_seen(tmp_path: Path):
    here, there = ModelStore(tmp_path), ModelStore(tmp_path)
    here.save(make_recommender("popular").fit(data()), "", "")
    assert scores(there.load("popular").recommender)[0].tolist() == [1, 2, 0]
    here.save(make_recommender("popular").fit(data((2, 2, 2))), "", "")
    assert there.load("popular").version == "0002"
    assert scores(there.load("popular").recommender)[0].tolist() == [0, 0, 3]


def test_names_and_what_to_run_for_a_model_that_is_not_there(tmp_path: Path):
    store = ModelStore(tmp_path)
    assert store.names() == []
    with pytest.raises(NotFittedError, match=r"'ease'.*trained: none.*visrec train .* --model ease"):
        store.load("ease")
    store.save(make_recommender("popular").fit(data()), "", "")
    store.save(make_recommender("blend").fit(data()), "", "")
    assert store.names() == ["blend", "popular"]
    with pytest.raises(NotFittedError, match="trained: blend, popular"):
        store.load("ease")


def test_a_model_that_another_version_saved_says_what_to_do(tmp_path: Path):
    settings, arrays = make_recommender("popular").fit(data()).state()
    body = {"model": "popular", "image_features": "", "text_features": "", "state": {"item_ids": settings["item_ids"]}}
    save_artifact(tmp_path / "models" / "popular", body, arrays)
    with pytest.raises(WorkspaceError, match=r"another version of visrec.*visrec train .* --model popular"):
        ModelStore(tmp_path).load("popular")


def test_a_damaged_model_is_refused(tmp_path: Path):
    ModelStore(tmp_path).save(make_recommender("popular").fit(data()), "", "")
    file = tmp_path / "models" / "popular" / "0001" / "counts.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(WorkspaceError, match="Train again"):
        ModelStore(tmp_path).load("popular")
