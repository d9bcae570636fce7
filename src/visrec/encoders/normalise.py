"""Puts the normalisation of pixels into an ONNX graph: uint8 pictures in, no float work in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from visrec.encoders.framing import Framing

__all__ = ["accept_pixels"]

PIXELS = "visrec_pixels"


def accept_pixels(model: Any, framing: Framing, channels_last: bool = False) -> None:
    """Change a graph's first input to uint8 (n, size, size, 3), RGB, 0 … 255, in place.

    Args:
        model: `onnx.ModelProto` whose first input is a float picture.
        framing: its mean and std are applied inside the graph.
        channels_last: the original input is NHWC; otherwise NCHW.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    original = graph.input[0].name
    shape = (1, 1, 1, 3) if channels_last else (1, 3, 1, 1)
    mean = np.asarray(framing.mean, np.float32).reshape(shape)
    scale = (1.0 / np.asarray(framing.std, np.float64)).astype(np.float32).reshape(shape)
    graph.initializer.extend(
        [numpy_helper.from_array(mean, "visrec_mean"), numpy_helper.from_array(scale, "visrec_scale")]
    )
    first = PIXELS
    nodes = []
    if not channels_last:
        nodes.append(helper.make_node("Transpose", [PIXELS], ["visrec_nchw"], perm=[0, 3, 1, 2]))
        first = "visrec_nchw"
    nodes += [
        helper.make_node("Cast", [first], ["visrec_float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["visrec_float", "visrec_mean"], ["visrec_centred"]),
        helper.make_node("Mul", ["visrec_centred", "visrec_scale"], [original]),
    ]
    kept = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *kept])
    size = framing.size
    inputs = [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["batch", size, size, 3])]
    inputs += list(graph.input)[1:]
    del graph.input[:]
    graph.input.extend(inputs)
