"""The hand-built tower computes what torch's own layers compute, and serves checkpoints as the hub holds them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from visrec.core.errors import WeightsError
from visrec.encoders.checkpoint import read_checkpoint
from visrec.encoders.clip_vision_tower import CLIP_VISION_PREFIXES, clip_vision_graph
from visrec.encoders.clip_vit_b16 import ClipVitB16
from visrec.encoders.weight_table import WEIGHTS, Weight, WeightFile, WeightSource
from visrec.encoders.weights import LocalWeights, fetch

BLOCKS = 2


def checkpoint(size: int, patch: int, width: int, dim: int) -> dict[str, torch.Tensor]:
    """A CLIP of random weights: the image tower, and bits of the text tower as a real checkpoint has them."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    state = {
        "logit_scale": torch.tensor(4.6),
        "text_model.embeddings.position_ids": torch.arange(77)[None],
        "text_projection.weight": random(dim, 8),
        "vision_model.embeddings.position_ids": torch.arange((size // patch) ** 2 + 1)[None],
        "vision_model.embeddings.class_embedding": random(width),
        "vision_model.embeddings.patch_embedding.weight": random(width, 3, patch, patch),
        "vision_model.embeddings.position_embedding.weight": random((size // patch) ** 2 + 1, width),
        "visual_projection.weight": random(dim, width),
    }
    norms = ["vision_model.pre_layrnorm", "vision_model.post_layernorm"]
    for block in range(BLOCKS):
        prefix = f"vision_model.encoder.layers.{block}."
        norms += [f"{prefix}layer_norm1", f"{prefix}layer_norm2"]
        shapes = {f"self_attn.{part}_proj": (width, width) for part in "qkv"}
        shapes |= {"self_attn.out_proj": (width, width), "mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
        for name, shape in shapes.items():
            state[f"{prefix}{name}.weight"], state[f"{prefix}{name}.bias"] = random(*shape), random(shape[0])
    for name in norms:
        state[f"{name}.weight"], state[f"{name}.bias"] = 1 + random(width), random(width)
    return state


def norm(state: dict[str, torch.Tensor], name: str, hidden: torch.Tensor) -> torch.Tensor:
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return nn.functional.layer_norm(hidden, weight.shape, weight, bias, 1e-5)


def attention(state: dict[str, torch.Tensor], prefix: str, hidden: torch.Tensor, heads: int) -> torch.Tensor:
    layer = nn.MultiheadAttention(hidden.shape[2], heads, batch_first=True)
    layer.load_state_dict(
        {
            "in_proj_weight": torch.cat([state[f"{prefix}{part}_proj.weight"] for part in "qkv"]),
            "in_proj_bias": torch.cat([state[f"{prefix}{part}_proj.bias"] for part in "qkv"]),
            "out_proj.weight": state[f"{prefix}out_proj.weight"],
            "out_proj.bias": state[f"{prefix}out_proj.bias"],
        }
    )
    return layer(hidden, hidden, hidden, need_weights=False)[0]


@torch.inference_mode()
def by_torch(state: dict[str, torch.Tensor], pixels: np.ndarray, heads: int) -> np.ndarray:
    """The same network out of torch's layers; float (n, 3, size, size) to (n, dim)."""
    kernel = state["vision_model.embeddings.patch_embedding.weight"]
    patches = nn.functional.conv2d(torch.tensor(pixels), kernel, stride=kernel.shape[2]).flatten(2).transpose(1, 2)
    first = state["vision_model.embeddings.class_embedding"].expand(len(pixels), 1, -1)
    hidden = torch.cat([first, patches], dim=1) + state["vision_model.embeddings.position_embedding.weight"]
    hidden = norm(state, "vision_model.pre_layrnorm", hidden)
    for block in range(BLOCKS):
        prefix = f"vision_model.encoder.layers.{block}."
        hidden = hidden + attention(state, f"{prefix}self_attn.", norm(state, f"{prefix}layer_norm1", hidden), heads)
        inner = nn.functional.linear(
            norm(state, f"{prefix}layer_norm2", hidden),
            state[f"{prefix}mlp.fc1.weight"],
            state[f"{prefix}mlp.fc1.bias"],
        )
        inner = inner * torch.sigmoid(1.702 * inner)
        hidden = hidden + nn.functional.linear(inner, state[f"{prefix}mlp.fc2.weight"], state[f"{prefix}mlp.fc2.bias"])
    pooled = norm(state, "vision_model.post_layernorm", hidden[:, 0])
    return (pooled @ state["visual_projection.weight"].T).numpy()


def arrays(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in state.items()}


def run(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": pixels})[0]


@pytest.mark.parametrize("heads", [1, 3])
def test_equals_torch(heads: int) -> None:
    state = checkpoint(size=32, patch=8, width=24, dim=10)
    pixels = np.random.default_rng(1).normal(size=(3, 3, 32, 32)).astype(np.float32)
    embeddings = run(clip_vision_graph(arrays(state), 32, heads), pixels)
    assert embeddings.shape == (3, 10)
    assert np.ptp(embeddings, axis=0).min() > 0.1
    assert embeddings == pytest.approx(by_torch(state, pixels, heads), abs=1e-4)


def test_arrays_stay_as_they_were() -> None:
    state = arrays(checkpoint(size=32, patch=8, width=24, dim=10))
    before = {name: array.copy() for name, array in state.items()}
    clip_vision_graph(state, 32, 3)
    assert all(np.array_equal(state[name], array) for name, array in before.items())


def test_missing_array_is_named() -> None:
    state = arrays(checkpoint(size=32, patch=8, width=24, dim=10))
    del state["vision_model.encoder.layers.1.mlp.fc2.bias"]
    with pytest.raises(WeightsError, match=r"layers\.1\.mlp\.fc2\.bias"):
        clip_vision_graph(state, 32, 3)


@pytest.mark.parametrize("size", [24, 36, 64])
def test_checkpoint_of_another_input_size_is_refused(size: int) -> None:
    with pytest.raises(WeightsError, match=rf"for pictures of {size} x {size}.*got \(17, 24\)"):
        clip_vision_graph(arrays(checkpoint(size=32, patch=8, width=24, dim=10)), size, 3)


def test_only_the_image_tower_is_read(tmp_path: Path) -> None:
    state = checkpoint(size=32, patch=8, width=24, dim=10)
    torch.save(state, tmp_path / "model.bin")
    read = read_checkpoint(tmp_path / "model.bin", CLIP_VISION_PREFIXES)
    assert set(state) - set(read) == {"logit_scale", "text_model.embeddings.position_ids", "text_projection.weight"}
    name = "visual_projection.weight"
    assert np.array_equal(read[name], state[name].numpy())
    assert set(read_checkpoint(tmp_path / "model.bin")) == set(state)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.file,))


def test_what_is_not_a_checkpoint_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    (tmp_path / "page.bin").write_bytes(b"<html>")
    torch.save({"weight": Trap(tmp_path / "ran")}, tmp_path / "object.bin")
    for name in ("page.bin", "object.bin", "absent.bin"):
        with pytest.raises(WeightsError, match=f"{name} cannot be read as a checkpoint"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def from_stand_in(state: dict[str, torch.Tensor]) -> LocalWeights:
    """What `fetch` brings when the hub holds this checkpoint."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()

    def hub(source: WeightSource, folder: Path) -> None:
        (folder / source.files[0].name).write_bytes(content)

    file = WeightFile("model.bin", "pytorch_model.bin", len(content), hashlib.sha256(content).hexdigest())
    source = WeightSource("hub", "owner/clip", "0" * 40, (file,), note="float32")
    return fetch(Weight("clip-vit-b16", "MIT", "a small one", (source,)), hub=hub)


def small_clip() -> dict[str, torch.Tensor]:
    return checkpoint(size=224, patch=32, width=48, dim=512)


def test_encoder_out_of_a_hub_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path))
    state = small_clip()
    local, said = from_stand_in(state), list[str]()
    encoder = ClipVitB16(1, said.append, local)
    noise = np.random.default_rng(0).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(noise).resize((224, 224), Image.Resampling.BICUBIC))
    batch = np.stack([smooth, 255 - smooth])
    mean = np.array([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = np.array([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    pixels = ((batch.transpose(0, 3, 1, 2) / 255 - mean) / std).astype(np.float32)
    expected = by_torch(state, pixels, heads=12)
    assert encoder.embed(batch) == pytest.approx(expected, abs=1e-3)
    assert np.abs(expected).max() > 1
    assert [line for line in said if "Converting" in line] == said
    assert encoder.info.source == "hub owner/clip at 000000000000 (float32)"

    (kept,) = (tmp_path / "converted").glob("*.onnx")
    assert local.source.sha256[:16] in kept.name
    again, silent = ClipVitB16(1, said.append, local), len(said)
    assert np.array_equal(again.embed(batch), encoder.embed(batch))
    assert len(said) == silent


def test_useless_weights_are_stopped_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path))
    state = small_clip()
    state["visual_projection.weight"] = torch.zeros_like(state["visual_projection.weight"])
    encoder = ClipVitB16(1, weights=from_stand_in(state))
    with pytest.raises(WeightsError, match="self-test"):
        encoder.embed(np.zeros((1, 224, 224, 3), np.uint8))
    assert not (tmp_path / "converted").exists()


def test_features_of_the_two_sources_never_mix() -> None:
    """The hub's weights are float32, the package's were INT8: near each other, not equal."""
    weight = WEIGHTS["clip-vit-b16"]
    assert [source.kind for source in weight.sources] == ["hub", "package"]
    encoders = [
        ClipVitB16(weights=LocalWeights(weight, source, tuple(Path(file.name) for file in source.files)))
        for source in weight.sources
    ]
    assert len({encoder.info.fingerprint for encoder in encoders}) == 2
    assert len({encoder.info.feature_set for encoder in encoders}) == 2
    assert encoders[0].info.preprocessing == encoders[1].info.preprocessing
