"""Search by text and labels by their values' names, with an encoder whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from onnx_pair import write_pair
from visrec.core.errors import InputError, NotFittedError, UnsupportedError
from visrec.workspace.workspace import Workspace

COLOURS = {"r": (250, 5, 5), "g": (5, 250, 5), "b": (5, 5, 250), "y": (240, 240, 5), "pale": (200, 150, 150)}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    for item_id, colour in COLOURS.items():
        Image.new("RGB", (8, 8), colour).save(tmp_path / "images" / f"{item_id}.png")
    (tmp_path / "items.csv").write_text("item_id,title\n" + "".join(f"{i},Thing {i}\n" for i in [*COLOURS, "bare"]))
    shop = Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv", images=tmp_path / "images")
    shop.encode(f"onnx:{write_pair(tmp_path / 'pair')}")
    return shop


def test_search_by_text_is_the_cosine(shop):
    ranking = shop.query(text="a green and yellow thing", k=10)
    wanted = np.array([1, 2, 0]) / np.sqrt(5)
    cosines = {i: float(wanted @ np.array(c) / np.linalg.norm(c)) for i, c in COLOURS.items()}
    assert ranking.item_ids == sorted(cosines, key=cosines.get, reverse=True)
    for line in ranking.items:
        assert line.score == pytest.approx(cosines[line.item_id], abs=1e-4)
        assert (line.source, line.parts, line.title) == ("visual", {"visual": line.score}, f"Thing {line.item_id}")
    assert shop.query(text="green", k=2, where="item_id <> 'g'").item_ids == ["y", "pale"]
    assert shop.query(text="green", candidates=["b", "bare"]).item_ids == ["b"]


def test_values_told_by_name(shop):
    report = shop.labels.tell("hue", ["red", " blue", "yellow", "red"])
    assert report.proposals == {"red": 2, "yellow": 2, "blue": 1} or sum(report.proposals.values()) == 5
    told = {i: a.value for i in ("r", "b", "y") for a in shop.attributes.of([i])[i] if a.name == "hue"}
    assert told == {"r": "red", "b": "blue", "y": "yellow"}
    assert (report.judged, report.examples) == ({}, {})
    column = shop.labels.columns()["hue"]
    # Softmax of 100 times the cosines, by hand.
    texts = np.array([[1, 0, 0], [0, 0, 1], [1, 1, 0] / np.sqrt(2)])
    logits = 100 * texts @ (np.array(COLOURS["pale"]) / np.linalg.norm(COLOURS["pale"]))
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert column.of(4)[0].confidence == pytest.approx(expected.max(), abs=1e-3)
    assert column.of(4)[0].value == ["red", "blue", "yellow"][int(expected.argmax())]
    assert shop.attributes.matching("hue = 'blue'") == ["b"]
    assert len(shop.labels.next("hue", 2)) == 2


def test_examples_stay_and_take_over(shop):
    shop.labels.learn("hue", {"r": "warm", "y": "warm", "g": "cold", "b": "cold"})
    shop.labels.tell("hue", ["red", "blue"])
    assert shop.labels.examples("hue") == {"r": "warm", "y": "warm", "g": "cold", "b": "cold"}
    assert shop.attributes.matching("hue = 'warm'") == ["r", "y"]
    assert shop.attributes.matching("hue = 'red'") == ["pale"]
    shop.labels.learn("hue", {"pale": "warm"})
    assert shop.attributes.matching("hue in ('red', 'blue')") == []


def test_an_encoder_without_texts_says_which_have_them(shop):
    shop.encode("colour-histogram")
    for ask in (lambda: shop.query(text="red"), lambda: shop.labels.tell("hue", ["red", "blue"])):
        with pytest.raises(UnsupportedError, match="colour-histogram embeds pictures only.*open_clip:.*onnx:PATH"):
            ask()
    assert shop.labels.names() == []
    encoder = next(s.encoder_id for s in shop.features() if s.encoder_id.startswith("onnx:"))
    assert shop.labels.tell("hue", ["red", "blue"], encoder=encoder).encoder == encoder


def test_wrong_questions(shop, tmp_path):
    for wrong in ({"text": " "}, {"text": "red", "like": ["r"]}, {"text": "red", "dislike": ["r"]}, {}):
        with pytest.raises(InputError):
            shop.query(**wrong)
    for values in ([], ["red"], ["red", "red "]):
        with pytest.raises(InputError, match="two values or more"):
            shop.labels.tell("hue", values)
    write_pair(tmp_path / "pair").with_name("picture.onnx.json").write_text('{"mean": [0, 0, 0], "std": [1, 1, 1]}')
    with pytest.raises(UnsupportedError, match="has no text tower"):
        shop.query(text="red")
    bare = Workspace.create(tmp_path / "bare")
    (tmp_path / "one.csv").write_text("item_id\na\n")
    bare.ingest(items=tmp_path / "one.csv")
    with pytest.raises(NotFittedError, match="visrec encode"):
        bare.query(text="red")


def test_another_version_of_the_encoder_is_not_mixed(shop, tmp_path):
    write_pair(tmp_path / "pair").with_name("picture.onnx.json").write_text(
        '{"mean": [0, 0, 0], "std": [0.5, 0.5, 0.5], "text": "text.onnx"}'
    )
    with pytest.raises(NotFittedError, match="another version"):
        shop.query(text="red")
