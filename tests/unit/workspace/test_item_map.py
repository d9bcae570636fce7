"""Where items lie on the map."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from visrec.core.errors import UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.workspace import item_map, layout
from visrec.workspace.item_map import ItemMaps


def _groups(n_groups, size, dim=16, seed=3):
    """Directions around a few centres, group by group; float32 (n_groups * size, dim)."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(n_groups, dim))
    points = np.repeat(centres, size, axis=0) + 0.15 * draw.normal(size=(n_groups * size, dim))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def _features(vectors, origin="encoder-1", ids=None):
    present = np.any(vectors != 0, axis=1)
    ids = IdMap(ids or [f"item {row}/é" for row in range(len(vectors))])
    return ItemFeatures(ids, {"image": FeatureBlock("image", vectors, present, origin)})


def test_components_are_those_of_the_singular_value_decomposition():
    vectors = _groups(4, 10)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    found = layout.by_variance(vectors)
    assert np.abs(found) == pytest.approx(np.abs(left[:, :2] * values[:2]), abs=1e-4)


def test_neighbours_stay_neighbours_better_than_by_components():
    vectors = _groups(12, 12)
    near = layout.by_neighbours(vectors)
    assert near.shape == (144, 2)
    assert near.dtype == np.float32
    group = np.repeat(np.arange(12), 12)
    distances = np.linalg.norm(near[:, None] - near[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(group[distances.argmin(axis=1)] == group) > 0.99
    assert trustworthiness(vectors, near) > trustworthiness(vectors, layout.by_variance(vectors)) + 0.02


def test_the_layout_is_the_same_each_time():
    vectors = _groups(3, 20)
    assert np.array_equal(layout.by_neighbours(vectors), layout.by_neighbours(vectors))


def test_more_items_than_are_laid_out_lie_beside_what_they_are_like(monkeypatch):
    monkeypatch.setattr(layout, "_MOST", 80)
    vectors = _groups(4, 40)
    near = layout.by_neighbours(vectors)
    group = np.repeat(np.arange(4), 40)
    middles = np.stack([near[group == one].mean(axis=0) for one in range(4)])
    nearest = np.linalg.norm(near[:, None] - middles[None], axis=2).argmin(axis=1)
    assert np.mean(nearest == group) > 0.97


def test_an_item_without_a_place_gets_the_middle_of_its_three_nearest(monkeypatch):
    monkeypatch.setattr(layout, "_AT_ONCE", 1)
    vectors = np.array([[0.0], [1.0], [2.0], [50.0], [1.2], [49.0]], dtype=np.float32)
    positions = np.array([[0, 0], [1, 4], [2, 8], [9, 9], [np.nan, np.nan], [np.nan, np.nan]], dtype=np.float32)
    found = layout.beside(vectors, positions)
    assert np.array_equal(found[:4], positions[:4])
    # Nearest of 1.2 are 1, 2 and 0; of 49 they are 50, 2 and 1.
    assert found[4:].tolist() == [[1, 4], [2, 8]]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_items_have_places_too(n, tmp_path):
    vectors = np.eye(8, dtype=np.float32)[:n]
    found = ItemMaps(tmp_path, lambda: _features(vectors)).make()
    assert found.positions.shape == (n, 2)
    assert np.isfinite(found.positions).all()
    assert found.positions.min() >= 0
    assert found.positions.max() <= 1


def test_a_map_is_made_once_and_kept(tmp_path, monkeypatch):
    vectors = _groups(3, 20)
    vectors[7] = 0
    maps = ItemMaps(tmp_path, lambda: _features(vectors))
    quick = maps.now()
    assert quick.method == "pca"
    made = maps.make()
    assert made.method == "tsne"
    assert len(made.item_ids) == 59
    assert "item 7/é" not in made.item_ids
    span = made.positions.max(axis=0) - made.positions.min(axis=0)
    assert span.max() == pytest.approx(1, abs=1e-5)
    monkeypatch.setattr(layout, "by_neighbours", lambda vectors: pytest.fail("made twice"))
    again = ItemMaps(tmp_path, lambda: _features(vectors)).make()
    assert np.array_equal(again.positions, made.positions)
    assert again.item_ids == made.item_ids
    assert again.to_json()["items"][0] == {
        "item_id": "item 0/é",
        "x": round(float(made.positions[0, 0]), 5),
        "y": round(float(made.positions[0, 1]), 5),
    }


def test_items_that_come_and_go_leave_the_others_where_they_are(tmp_path):
    vectors = _groups(3, 20)
    before = ItemMaps(tmp_path, lambda: _features(vectors)).make()
    ids = list(before.item_ids[1:]) + ["new"]
    changed = np.concatenate([vectors[1:], vectors[30:31]])
    after = ItemMaps(tmp_path, lambda: _features(changed, ids=ids)).now()
    assert after.method == "tsne"
    assert after.n_beside == 1
    assert np.array_equal(after.positions[:-1], before.positions[1:])
    near = np.linalg.norm(before.positions[20:40] - after.positions[-1], axis=1).min()
    assert near < 0.1


def test_other_features_and_many_new_items_need_a_new_map(tmp_path):
    vectors = _groups(3, 20)
    ItemMaps(tmp_path, lambda: _features(vectors)).make()
    assert ItemMaps(tmp_path, lambda: _features(vectors, "encoder-2")).now().method == "pca"
    others = [f"other {row}" for row in range(60)]
    assert ItemMaps(tmp_path, lambda: _features(vectors, ids=others)).now().method == "pca"


def test_a_damaged_map_is_made_again(tmp_path):
    vectors = _groups(3, 20)
    maps = ItemMaps(tmp_path, lambda: _features(vectors))
    made = maps.make()
    file = next((tmp_path / "map").rglob("positions.npy"))
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\0")
    assert maps.now().method == "pca"
    assert np.array_equal(maps.make().positions, made.positions)
    assert maps.now().method == "tsne"


def test_without_embedded_pictures_there_is_no_map(tmp_path):
    for features in (ItemFeatures(IdMap(["a"])), _features(np.zeros((3, 4), dtype=np.float32))):
        with pytest.raises(UnsupportedError, match="visrec encode"):
            ItemMaps(tmp_path, lambda features=features: features).now()


def test_a_map_is_the_same_whatever_the_scale_of_its_layout():
    positions = np.array([[0, 0], [4, 1], [2, 2]], dtype=np.float32)
    expected = np.array([[0, 0.25], [1, 0.5], [0.5, 0.75]])
    assert item_map._in_unit_square(positions) == pytest.approx(expected)
    assert item_map._in_unit_square(1e4 * positions - 7) == pytest.approx(expected, abs=1e-5)
