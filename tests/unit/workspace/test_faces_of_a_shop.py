"""Faces are looked for where that was asked for, and ever after; the network here takes white pictures for faces."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import FilterError, WeightsError
from visrec.workspace.workspace import Workspace


def network(batch):
    made = np.zeros((1, 5, 128, 128), dtype=np.float32)
    made[0, :3, 20, 20] = (0.9 if batch.min() == 255 else 0.0), 2.0, 2.0
    return made


def ingest(shop, folder, shades):
    (folder / "images").mkdir(exist_ok=True)
    for item_id, shade in shades.items():
        Image.new("RGB", (16, 16), (shade, shade, shade)).save(folder / "images" / f"{item_id}.png")
    (folder / "items.csv").write_text("item_id\n" + "\n".join(shades) + "\n")
    shop.ingest(items=folder / "items.csv", images=folder / "images")


def test_asked_for_once_and_kept_up(tmp_path):
    shop = Workspace.create(tmp_path / "shop")
    ingest(shop, tmp_path, {"person": 255, "thing": 40})
    with mock.patch("visrec.encoders.center_face.center_face", return_value=network) as made:
        shop.attributes.recognize()
        made.assert_not_called()
        assert "faces" not in shop.attributes.columns()
        assert shop.attributes.recognize(faces=True).n_new == 2
        assert shop.attributes.matching("faces = 'one' and faces_amount = 1") == ["person"]
        assert shop.attributes.matching("faces = 'none'") == ["thing"]
        ingest(shop, tmp_path, {"other": 254, "again": 255})
        again = Workspace.open(tmp_path / "shop")
        again.attributes.recognize_new()
        assert again.attributes.matching("faces is not null") == ["person", "thing", "other", "again"]


def test_without_weights_nothing_has_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISREC_OFFLINE", "1")
    shop = Workspace.create(tmp_path / "shop")
    ingest(shop, tmp_path, {"person": 255})
    with pytest.raises(WeightsError, match="visrec weights get centerface"):
        shop.attributes.recognize(faces=True)
    assert not shop.catalogue.measurements.sets()
    with pytest.raises(FilterError, match="visrec recognize"):
        shop.attributes.matching("faces = 'one'")
