"""What every encoder must do, run over every encoder that is there without a download, and over the large ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image

from visrec.core.errors import WeightsError
from visrec.core.protocols import ImageEncoder, TextEncoder
from visrec.encoders.registry import ENCODERS, image_encoder, text_encoder
from visrec.encoders.self_test import drawn_pictures
from visrec.encoders.torch_model import TorchModel

Make = Callable[[Path], ImageEncoder]


def random_filters(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (24, 3, 8, 8)).astype(np.float32)


def tiny_onnx(path: Path, seed: int = 0, size: int = 32) -> Path:
    """A graph of one convolution with random weights, ReLU and two levels of pooling."""
    weight = random_filters(seed)
    nodes = [
        helper.make_node("Conv", ["picture", "w"], ["c"], kernel_shape=[8, 8], strides=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 24, 1, 1])],
        [numpy_helper.from_array(weight, "w")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def make_onnx(folder: Path) -> ImageEncoder:
    return image_encoder(f"onnx:{tiny_onnx(folder / 'tiny.onnx')}")


def make_torch(folder: Path) -> ImageEncoder:
    torch = pytest.importorskip("torch")
    from visrec.encoders.framing import Framing

    convolution = torch.nn.Conv2d(3, 24, 8, stride=4, bias=False)
    convolution.weight = torch.nn.Parameter(torch.tensor(random_filters()))
    module = torch.nn.Sequential(convolution, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return TorchModel("torch", module, module, Framing(32, 0.875), "Apache-2.0", "made in the test")


def named(name: str) -> Make:
    def make(folder: Path) -> ImageEncoder:
        try:
            return image_encoder(name)
        except WeightsError as error:
            pytest.skip(f"the weights of {name} are neither here nor can be fetched: {error}")

    return make


MAKERS = [
    pytest.param(named("efficientnet-lite0"), id="efficientnet-lite0"),
    pytest.param(named("efficientnet-lite2"), id="efficientnet-lite2"),
    pytest.param(named("colour-histogram"), id="colour-histogram"),
    pytest.param(make_onnx, id="onnx"),
    pytest.param(make_torch, id="torch"),
    pytest.param(named("clip-vit-b16"), id="clip-vit-b16", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=MAKERS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ImageEncoder:
    made: ImageEncoder = request.param(tmp_path_factory.mktemp("encoder"))
    return made


@pytest.fixture(scope="module")
def inputs(encoder: ImageEncoder) -> np.ndarray:
    return np.stack([encoder.preprocess(picture) for picture in drawn_pictures()])


@pytest.fixture(scope="module")
def embeddings(encoder: ImageEncoder, inputs: np.ndarray) -> np.ndarray:
    return encoder.embed(inputs)


def test_info_says_all(encoder: ImageEncoder) -> None:
    info = encoder.info
    assert info.modality == "image"
    assert info.dim > 0
    assert info.licence and info.source
    assert len(info.fingerprint) == 16
    assert info.preprocessing["at_least"] >= info.preprocessing["size"]
    assert json.loads(json.dumps(dict(info.preprocessing))) == info.preprocessing
    assert len(info.weights_sha256) == (0 if info.id == "colour-histogram" else 64)
    if info.id in ENCODERS:
        assert (ENCODERS[info.id].dim, ENCODERS[info.id].licence) == (info.dim, info.licence)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (224, 224), (1000, 700)])
def test_any_size_of_picture_fits(encoder: ImageEncoder, inputs: np.ndarray, size: tuple[int, int]) -> None:
    prepared = encoder.preprocess(Image.new("RGB", size, "teal"))
    assert (prepared.shape, prepared.dtype) == (inputs.shape[1:], inputs.dtype)


def test_embeddings_are_finite_float32_of_the_promised_size(encoder: ImageEncoder, embeddings: np.ndarray) -> None:
    assert embeddings.shape == (len(drawn_pictures()), encoder.info.dim)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()


def test_single_equals_batch(encoder: ImageEncoder, inputs: np.ndarray, embeddings: np.ndarray) -> None:
    single = np.concatenate([encoder.embed(row[None]) for row in inputs])
    assert single == pytest.approx(embeddings, rel=1e-4, abs=1e-4 * float(np.abs(embeddings).max()))


def test_company_in_the_batch_does_not_matter(
    encoder: ImageEncoder, inputs: np.ndarray, embeddings: np.ndarray
) -> None:
    reversed_batch = encoder.embed(inputs[::-1])
    assert reversed_batch[::-1] == pytest.approx(embeddings, rel=1e-4, abs=1e-4 * float(np.abs(embeddings).max()))


def test_deterministic(encoder: ImageEncoder, inputs: np.ndarray, embeddings: np.ndarray) -> None:
    assert np.array_equal(encoder.embed(inputs), embeddings)


def test_the_input_is_left_as_it_is(encoder: ImageEncoder) -> None:
    picture = drawn_pictures()[0]
    before = picture.tobytes()
    prepared = encoder.preprocess(picture)
    kept = prepared.copy()
    encoder.embed(prepared[None])
    assert picture.tobytes() == before
    assert np.array_equal(prepared, kept)


def test_a_picture_is_nearest_to_its_own_crop(encoder: ImageEncoder, embeddings: np.ndarray) -> None:
    pictures = drawn_pictures()
    crops = [picture.crop((32, 32, 288, 288)) for picture in pictures]
    cropped = encoder.embed(np.stack([encoder.preprocess(crop) for crop in crops]))
    centre = np.concatenate([embeddings, cropped]).mean(axis=0)
    cosines = unit(cropped - centre) @ unit(embeddings - centre).T
    assert cosines.argmax(axis=1).tolist() == list(range(len(pictures)))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_fingerprint_follows_weights_and_preprocessing(tmp_path: Path) -> None:
    path = tiny_onnx(tmp_path / "tiny.onnx", seed=0)
    first = image_encoder(f"onnx:{path}").info
    assert image_encoder(f"onnx:{path}").info.fingerprint == first.fingerprint
    tiny_onnx(path, seed=1)
    other_weights = image_encoder(f"onnx:{path}").info
    (tmp_path / "tiny.onnx.json").write_text('{"crop": 1.0}')
    other_crop = image_encoder(f"onnx:{path}").info
    prints = {first.fingerprint, other_weights.fingerprint, other_crop.fingerprint}
    assert len(prints) == 3
    assert len({first.feature_set, other_weights.feature_set, other_crop.feature_set}) == 3


def test_built_in_encoders_differ_in_fingerprint() -> None:
    names = ("efficientnet-lite0", "efficientnet-lite2", "colour-histogram")
    assert len({image_encoder(name).info.fingerprint for name in names}) == 3


@pytest.fixture(scope="module")
def text() -> TextEncoder:
    try:
        return text_encoder("bge-small")
    except WeightsError as error:
        pytest.skip(f"the weights of bge-small are neither here nor can be fetched: {error}")


@pytest.mark.slow
def test_text_embeddings(text: TextEncoder) -> None:
    texts = ["a red summer dress", "crimson evening gown", "five litres of motor oil", "", "word " * 2000, "中文标题"]
    rows = text.encode(texts)
    assert rows.shape == (6, text.info.dim) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.05
    single = np.concatenate([text.encode([one]) for one in texts])
    assert single == pytest.approx(rows, abs=1e-4)
    assert np.array_equal(text.encode(texts), rows)
    assert text.encode([]).shape == (0, text.info.dim)
    assert (text.info.modality, ENCODERS["bge-small"].dim) == ("text", text.info.dim)
