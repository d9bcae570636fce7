"""A user's own ONNX file: what is read from the graph, what from the settings beside it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from visrec.core.errors import InputError, WeightsError
from visrec.encoders.onnx_file import OnnxFile


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))


def graph(path: Path, shape: list[object], kind: int = TensorProto.FLOAT, output: int = TensorProto.FLOAT) -> Path:
    """Gives the mean over height and width of each channel."""
    axes = [2, 3] if shape[1] == 3 else [1, 2]
    nodes = [
        helper.make_node("Cast", ["picture"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["colour"], axes=axes, keepdims=0),
        helper.make_node("Neg", ["colour"], ["negative"]),
    ]
    made = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("picture", kind, shape)],
        [
            helper.make_tensor_value_info("colour", output, ["n", 3]),
            helper.make_tensor_value_info("negative", output, ["n", 3]),
        ],
    )
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def embed(encoder: OnnxFile) -> np.ndarray:
    size = encoder.info.preprocessing["size"]
    batch = np.zeros((2, size, size, 3), np.uint8)
    batch[0], batch[1] = (255, 0, 51), (0, 255, 102)
    return encoder.embed(batch)


IMAGENET = [
    [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225],
    [-0.485 / 0.229, 0.544 / 0.224, -0.006 / 0.225],
]


@pytest.mark.parametrize("shape", [["n", 3, 16, 16], ["n", 16, 16, 3], [1, 3, 16, 16]])
def test_layout_and_size_come_from_the_graph(tmp_path: Path, shape: list[object]) -> None:
    encoder = OnnxFile(graph(tmp_path / "a.onnx", shape))
    assert encoder.info.preprocessing["size"] == 16
    assert encoder.info.preprocessing["layout"] == ("NCHW" if shape[1] == 3 else "NHWC")
    assert encoder.info.dim == 3
    assert embed(encoder) == pytest.approx(np.array(IMAGENET), abs=1e-5)


def test_open_size_is_224_unless_told(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", ["n", 3, "h", "w"])
    assert OnnxFile(path).info.preprocessing["size"] == 224
    (tmp_path / "a.onnx.json").write_text('{"size": 96}')
    assert OnnxFile(path).info.preprocessing["size"] == 96


def test_settings_beside_the_file(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", ["n", 3, 8, 8])
    settings = {"mean": [0, 0, 0], "std": [1, 1, 1], "crop": 1.0, "output": "negative", "licence": "MIT", "whole": True}
    (tmp_path / "a.onnx.json").write_text(json.dumps(settings))
    encoder = OnnxFile(path)
    assert embed(encoder) == pytest.approx(np.array([[-1, 0, -0.2], [0, -1, -0.4]]), abs=1e-5)
    assert encoder.info.licence == "MIT"
    assert encoder.info.preprocessing["whole"] is True


def test_a_graph_that_takes_pixels_is_used_as_it_is(tmp_path: Path) -> None:
    encoder = OnnxFile(graph(tmp_path / "a.onnx", ["n", 8, 8, 3], TensorProto.UINT8))
    assert embed(encoder).tolist() == [[255, 0, 51], [0, 255, 102]]


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        (["n", 4, 8, 8], TensorProto.FLOAT, r"first input \(n, 3, h, w\)"),
        (["n", 3, 8, 9], TensorProto.FLOAT, "square"),
        (["n", 3, 8, 8], TensorProto.DOUBLE, "float32 or uint8"),
        (["n", 3, 8, 8], TensorProto.UINT8, r"uint8 input as \(n, h, w, 3\)"),
    ],
)
def test_other_graphs_are_refused(tmp_path: Path, shape: list[object], kind: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        OnnxFile(graph(tmp_path / "a.onnx", shape, kind))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "expected an object"),
        ('{"sise": 3}', "sise"),
        ('{"size": 9}', "square input of 9"),
        ('{"mean": [1]}', "mean, std or crop"),
        ('{"std": [0, 1, 1]}', "std above 0"),
        ('{"output": "logits"}', "no output 'logits'; it has colour, negative"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: str, message: str) -> None:
    path = graph(tmp_path / "a.onnx", ["n", 3, 8, 8])
    (tmp_path / "a.onnx.json").write_text(settings)
    with pytest.raises(InputError, match=message):
        OnnxFile(path)


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        OnnxFile(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsError, match="not an ONNX file"):
        OnnxFile(tmp_path / "bad.onnx")
