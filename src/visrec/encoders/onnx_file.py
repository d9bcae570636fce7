"""`onnx:PATH`: the user's own image encoder as an ONNX file.

The input's size and layout are read from the graph; a float input gets its normalisation, and a uint8 input is
taken to do its own. What the graph cannot tell is read from PATH.json beside it, all keys optional:

    {"size": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "crop": 0.875, "interpolation": "bicubic", "whole": false, "output": "embedding", "licence": "MIT"}

mean and std are on the scale 0 … 1. Without the file: ImageNet's mean and std (as above), crop 0.875, bicubic.

The text tower of the same model, for search by text and labels by name, is named there too, relative to PATH's folder:

    {"text": "text.onnx", "tokenizer": "tokenizer.json", "text_output": "text_embeds"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, UnsupportedError, WeightsError
from visrec.core.protocols import EncoderInfo
from visrec.encoders.cache import build_once, cache_dir, sha256_of
from visrec.encoders.framing import Framing
from visrec.encoders.normalise import accept_pixels
from visrec.encoders.onnx_text import OnnxTextTower
from visrec.encoders.session import OnnxSession

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "OnnxFile"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_KEYS = {
    "size", "mean", "std", "crop", "interpolation", "whole", "output", "licence", "text", "tokenizer", "text_output"
}  # fmt: skip


class OnnxFile:
    """An image encoder that somebody brings along.

    Args:
        path: an .onnx file whose first input is a batch of pictures, and whose chosen output is (n, dim) or
            (n, dim, 1, 1).
        threads: threads of ONNX Runtime.

    Raises:
        InputError: when the file or the settings beside it do not describe an image encoder.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        self._path = Path(path)
        if not self._path.is_file():
            raise InputError(f"Expected an ONNX file, {self._path} does not exist.")
        settings = _settings(self._path)
        model = _load(self._path)
        layout = _Layout(model, self._path, settings.get("size"))
        self._framing = _framing(settings, layout.size, self._path)
        self._layout = layout
        self._output = _output_name(model, settings.get("output"), self._path)
        self._digest = sha256_of(self._path)
        described = {**self._framing.describe(), "layout": layout.name, "output": self._output}
        self._session = OnnxSession(self._model, threads, output=self._output)
        self._info = EncoderInfo(
            id=f"onnx:{path}",
            modality="image",
            dim=self._dim(),
            weights_sha256=self._digest,
            preprocessing=described,
            licence=str(settings.get("licence", "unknown")),
            source=f"file {self._path.name}",
        )
        self._texts = _text_tower(settings, self._path, self._info.dim, threads)

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """Crop and resize; uint8 (size, size, 3)."""
        return self._framing.apply(image)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed uint8 (n, size, size, 3); float32 (n, dim)."""
        if self._layout.fixed_batch:
            rows = [self._session.run_single(row[None]) for row in batch]
            return np.concatenate(rows).reshape(len(batch), -1)
        return self._session.run_single(batch).reshape(len(batch), -1)

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts in the space of the pictures; float32 (len(texts), dim).

        Raises:
            UnsupportedError: when no text tower is named beside the file.
        """
        if self._texts is None:
            raise UnsupportedError(
                f'{self._path} has no text tower: name its "text" and "tokenizer" in {self._path.name}.json beside it.'
            )
        return self._texts.embed(texts)

    def _dim(self) -> int:
        """Found by running one grey picture: graphs often leave the output's shape open."""
        size = self._framing.size
        embedding = self.embed(np.full((1, size, size, 3), 128, np.uint8))
        return int(embedding.shape[1])

    def _model(self) -> Path:
        if self._layout.takes_pixels:
            return self._path
        mark = json.dumps([self._framing.describe(), self._layout.name], sort_keys=True)
        name = f"onnx-{self._digest[:16]}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}.onnx"
        return build_once(cache_dir() / "converted" / name, self._convert)

    def _convert(self) -> bytes:
        model = _load(self._path)
        accept_pixels(model, self._framing, channels_last=self._layout.name == "NHWC")
        return bytes(model.SerializeToString())


class _Layout:
    """Reads layout, size and element type of a graph's first input."""

    def __init__(self, model: Any, path: Path, size: int | None) -> None:
        from onnx import TensorProto

        if not model.graph.input:
            raise InputError(f"{path} has no input.")
        first = model.graph.input[0].type.tensor_type
        shape = [dimension.dim_value for dimension in first.shape.dim]
        if len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise InputError(f"{path}: expected a first input (n, 3, h, w) or (n, h, w, 3), got {shape} (0: any).")
        self.name = "NCHW" if shape[1] == 3 else "NHWC"
        height, width = shape[2:] if self.name == "NCHW" else shape[1:3]
        if height != width or (height and size and height != size):
            raise InputError(f"{path}: expected a square input of {size or 'one size'}, got {height} x {width}.")
        self.size = int(height or size or 224)
        self.fixed_batch = shape[0] == 1
        if first.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8):
            raise InputError(f"{path}: expected a float32 or uint8 input; convert the graph to float32.")
        self.takes_pixels = first.elem_type == TensorProto.UINT8
        if self.takes_pixels and self.name != "NHWC":
            raise InputError(f"{path}: expected a uint8 input as (n, h, w, 3), got (n, 3, h, w).")


def _settings(path: Path) -> dict[str, Any]:
    beside = path.with_name(path.name + ".json")
    if not beside.is_file():
        return {}
    try:
        settings = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{beside} is not JSON ({error}).") from error
    unknown = set(settings) - _KEYS if isinstance(settings, dict) else None
    if unknown is None or unknown:
        raise InputError(f"{beside}: expected an object with some of {sorted(_KEYS)}, got {sorted(unknown or [])}.")
    return dict(settings)


def _text_tower(settings: dict[str, Any], path: Path, dim: int, threads: int | None) -> OnnxTextTower | None:
    if "text" not in settings:
        return None
    model, tokeniser = (
        path.parent / str(settings.get(key, default))
        for key, default in (("text", ""), ("tokenizer", "tokenizer.json"))
    )
    return OnnxTextTower(model, tokeniser, dim, settings.get("text_output"), threads)


def _framing(settings: dict[str, Any], size: int, path: Path) -> Framing:
    try:
        mean = [float(value) * 255 for value in settings.get("mean", IMAGENET_MEAN)]
        std = [float(value) * 255 for value in settings.get("std", IMAGENET_STD)]
        return Framing(
            size,
            float(settings.get("crop", 0.875)),
            settings.get("interpolation", "bicubic"),
            (mean[0], mean[1], mean[2]),
            (std[0], std[1], std[2]),
            bool(settings.get("whole", False)),
        )
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}.json: mean, std or crop is not what is expected ({error}).") from error


def _output_name(model: Any, wanted: str | None, path: Path) -> str:
    names = [output.name for output in model.graph.output]
    if wanted is None:
        return str(names[0])
    if wanted not in names:
        raise InputError(f"{path}: there is no output {wanted!r}; it has {', '.join(names)}.")
    return wanted


def _load(path: Path) -> Any:
    import onnx

    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's errors share no public base class.
        raise WeightsError(f"{path} is not an ONNX file ({error}).") from error
