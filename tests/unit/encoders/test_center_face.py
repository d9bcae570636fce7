"""The published graph takes 10 pictures of 32 x 32 only; here a graph of the same make, whose maps are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from visrec.encoders import center_face as module


def test_any_size_goes_through(tmp_path, monkeypatch):
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))
    shapes = {"537": 1, "538": 2, "539": 2, "540": 10}
    kernels = [numpy_helper.from_array(np.full((n, 3, 4, 4), n, np.float32), f"w{name}") for name, n in shapes.items()]
    nodes = [helper.make_node("Conv", ["input.1", f"w{name}"], [name], strides=[4, 4]) for name in shapes]
    inputs = [("input.1", [10, 3, 32, 32]), *((f"w{name}", [n, 3, 4, 4]) for name, n in shapes.items())]
    graph = helper.make_graph(
        nodes,
        "faces",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [10, n, 8, 8]) for name, n in shapes.items()],
        kernels,
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "model.onnx")
    found = SimpleNamespace(source=SimpleNamespace(sha256="0" * 64), files=(tmp_path / "model.onnx",))
    monkeypatch.setattr(module, "fetch", lambda weight, say: found)
    maps = module.center_face()(np.ones((2, 3, 64, 96), np.float32))
    assert maps.shape == (2, 5, 16, 24)
    # 48 ones times the kernel's value: heat 1, sizes 2, offsets 2.
    assert maps[0, :, 0, 0].tolist() == [48, 96, 96, 96, 96]
