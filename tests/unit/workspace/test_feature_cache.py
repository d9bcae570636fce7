"""A workspace object that lives long sees what changes, and puts its features together only then."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visrec
from visrec.workspace.workspace import Workspace

COLOURS = {"red": (220, 30, 30), "rust": (200, 50, 30), "blue": (30, 30, 220), "navy": (30, 40, 160)}


def draw(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.new("RGB", (32, 32), COLOURS[name]).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    (tmp_path / "items.csv").write_text("item_id,title\nred,Red one\nblue,\n")
    shop = Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv", images=draw(tmp_path / "images", "red", "blue"))
    shop.encode("colour-histogram")
    return shop


def test_the_same_object_until_something_changes(shop):
    features = shop.item_features()
    assert shop.item_features() is features
    shop.add_feedback([visrec.Interaction("u", "red")])
    assert shop.item_features() is features
    assert list(features.item_ids) == ["red", "blue"]
    assert features.blocks["image"].present.tolist() == [True, True]


def test_many_threads_put_features_together_once(shop, monkeypatch):
    together, assemble = [], shop._cache._assemble
    all_there = threading.Barrier(6, timeout=10)

    def counted(*arguments):
        together.append(arguments)
        return assemble(*arguments)

    def ask(_):
        all_there.wait()
        return shop.item_features()

    monkeypatch.setattr(shop._cache, "_assemble", counted)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, range(6)))
    assert len(together) == 1
    assert len({id(one) for one in found}) == 1


def test_new_items_titles_and_vectors_are_seen(shop, tmp_path):
    before = shop.item_features()
    (tmp_path / "new.csv").write_text("item_id,title\nrust,Rusty\nblue,Blue one\n")
    shop.ingest(items=tmp_path / "new.csv", images=draw(tmp_path / "images", "rust"))
    there = shop.item_features()
    assert there is not before
    assert list(there.item_ids) == ["red", "blue", "rust"]
    assert there.blocks["image"].present.tolist() == [True, True, False]
    assert dict(shop.titles()) == {0: "Red one", 1: "Blue one", 2: "Rusty"}
    shop.encode_new()
    assert shop.item_features().blocks["image"].present.tolist() == [True, True, True]


def test_what_another_process_did_is_seen(shop, tmp_path):
    shop.train("visual-knn")
    shop.add_feedback([visrec.Interaction("u", "blue")])
    assert shop.recommend("u").item_ids == ["red"]
    assert shop.similar("red").item_ids == ["blue"]
    other = Workspace.open(shop.root)
    (tmp_path / "new.csv").write_text("item_id,title\nnavy,Navy\nrust,Rust\n")
    other.ingest(items=tmp_path / "new.csv", images=draw(tmp_path / "images", "navy", "rust"))
    other.encode_new()
    assert sorted(shop.recommend("u").item_ids) == ["navy", "red", "rust"]
    assert shop.recommend("u").item_ids[0] == "navy"
    assert shop.similar("red").item_ids[0] == "rust"
    other.remove_item("navy")
    assert sorted(shop.recommend("u").item_ids) == ["red", "rust"]


def test_features_of_two_sets_live_side_by_side(shop):
    with_pictures, without = shop.item_features(), shop.item_features("", "")
    assert "image" not in without.blocks
    assert shop.item_features() is with_pictures
    assert shop.item_features("", "") is without
    np.testing.assert_allclose(np.linalg.norm(with_pictures.blocks["image"].matrix, axis=1), 1, atol=1e-6)


def test_the_version_names_the_content(shop, tmp_path):
    catalogue = shop.catalogue
    (feature_set,) = catalogue.features.sets()
    version, vectors = catalogue.version, catalogue.features.version(feature_set.name)
    assert vectors
    assert catalogue.features.version("none-such") == catalogue.features.version("") == frozenset()
    shop.ingest(items=tmp_path / "items.csv")
    shop.encode()
    assert (catalogue.version, catalogue.features.version(feature_set.name)) == (version, vectors)
    (tmp_path / "items.csv").write_text("item_id,title\nred,Other\nrust,\n")
    shop.ingest(items=tmp_path / "items.csv", images=draw(tmp_path / "images", "rust"))
    assert catalogue.version != version
    shop.encode()
    assert catalogue.features.version(feature_set.name) != vectors
