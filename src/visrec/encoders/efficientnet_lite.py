"""EfficientNet-Lite: a small convolutional network that runs well on CPUs.

Reference:
    Tan & Le (2019), EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks.
    arXiv:1905.11946; the Lite variants have no squeeze-and-excitation, and ReLU6 instead of swish.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.protocols import EncoderInfo
from visrec.encoders.cache import build_once, cache_dir
from visrec.encoders.checkpoint import read_checkpoint
from visrec.encoders.framing import Framing
from visrec.encoders.normalise import accept_pixels
from visrec.encoders.session import OnnxSession
from visrec.encoders.weight_table import find_weight
from visrec.encoders.weights import LocalWeights, Say, fetch, quiet

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["EfficientNetLite", "efficientnet_lite_graph", "imagenet_classifier"]

#: variant -> input size, and repeats of the seven stages (the first and the last are never scaled).
_VARIANTS = {
    "efficientnet-lite0": (224, (1, 2, 2, 3, 3, 4, 1)),
    "efficientnet-lite2": (260, (1, 3, 3, 4, 4, 5, 1)),
}
_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_BATCH_NORM_EPSILON = 1e-3
_DIM = 1280
# Raised whenever the graph below changes what it computes, so that old conversions are not taken for new ones.
_GRAPH_VERSION = 1


class EfficientNetLite:
    """Pooled features before the classifier.

    Args:
        variant: "efficientnet-lite0" or "efficientnet-lite2".
        threads: threads of ONNX Runtime.
        say: told what is fetched or converted.
        weights: where the weights are; found or fetched when None.
    """

    def __init__(
        self,
        variant: str = "efficientnet-lite0",
        threads: int | None = None,
        say: Say = quiet,
        weights: LocalWeights | None = None,
    ) -> None:
        size, repeats = _VARIANTS[variant]
        # The published evaluation: (x - 127) / 128, and size / (size + 32) of the shorter side.
        crop = size / (size + 32)
        self._framing = Framing(size, crop, "bicubic", mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))
        self._repeats = repeats
        self._say = say
        self._weights = weights or fetch(find_weight(variant), say)
        source = self._weights.source
        self._info = EncoderInfo(
            id=variant,
            modality="image",
            dim=_DIM,
            weights_sha256=source.sha256,
            preprocessing=self._framing.describe(),
            licence=self._weights.weight.licence,
            source=source.label,
        )
        self._session = OnnxSession(self._model, threads)

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """Centre crop and resize; uint8 (size, size, 3)."""
        return self._framing.apply(image)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed uint8 (n, size, size, 3); float32 (n, 1280), each value in 0 … 6."""
        return self._session.run_single(batch)

    def _model(self) -> Path:
        name = f"{self._info.id}-{self._info.weights_sha256[:16]}-v{_GRAPH_VERSION}.onnx"
        return build_once(cache_dir() / "converted" / name, self._convert)

    def _convert(self) -> bytes:
        self._say(f"Converting {self._info.id} to ONNX, once on this machine.")
        state = read_checkpoint(self._weights.files[0])
        model = efficientnet_lite_graph(state, self._framing.size, self._repeats)
        accept_pixels(model, self._framing)
        return bytes(model.SerializeToString())


def imagenet_classifier(
    variant: str = "efficientnet-lite0", say: Say = quiet
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The layer that the encoder leaves out: from an embedding to the 1,000 classes of ILSVRC 2012.

    Returns:
        float32 (1000, 1280) and (1000,): logits are embeddings @ weight.T + bias.
    """
    state = read_checkpoint(fetch(find_weight(variant), say).files[0], ("_fc.",))
    return state["_fc.weight"], state["_fc.bias"]


def efficientnet_lite_graph(state: dict[str, npt.NDArray[np.float32]], size: int, repeats: tuple[int, ...]) -> Any:
    """Build the network as ONNX from a checkpoint's arrays, batch norms folded into the convolutions.

    Building it by hand keeps the result independent of torch's exporter, which changes between versions and,
    in its TorchScript form, leaves the exported model object in a state that computes something else.

    Args:
        state: arrays by their names in the published PyTorch port.
        size: input height and width.
        repeats: blocks per stage.

    Returns:
        `onnx.ModelProto`; float (n, 3, size, size) to (n, 1280).
    """
    from onnx import TensorProto, helper

    builder = _Builder(state)
    tensor = builder.convolve("image", "_conv_stem", "_bn0", stride=2, relu=True)
    block = 0
    for stage, count in enumerate(repeats):
        for position in range(count):
            tensor = _inverted_bottleneck(builder, tensor, f"_blocks.{block}.", _STAGE_STRIDES[stage], position == 0)
            block += 1
    tensor = builder.convolve(tensor, "_conv_head", "_bn1", relu=True)
    pooled = builder.node("GlobalAveragePool", [tensor])
    builder.nodes.append(helper.make_node("Flatten", [pooled], ["embedding"], axis=1))
    graph = helper.make_graph(
        builder.nodes,
        "efficientnet-lite",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", _DIM])],
        builder.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _inverted_bottleneck(builder: _Builder, source: str, prefix: str, stride: int, first: bool) -> str:
    tensor = source
    if f"{prefix}_expand_conv.weight" in builder.state:
        tensor = builder.convolve(tensor, f"{prefix}_expand_conv", f"{prefix}_bn0", relu=True)
    stride = stride if first else 1
    tensor = builder.convolve(tensor, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride, relu=True, depthwise=True)
    tensor = builder.convolve(tensor, f"{prefix}_project_conv", f"{prefix}_bn2")
    # Only a stage's first block changes the number of channels or the resolution.
    return tensor if first else builder.node("Add", [tensor, source])


class _Builder:
    """Collects nodes and constants of a graph."""

    def __init__(self, state: dict[str, npt.NDArray[np.float32]]) -> None:
        from onnx import numpy_helper

        self.state = state
        self.nodes: list[Any] = []
        self._from_array = numpy_helper.from_array
        self.constants: list[Any] = [
            self._from_array(np.asarray(0.0, np.float32), "zero"),
            self._from_array(np.asarray(6.0, np.float32), "six"),
        ]

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolve(
        self, source: str, name: str, norm: str, stride: int = 1, relu: bool = False, depthwise: bool = False
    ) -> str:
        weight, bias = self._fold(name, norm)
        self.constants += [self._from_array(weight, f"{name}.w"), self._from_array(bias, f"{name}.b")]
        output = self.node(
            "Conv",
            [source, f"{name}.w", f"{name}.b"],
            kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride],
            # TensorFlow's "SAME": the odd pixel of padding goes below and to the right.
            auto_pad="SAME_UPPER",
            group=weight.shape[0] if depthwise else 1,
        )
        return self.node("Clip", [output, "zero", "six"]) if relu else output

    def _fold(self, name: str, norm: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Batch norm at inference is a factor and an offset per channel: put both into the convolution."""
        gamma, beta, mean, variance = (
            self.state[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / np.sqrt(variance + _BATCH_NORM_EPSILON)
        weight = self.state[f"{name}.weight"].astype(np.float64) * factor[:, None, None, None]
        return weight.astype(np.float32), (beta - mean * factor).astype(np.float32)
