"""Turns a dynamically quantised ONNX graph back into a float one.

Dynamic INT8 graphs multiply uint8 activations with int8 weights. CPUs without VNNI add the products in
16 bits, which overflow: the results are then of little use, and they depend on what else is in the batch.
The weights themselves are good to about 1/127 of their range, so each group

    DynamicQuantizeLinear(x) -> MatMulInteger(., weight) -> Cast -> Mul(., scale_x * scale_weight)

becomes MatMul(x, (weight - zero_point) * scale_weight) in float32.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import WeightsError

__all__ = ["dequantise"]


class _Graph:
    """Look-ups in an ONNX graph: initializers by name, producers and consumers of a tensor."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._to_array = numpy_helper.to_array
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.producer: dict[str, Any] = {}
        self.consumers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.output:
                self.producer[name] = node
            for name in node.input:
                self.consumers[name].append(node)

    def constant(self, name: str) -> npt.NDArray[Any]:
        if name not in self.initializers:
            raise WeightsError(f"Expected {name!r} as a constant of the quantised graph.")
        return np.asarray(self._to_array(self.initializers[name]))

    def only_consumer(self, name: str, kind: str) -> Any:
        nodes = self.consumers[name]
        if len(nodes) != 1 or nodes[0].op_type != kind:
            raise WeightsError(f"Expected one {kind} after {name!r}, got {[node.op_type for node in nodes]}.")
        return nodes[0]


def dequantise(model: Any) -> int:
    """Rewrite every group in place; other operators stay as they are.

    Args:
        model: `onnx.ModelProto`.

    Returns:
        How many matrix products were rewritten.

    Raises:
        WeightsError: when the graph is quantised in another way than described above.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    look = _Graph(graph)
    replaced: dict[str, Any] = {}  # by the name of the output, which is unique in a graph
    weights: dict[str, Any] = {}
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        source, scale = _activation(look, node), _weight_scale(look, node)
        name = node.input[1] + "_float"
        if name not in weights:
            weights[name] = numpy_helper.from_array(_float_weight(look, node, scale), name)
        product = _product(look, node)
        replaced[product.output[0]] = helper.make_node("MatMul", [source, name], list(product.output), name=node.name)
    nodes = [replaced.get(node.output[0], node) for node in graph.node]
    kept = _alive(nodes, {output.name for output in graph.output})
    used = {name for node in kept for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    constants += [tensor for name, tensor in weights.items() if name in used]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(constants)
    return len(replaced)


def _activation(look: _Graph, node: Any) -> str:
    """Name of the float tensor that was quantised for this product."""
    producer = look.producer.get(node.input[0])
    if producer is None or producer.op_type != "DynamicQuantizeLinear":
        raise WeightsError(f"Expected DynamicQuantizeLinear before {node.name!r}.")
    return str(producer.input[0])


def _product(look: _Graph, node: Any) -> Any:
    cast = look.only_consumer(node.output[0], "Cast")
    return look.only_consumer(cast.output[0], "Mul")


def _weight_scale(look: _Graph, node: Any) -> npt.NDArray[np.float32]:
    """The weight's scale: the constant factor of the Mul that also takes the activation's scale."""
    activation_scale = look.producer[node.input[0]].output[1]
    product = _product(look, node)
    for name in product.input:
        scales = look.producer.get(name)
        if scales is not None and scales.op_type == "Mul" and activation_scale in scales.input:
            (constant,) = [other for other in scales.input if other != activation_scale]
            return look.constant(constant).astype(np.float32)
    raise WeightsError(f"Expected the scales of activation and weight multiplied after {node.name!r}.")


def _float_weight(look: _Graph, node: Any, scale: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    quantised = look.constant(node.input[1]).astype(np.float32)
    if len(node.input) > 3 and node.input[3]:
        quantised -= look.constant(node.input[3]).astype(np.float32)
    return quantised * scale


def _alive(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """Nodes that something still needs, in the same order."""
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]
