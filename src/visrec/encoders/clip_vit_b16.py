"""CLIP ViT-B/16, image tower: what a picture is about, at about four pictures a second on two cores.

Reference:
    Radford et al. (2021), Learning Transferable Visual Models From Natural Language Supervision. arXiv:2103.00020
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import WeightsError
from visrec.core.protocols import EncoderInfo
from visrec.encoders.cache import build_once, cache_dir
from visrec.encoders.checkpoint import read_checkpoint
from visrec.encoders.clip_vision_tower import CLIP_VISION_PREFIXES, clip_vision_graph
from visrec.encoders.dequantise import dequantise
from visrec.encoders.framing import Framing
from visrec.encoders.normalise import accept_pixels
from visrec.encoders.self_test import finds_own_crops
from visrec.encoders.session import OnnxSession
from visrec.encoders.weight_table import find_weight
from visrec.encoders.weights import LocalWeights, Say, fetch, quiet

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ClipVitB16"]

_DIM = 512
_HEADS = 12
# Raised whenever a conversion below changes what the graph computes.
_GRAPH_VERSION = 1


class ClipVitB16:
    """Projected image embeddings; subtract the catalogue's mean before taking cosines.

    Args:
        threads: threads of ONNX Runtime.
        say: told what is fetched or converted.
        weights: where the weights are; found or fetched when None.
    """

    def __init__(self, threads: int | None = None, say: Say = quiet, weights: LocalWeights | None = None) -> None:
        self._framing = Framing(
            224,
            1.0,
            "bicubic",
            mean=(0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255),
            std=(0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255),
        )
        self._say = say
        self._weights = weights or fetch(find_weight("clip-vit-b16"), say)
        source = self._weights.source
        self._info = EncoderInfo(
            id="clip-vit-b16",
            modality="image",
            dim=_DIM,
            weights_sha256=source.sha256,
            preprocessing=self._framing.describe(),
            licence=self._weights.weight.licence,
            source=f"{source.label} ({source.note})",
        )
        self._threads = threads
        self._session = OnnxSession(self._model, threads)

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """Centre crop and resize; uint8 (224, 224, 3)."""
        return self._framing.apply(image)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed uint8 (n, 224, 224, 3); float32 (n, 512), not normalised."""
        return self._session.run_single(batch)

    def _model(self) -> Path:
        name = f"clip-vit-b16-{self._info.weights_sha256[:16]}-v{_GRAPH_VERSION}.onnx"
        return build_once(cache_dir() / "converted" / name, self._convert)

    def _convert(self) -> bytes:
        """Float graph that takes pixels; kept only when it passes the self-test."""
        self._say("Converting clip-vit-b16 to a float32 graph and testing it, once on this machine.")
        model = self._from_checkpoint() if self._weights.source.kind == "hub" else self._from_quantised_graph()
        accept_pixels(model, self._framing)
        content = bytes(model.SerializeToString())
        if not finds_own_crops(OnnxSession(lambda: content, self._threads).run_single, self._framing):
            raise WeightsError(
                "clip-vit-b16 failed its self-test on this machine: pictures are not nearest to their own crops. "
                "Its embeddings would be useless here. Update onnxruntime, or choose another encoder."
            )
        return content

    def _from_checkpoint(self) -> Any:
        state = read_checkpoint(self._weights.files[0], CLIP_VISION_PREFIXES)
        return clip_vision_graph(state, self._framing.size, _HEADS)

    def _from_quantised_graph(self) -> Any:
        import onnx

        model = onnx.load(str(self._weights.files[0]))
        dequantise(model)
        del model.graph.output[1:]  # The hidden states of all patches.
        return model
