"""A dynamically quantised graph, made by hand, equals the float computation that it stands for."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from visrec.core.errors import WeightsError
from visrec.encoders.dequantise import dequantise

WEIGHT = np.array([[10, -20], [3, 127], [-128, 0]], np.int8)


def quantised(scale: np.ndarray, zero_point: int, broken: str = "") -> onnx.ModelProto:
    """x (n, 3) -> quantise -> MatMulInteger -> Cast -> Mul -> Add(bias)."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        helper.make_node("Mul", ["xs", "ws"], ["scales"]),
        helper.make_node("MatMulInteger", ["xq", "wq", "xz", "wz"], ["products"], name="product"),
        helper.make_node("Cast", ["products"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "scales"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["y"]),
    ]
    if broken == "no cast":
        nodes[3] = helper.make_node("Cast", ["products"], ["cast"], to=TensorProto.FLOAT)
        nodes[4] = helper.make_node("Add", ["cast", "scales"], ["scaled"])
    constants = [
        numpy_helper.from_array(WEIGHT, "wq"),
        numpy_helper.from_array(np.asarray(zero_point, np.int8), "wz"),
        numpy_helper.from_array(scale, "ws"),
        numpy_helper.from_array(np.array([1.0, -1.0], np.float32), "bias"),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


@pytest.mark.parametrize("scale", [np.asarray(0.02, np.float32), np.array([0.02, 0.5], np.float32)])
@pytest.mark.parametrize("zero_point", [0, 5])
def test_equals_the_float_product(scale: np.ndarray, zero_point: int) -> None:
    model = quantised(scale, zero_point)
    assert dequantise(model) == 1
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    assert {tensor.name for tensor in model.graph.initializer} == {"wq_float", "bias"}
    x = np.array([[0.3, -4.0, 7.0], [1000.0, 0.001, -2.0]], np.float32)
    expected = np.zeros((2, 2))
    for row in range(2):
        for column in range(2):
            step = float(scale if scale.ndim == 0 else scale[column])
            weights = [(int(WEIGHT[k, column]) - zero_point) * step for k in range(3)]
            expected[row, column] = sum(float(x[row, k]) * weights[k] for k in range(3)) + (1.0, -1.0)[column]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": x})[0] == pytest.approx(expected, rel=1e-5)


def test_a_float_graph_is_left_alone() -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [node],
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.ones((3, 2), np.float32), "w")],
    )
    model = helper.make_model(graph)
    assert dequantise(model) == 0
    assert [node.op_type for node in model.graph.node] == ["MatMul"]


def test_another_way_of_quantising_is_refused() -> None:
    with pytest.raises(WeightsError, match="Expected one Mul"):
        dequantise(quantised(np.asarray(0.02, np.float32), 0, broken="no cast"))
