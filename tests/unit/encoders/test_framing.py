"""Crop, size and normalisation."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from visrec.core.errors import InputError
from visrec.encoders.framing import Framing
from visrec.encoders.normalise import accept_pixels


def ramp(width: int, height: int) -> Image.Image:
    """Red tells x, green tells y."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    return Image.fromarray(pixels)


def test_the_centre_is_cut_out() -> None:
    square = Framing(10, 0.5, "nearest").apply(ramp(40, 20))
    assert square.shape == (10, 10, 3)
    assert square[0, :, 0].tolist() == list(range(15, 25))
    assert square[:, 0, 1].tolist() == list(range(5, 15))


def test_the_whole_picture_is_squeezed() -> None:
    square = Framing(10, 1.0, "nearest", whole=True).apply(ramp(40, 20))
    assert square[0, :, 0].tolist() == list(range(2, 40, 4))
    assert square[:, 0, 1].tolist() == list(range(1, 20, 2))


def test_equals_resizing_and_then_cropping() -> None:
    picture = Image.effect_noise((256, 300), 60).convert("RGB")
    together = Framing(224, 0.875, "bicubic").apply(picture).astype(int)
    expected = np.asarray(picture.crop((16, 38, 240, 262))).astype(int)
    assert np.abs(together - expected).max() <= 1


@pytest.mark.parametrize(("size", "crop", "expected"), [(224, 0.875, 256), (224, 1.0, 224), (260, 260 / 292, 292)])
def test_what_a_picture_must_be_decoded_to(size: int, crop: float, expected: int) -> None:
    assert Framing(size, crop).at_least == expected


def test_everything_is_described() -> None:
    one, other = Framing(224, 0.875), Framing(224, 0.875, std=(128.0, 128.0, 128.0))
    assert one.describe() != other.describe()
    assert one.describe()["mean"] == [127.5, 127.5, 127.5]


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"crop": 0.0}, {"crop": 1.1}, {"interpolation": "magic"}, {"std": (1.0, 0.0, 1.0)}]
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Expected"):
        Framing(**{"size": 8, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("channels_last", [False, True])
def test_normalisation_inside_the_graph(channels_last: bool) -> None:
    framing = Framing(4, mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    shape = ["n", 4, 4, 3] if channels_last else ["n", 3, 4, 4]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["picture"], ["out"])],
        "identity",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    accept_pixels(model, framing, channels_last)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    (result,) = session.run(None, {session.get_inputs()[0].name: batch})
    expected = (batch.astype(np.float64) - [10, 20, 30]) / [2, 4, 5]
    assert result == pytest.approx(expected if channels_last else expected.transpose(0, 3, 1, 2), rel=1e-5)
