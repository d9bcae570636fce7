"""Trained models on disk."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from visrec.core.artifacts import save_artifact
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFittedError, NotFoundError, WorkspaceError
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


def test_one_goes_back_to_an_earlier_version(tmp_path: Path):
    here, there = ModelStore(tmp_path), ModelStore(tmp_path)
    here.save(make_recommender("popular").fit(data()), "first", "")
    here.save(make_recommender("popular").fit(data((2, 2, 2))), "second", "")
    assert there.load("popular").image_features == "second"
    assert here.versions("popular") == ("0001", "0002")
    used = here.use("popular", "0001")
    assert here.load("popular") is used
    for store in (here, there):
        assert (store.load("popular").version, store.load("popular").image_features) == ("0001", "first")
        assert scores(store.load("popular").recommender)[0].tolist() == [1, 2, 0]


def test_a_version_that_is_not_there_or_damaged_is_never_in_use(tmp_path: Path):
    store = ModelStore(tmp_path)
    for _ in range(2):
        store.save(make_recommender("popular").fit(data()), "", "")
    with pytest.raises(NotFoundError, match=r"popular has no version '7' \(there are: 0001, 0002\)"):
        store.use("popular", "7")
    with pytest.raises(InputError, match=r"no recommender '\.\./models/popular'"):
        store.use("../models/popular", "0001")
    next((tmp_path / "models" / "popular" / "0001").glob("*.npy")).write_bytes(b"broken")
    with pytest.raises(WorkspaceError, match="damaged"):
        store.use("popular", "0001")
    assert store.version("popular") == "0002"


class Slow(ModelStore):
    """Counts what is read, and reads only when it may."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []
        self.may, self.begun = threading.Event(), threading.Event()

    def _read(self, name, version):
        self.read.append(version)
        self.begun.set()
        assert self.may.wait(10)
        return super()._read(name, version)


def test_many_threads_load_a_model_once(tmp_path: Path):
    ModelStore(tmp_path).save(make_recommender("popular").fit(data()), "", "")
    store = Slow(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(store.load, "popular") for _ in range(8)]
        assert store.begun.wait(10)
        store.may.set()
        assert len({id(one.result(10)) for one in asked}) == 1
    assert store.read == ["0001"]


def test_the_old_version_answers_until_the_new_one_is_loaded(tmp_path: Path):
    other, store = ModelStore(tmp_path), Slow(tmp_path)
    other.save(make_recommender("popular").fit(data()), "", "")
    store.may.set()
    old = store.load("popular")
    store.may.clear()
    store.begun.clear()
    other.save(make_recommender("popular").fit(data((2, 2, 2))), "", "")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(store.load, "popular")
        assert store.begun.wait(10)
        assert store.load("popular") is old
        store.may.set()
        assert first.result(10).version == "0002"
    assert store.load("popular").version == "0002"
    assert store.read == ["0001", "0002"]


def test_a_version_taken_away_while_it_is_read_is_not_missed(tmp_path: Path):
    other = ModelStore(tmp_path)
    other.save(make_recommender("popular").fit(data()), "", "")

    class Overtaken(ModelStore):
        def _read(self, name, version):
            if version == "0001":
                other.save(make_recommender("popular").fit(data((2, 2, 2))), "", "")
                shutil.rmtree(tmp_path / "models" / "popular" / "0001")
            return super()._read(name, version)

    assert Overtaken(tmp_path).load("popular").version == "0002"


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
