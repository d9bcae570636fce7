"""Texts in the space of the pictures: a user's own ONNX pair, and open_clip."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from onnx_pair import write_pair
from visrec.core.errors import InputError, UnsupportedError, WeightsError
from visrec.core.protocols import TextTower
from visrec.encoders.colour_histogram import ColourHistogram
from visrec.encoders.onnx_file import OnnxFile


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("length", ["length", 6])
def test_texts_and_pictures_share_a_space(tmp_path, length):
    encoder = OnnxFile(write_pair(tmp_path, length=length))
    assert isinstance(encoder, TextTower)
    red = encoder.embed(np.full((1, 8, 8, 3), (255, 0, 0), np.uint8))
    texts = encoder.embed_texts(["red", "a photo of red and blue", "nothing known", ""])
    assert texts.dtype == np.float32
    np.testing.assert_allclose(texts, [[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(red, texts[:1], atol=1e-6)


def test_a_text_stands_alone_whatever_else_is_asked(tmp_path):
    encoder = OnnxFile(write_pair(tmp_path))
    together = encoder.embed_texts(["green", "yellow yellow yellow"])
    np.testing.assert_allclose(encoder.embed_texts(["green"])[0], together[0])


def test_texts_are_cut_to_what_the_graph_takes(tmp_path):
    encoder = OnnxFile(write_pair(tmp_path, length=2))
    np.testing.assert_allclose(encoder.embed_texts(["red blue green green"]), [[1, 0, 1]])


def test_the_tokenizers_own_padding_is_kept(tmp_path):
    path = write_pair(tmp_path, masked=False, length=3)
    np.testing.assert_allclose(OnnxFile(path).embed_texts(["red"]), [[3, 2, 2]])  # two paddings, which mean white
    body = json.loads((tmp_path / "tokenizer.json").read_text())
    body["padding"] = {"strategy": {"Fixed": 3}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 2,
                       "pad_type_id": 0, "pad_token": "red"}  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(body))
    np.testing.assert_allclose(OnnxFile(path).embed_texts(["green"]), [[2, 1, 0]])


def test_without_a_text_tower(tmp_path):
    path = write_pair(tmp_path)
    path.with_name("picture.onnx.json").write_text('{"mean": [0, 0, 0], "std": [1, 1, 1]}')
    with pytest.raises(UnsupportedError, match=r'"text" and "tokenizer" in picture.onnx.json'):
        OnnxFile(path).embed_texts(["red"])
    assert not isinstance(ColourHistogram(), TextTower)


def test_a_text_tower_does_not_change_what_pictures_are(tmp_path):
    path = write_pair(tmp_path)
    with_text = OnnxFile(path).info.fingerprint
    path.with_name("picture.onnx.json").write_text('{"mean": [0, 0, 0], "std": [1, 1, 1]}')
    assert OnnxFile(path).info.fingerprint == with_text


def test_files_that_do_not_go_together(tmp_path):
    path = write_pair(tmp_path, dim=5)
    with pytest.raises(InputError, match=r"expected text embeddings \(1, 3\).*text_output"):
        OnnxFile(path).embed_texts(["red"])
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match="tokenizer"):
        OnnxFile(path).embed_texts(["red"])
    (tmp_path / "text.onnx").unlink()
    with pytest.raises(InputError, match="text.onnx, which does not exist"):
        OnnxFile(path)


def test_open_clip_embeds_texts_with_its_own_tokenizer(monkeypatch):
    """The library itself is not needed: what is called is checked, and that the vectors come through."""
    import torch

    asked = []

    class Model(torch.nn.Module):
        def encode_image(self, pixels):
            return pixels.mean(dim=(2, 3))

        def encode_text(self, tokens):
            return tokens.to(torch.float32) * 2

    def get_tokenizer(architecture):
        asked.append(architecture)
        return lambda texts: torch.tensor([[len(text), 0, 1] for text in texts])

    settings = {"size": 8, "mean": (0, 0, 0), "std": (1, 1, 1)}
    library = SimpleNamespace(get_model_preprocess_cfg=lambda model: settings, get_tokenizer=get_tokenizer)
    monkeypatch.setitem(sys.modules, "open_clip", library)
    from visrec.encoders.open_clip_model import OpenClipModel

    encoder = OpenClipModel("some-net/here", create=lambda architecture, pretrained: Model())
    assert isinstance(encoder, TextTower)
    np.testing.assert_array_equal(encoder.embed_texts(["abc", "de"]), [[6, 0, 2], [4, 0, 2]])
    assert asked == ["some-net"]
    library.get_tokenizer = lambda architecture: (_ for _ in ()).throw(OSError("no network"))
    with pytest.raises(WeightsError, match="tokenizer of open_clip:some-net/here"):
        encoder.embed_texts(["abc"])
