"""timm and open_clip: the real loading code on small models with random weights, where the libraries are installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visrec.core.errors import InputError, MissingExtraError, WeightsError
from visrec.encoders.offline import hub_as_allowed
from visrec.encoders.open_clip_model import OpenClipModel
from visrec.encoders.registry import image_encoder
from visrec.encoders.self_test import drawn_pictures
from visrec.encoders.timm_model import TimmModel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.mark.parametrize(
    ("name", "library", "extra"), [("timm:x", "timm", "timm"), ("open_clip:a/b", "open_clip", "open-clip")]
)
def test_missing_library_names_the_install_command(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"visrec\[{extra}\]"):
        image_encoder(name)


def needs(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


def tiny_timm(name: str) -> Any:
    import timm
    import torch

    torch.manual_seed(0)
    return timm.create_model(name, pretrained=False, num_classes=0)


def test_timm_model() -> None:
    needs("timm")
    encoder = TimmModel("test_resnet.r160_in1k", create=tiny_timm)
    assert encoder.info.id == "timm:test_resnet.r160_in1k"
    described = encoder.info.preprocessing
    assert described["size"] == 160
    assert described["crop"] == pytest.approx(0.95)
    batch = np.stack([encoder.preprocess(picture) for picture in drawn_pictures()[:3]])
    embeddings = encoder.embed(batch)
    assert embeddings.shape == (3, encoder.info.dim) and embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all() and np.ptp(embeddings, axis=0).max() > 0
    assert TimmModel("test_resnet.r160_in1k", create=tiny_timm).info.fingerprint == encoder.info.fingerprint


def test_unknown_timm_model() -> None:
    needs("timm")
    with pytest.raises(InputError, match="timm does not know"):
        image_encoder("timm:no_such_model_at_all")


def test_timm_weights_that_cannot_be_fetched() -> None:
    needs("timm")

    def create(name: str) -> Any:
        raise OSError("no network")

    with pytest.raises(WeightsError, match="could not be fetched"):
        TimmModel("resnet18", create=create)


@pytest.mark.parametrize("name", ["ViT-B-32", "/openai", "ViT-B-32/"])
def test_open_clip_name_needs_both_parts(name: str) -> None:
    needs("open_clip")
    with pytest.raises(InputError, match="ARCHITECTURE/PRETRAINED"):
        OpenClipModel(name)


TINY_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
}


def test_open_clip_model(tmp_path: Path) -> None:
    needs("open_clip")
    import open_clip
    import torch

    (tmp_path / "visrec-tiny.json").write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(tmp_path / "visrec-tiny.json")

    def create(architecture: str, pretrained: str | None) -> Any:
        assert (architecture, pretrained) == ("visrec-tiny", "made-here")
        torch.manual_seed(0)
        return open_clip.create_model(architecture, pretrained=None)

    encoder = OpenClipModel("visrec-tiny/made-here", create=create)
    assert encoder.info.id == "open_clip:visrec-tiny/made-here"
    assert (encoder.info.dim, encoder.info.preprocessing["size"]) == (16, 32)
    batch = np.stack([encoder.preprocess(picture) for picture in drawn_pictures()[:3]])
    embeddings = encoder.embed(batch)
    assert embeddings.shape == (3, 16) and np.isfinite(embeddings).all()


@pytest.mark.parametrize("name", ["no-such-architecture/openai", "ViT-B-32/no-such-tag"])
def test_unknown_open_clip_model(name: str) -> None:
    needs("open_clip")
    with pytest.raises(InputError, match="open_clip does not know"):
        image_encoder(f"open_clip:{name}")


@pytest.mark.parametrize(
    ("name", "library"),
    [("timm:test_resnet.r160_in1k", "timm"), ("open_clip:ViT-B-32/laion2b_s34b_b79k", "open_clip")],
)
def test_offline_fetches_nothing(name: str, library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needs(library)
    monkeypatch.setenv("VISREC_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="VISREC_OFFLINE"):
        image_encoder(name)


def test_the_hub_is_offline_only_when_visrec_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    monkeypatch.setenv("VISREC_OFFLINE", "1")
    with hub_as_allowed():
        assert constants.HF_HUB_OFFLINE
    assert before == constants.HF_HUB_OFFLINE
    monkeypatch.setenv("VISREC_OFFLINE", "0")
    with hub_as_allowed():
        assert before == constants.HF_HUB_OFFLINE
