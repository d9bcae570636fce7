"""Every encoder that visrec knows, by the name that a user types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from visrec.core.errors import InputError
from visrec.core.protocols import ImageEncoder, TextEncoder
from visrec.encoders.weights import Say, quiet

__all__ = ["DEFAULT_IMAGE_ENCODER", "DEFAULT_TEXT_ENCODER", "ENCODERS", "EncoderEntry", "image_encoder", "text_encoder"]

DEFAULT_IMAGE_ENCODER = "efficientnet-lite0"
DEFAULT_TEXT_ENCODER = "bge-small"


@dataclass(frozen=True)
class EncoderEntry:
    """One row of the table of encoders.

    Attributes:
        id: what a user types; ends with ":" where a name or a path follows.
        modality: "image" or "text".
        dim: length of an embedding; 0 where it depends on the model.
        about: one line.
        licence: SPDX id of the weights.
        images_per_second: about, on two cores; texts per second for a text encoder; 0 where it depends on the model.
    """

    id: str
    modality: Literal["image", "text"]
    dim: int
    about: str
    licence: str
    images_per_second: float


#: id -> entry; the factories are below, so that listing encoders loads none of them.
ENCODERS: Mapping[str, EncoderEntry] = MappingProxyType(
    {
        entry.id: entry
        for entry in (
            EncoderEntry(
                "efficientnet-lite0", "image", 1280, "fast; its weights come with the installation", "Apache-2.0", 97
            ),
            EncoderEntry("efficientnet-lite2", "image", 1280, "a little better, a little slower", "Apache-2.0", 56),
            EncoderEntry("clip-vit-b16", "image", 512, "best by far, slow; fetched at first use", "MIT", 3.7),
            EncoderEntry(
                "colour-histogram", "image", 128, "colours only: a baseline without weights", "Apache-2.0", 1000
            ),
            EncoderEntry("onnx:", "image", 0, "onnx:PATH, your own encoder as an ONNX file", "yours", 0),
            EncoderEntry("timm:", "image", 0, "timm:NAME, needs the extra 'timm'", "see the model", 0),
            EncoderEntry(
                "open_clip:",
                "image",
                0,
                "open_clip:ARCHITECTURE/PRETRAINED, needs the extra 'open-clip'",
                "see the model",
                0,
            ),
            EncoderEntry("bge-small", "text", 384, "English titles and descriptions; fetched at first use", "MIT", 20),
        )
    }
)


def image_encoder(name: str = DEFAULT_IMAGE_ENCODER, *, threads: int | None = None, say: Say = quiet) -> ImageEncoder:
    """Make an image encoder; its weights are found or fetched now, its network is loaded at the first batch.

    Args:
        name: an id of `ENCODERS`; "onnx:PATH", "timm:NAME" or "open_clip:ARCHITECTURE/PRETRAINED".
        threads: threads of the network; None leaves it to ONNX Runtime.
        say: told what is fetched or converted.

    Raises:
        InputError: when there is no such image encoder.
        WeightsError: when its weights cannot be had.
        MissingExtraError: when an optional dependency is missing.
    """
    kind, colon, rest = name.partition(":")
    if colon and rest and f"{kind}:" in _WITH_ARGUMENT:
        return _WITH_ARGUMENT[f"{kind}:"](rest, threads, say)
    if name in _BY_NAME:
        return _BY_NAME[name](threads, say)
    raise InputError(_unknown(name, "image"))


def text_encoder(name: str = DEFAULT_TEXT_ENCODER, *, threads: int | None = None, say: Say = quiet) -> TextEncoder:
    """Make a text encoder; as `image_encoder`."""
    if name != "bge-small":
        raise InputError(_unknown(name, "text"))
    from visrec.encoders.bge_small import BgeSmall

    return BgeSmall(threads, say)


def _unknown(name: str, modality: str) -> str:
    shapes = {"onnx:": "onnx:PATH", "timm:": "timm:NAME", "open_clip:": "open_clip:ARCHITECTURE/PRETRAINED"}
    names = [shapes.get(entry.id, entry.id) for entry in ENCODERS.values() if entry.modality == modality]
    return f"There is no {modality} encoder {name!r}. Known: {', '.join(names)}."


def _lite0(threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.efficientnet_lite import EfficientNetLite

    return EfficientNetLite("efficientnet-lite0", threads, say)


def _lite2(threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.efficientnet_lite import EfficientNetLite

    return EfficientNetLite("efficientnet-lite2", threads, say)


def _clip(threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.clip_vit_b16 import ClipVitB16

    return ClipVitB16(threads, say)


def _histogram(threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.colour_histogram import ColourHistogram

    return ColourHistogram()


def _onnx(path: str, threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.onnx_file import OnnxFile

    return OnnxFile(path, threads)


def _timm(name: str, threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.timm_model import TimmModel

    return TimmModel(name, say)


def _open_clip(name: str, threads: int | None, say: Say) -> ImageEncoder:
    from visrec.encoders.open_clip_model import OpenClipModel

    return OpenClipModel(name, say)


_BY_NAME: Mapping[str, Callable[[int | None, Say], ImageEncoder]] = MappingProxyType(
    {
        "efficientnet-lite0": _lite0,
        "efficientnet-lite2": _lite2,
        "clip-vit-b16": _clip,
        "colour-histogram": _histogram,
    }
)
_WITH_ARGUMENT: Mapping[str, Callable[[str, int | None, Say], ImageEncoder]] = MappingProxyType(
    {"onnx:": _onnx, "timm:": _timm, "open_clip:": _open_clip}
)
