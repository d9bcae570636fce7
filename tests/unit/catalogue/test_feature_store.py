from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from visrec.catalogue.features import FeatureStore
from visrec.core.errors import InputError, NotFoundError, WorkspaceError
from visrec.core.protocols import EncoderInfo


def info(name="toy", dim=3, version=1):
    return EncoderInfo(
        name, "image", dim, "", MappingProxyType({"version": version, "mean": [1, 2]}), "Apache-2.0", "test"
    )


def vectors(n, dim=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "features")


def test_what_is_stored_comes_back_in_any_order(store):
    values = vectors(5)
    keys = list("abcde")
    assert store.missing(info(), [*keys, "a"]) == keys
    assert store.append(info(), keys[:2], values[:2]) == 2
    assert store.missing(info(), ["e", "a", "d", "e"]) == ["e", "d"]
    assert store.append(info(), keys[2:], values[2:]) == 3
    found, present = store.read(info().feature_set, ["e", "none", "a", "e"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.stack([values[4], np.zeros(3, np.float32), values[0], values[4]]))
    assert present.tolist() == [True, False, True, True]


def test_few_keys_of_a_large_set(store):
    values = vectors(400)
    keys = [f"k{n}" for n in range(400)]
    for start in range(0, 400, 100):
        store.append(info(), keys[start : start + 100], values[start : start + 100])
    wanted = [350, 2, 2, 199]
    found, present = store.read(info().feature_set, [keys[row] for row in wanted] + ["none"])
    np.testing.assert_array_equal(found[:-1], values[wanted])
    assert present.tolist() == [True] * 4 + [False]
    order = np.random.default_rng(1).permutation(400)
    found, present = store.read(info().feature_set, [keys[row] for row in order])
    np.testing.assert_array_equal(found, values[order])
    assert present.all()


def test_nothing_is_stored_twice(store, tmp_path):
    store.append(info(), ["a", "b"], vectors(2))
    other = FeatureStore(tmp_path / "features")
    assert other.append(info(), ["b", "c", "c"], vectors(3, seed=1)) == 1
    assert store.append(info(), ["c", "a"], vectors(2, seed=2)) == 0
    assert store.missing(info(), ["a", "b", "c"]) == []
    described = store.sets()[0]
    assert described.n_vectors == 3
    found, _ = store.read(info().feature_set, ["a", "b", "c"])
    np.testing.assert_array_equal(found, np.concatenate([vectors(2), vectors(3, seed=1)[1:2]]))


def test_no_keys(store):
    store.append(info(), ["a"], vectors(1))
    found, present = store.read(info().feature_set, [])
    assert (found.shape, present.shape) == ((0, 3), (0,))
    found, present = store.read(info().feature_set, ["x"])
    assert (found.tolist(), present.tolist()) == ([[0.0, 0.0, 0.0]], [False])
    assert store.append(info(), [], vectors(0)) == 0


def test_sets_live_side_by_side(store):
    assert store.sets() == []
    store.append(info("one"), ["a"], vectors(1))
    store.append(info("onnx:/models/x.y", dim=4), ["a"], vectors(1, 4))
    store.append(info("one", version=2), ["a"], vectors(1))
    described = store.sets()
    assert sorted(one.encoder_id for one in described) == ["one", "one", "onnx:/models/x.y"]
    first = next(one for one in described if one.name == info("onnx:/models/x.y", dim=4).feature_set)
    assert (first.modality, first.dim, first.n_vectors) == ("image", 4, 1)
    assert first.n_bytes > 0
    assert first.created.endswith("+00:00")
    assert first.info["preprocessing"] == {"version": 1, "mean": [1, 2]}
    store.remove(first.name)
    assert len(store.sets()) == 2
    assert store.missing(info("onnx:/models/x.y", dim=4), ["a"]) == ["a"]


def test_compact_keeps_everything(store, tmp_path):
    values = vectors(30)
    for row in range(30):
        store.append(info(), [f"k{row}"], values[row : row + 1])
    name = info().feature_set
    store.compact(name)
    import lance

    assert len(lance.dataset(str(tmp_path / "features" / f"{name}.lance")).get_fragments()) == 1
    found, present = store.read(name, [f"k{row}" for row in range(30)])
    np.testing.assert_array_equal(found, values)
    assert present.all()
    assert store.append(info(), ["k0", "new"], vectors(2)) == 1
    assert store.sets()[0].info["id"] == "toy"


@pytest.mark.parametrize("name", ["none", "../features", "", "a/b", "toy.lance", ".locks"])
def test_unknown_sets(store, name):
    store.append(info(), ["a"], vectors(1))
    for call in (lambda: store.read(name, ["a"]), lambda: store.remove(name), lambda: store.compact(name)):
        with pytest.raises(NotFoundError, match=info().feature_set):
            call()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 3), np.float32),
        np.zeros((1, 4), np.float32),
        np.zeros((1, 3), np.float64),
        np.full((1, 3), np.nan, np.float32),
        np.full((1, 3), np.inf, np.float32),
    ],
)
def test_bad_vectors(store, bad):
    with pytest.raises(InputError, match="Expected"):
        store.append(info(), ["a"], bad)
    assert store.sets() == []


def test_arrays_that_are_not_contiguous(store):
    values = vectors(3, 8)[:, ::2]
    store.append(info(dim=4), ["a", "b", "c"], values)
    np.testing.assert_array_equal(store.read(info(dim=4).feature_set, ["a", "b", "c"])[0], values)


def test_a_first_write_that_was_killed_early_is_no_set(store, tmp_path):
    folder = tmp_path / "features" / f"{info().feature_set}.lance"
    (folder / "data").mkdir(parents=True)
    (folder / "_versions").mkdir()
    (folder / "data" / "half.lance").write_bytes(b"half")
    assert store.sets() == []
    assert store.missing(info(), ["a"]) == ["a"]
    assert store.append(info(), ["a"], vectors(1)) == 1
    assert store.read(info().feature_set, ["a"])[1].all()


def test_a_damaged_set_says_what_to_do(store, tmp_path):
    store.append(info(), ["a"], vectors(1))
    for manifest in (tmp_path / "features").glob("*.lance/_versions/*.manifest"):
        manifest.write_bytes(b"junk")
    with pytest.raises(WorkspaceError, match="run `visrec encode`"):
        store.sets()
