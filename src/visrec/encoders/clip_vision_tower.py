"""The image tower of CLIP as an ONNX graph, written from a checkpoint's arrays.

Reference:
    Radford et al. (2021), Learning Transferable Visual Models From Natural Language Supervision, section 2.4.
    arXiv:2103.00020; a Vision Transformer (Dosovitskiy et al., arXiv:2010.11929) with a layer norm before its
    first block, and x * sigmoid(1.702 x) in place of GELU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import WeightsError

__all__ = ["CLIP_VISION_PREFIXES", "clip_vision_graph"]

#: What of a whole CLIP checkpoint is needed: the rest is the text tower.
CLIP_VISION_PREFIXES = ("vision_model.", "visual_projection.")

_LAYER_NORM_EPSILON = 1e-5


def clip_vision_graph(state: dict[str, npt.NDArray[np.float32]], size: int, heads: int) -> Any:
    """Build the network as ONNX; by hand for the reason given in `efficientnet_lite_graph`.

    Args:
        state: arrays by their names in the published PyTorch port of CLIP.
        size: input height and width, pixels.
        heads: attention heads of each block, which the arrays alone do not tell.

    Returns:
        `onnx.ModelProto`; float (n, 3, size, size), normalised, to the projected embedding (n, dim).

    Raises:
        WeightsError: when the checkpoint lacks an array, or was made for another input size.
    """
    from onnx import TensorProto, helper

    tower = _Tower(state, heads)
    hidden = tower.norm(_embed_patches(tower, size), "vision_model.pre_layrnorm")  # Misspelt in the checkpoint.
    block = 0
    while f"vision_model.encoder.layers.{block}.layer_norm1.weight" in state:
        hidden = _transform(tower, hidden, f"vision_model.encoder.layers.{block}.")
        block += 1
    first = tower.constant("first", np.asarray(0, np.int64))
    pooled = tower.norm(tower.node("Gather", [hidden, first], axis=1), "vision_model.post_layernorm")
    projection = tower.array("visual_projection.weight")
    tower.constant("projection", projection.T)
    tower.nodes.append(helper.make_node("MatMul", [pooled, "projection"], ["embedding"]))
    graph = helper.make_graph(
        tower.nodes,
        "clip-vision",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", len(projection)])],
        tower.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _embed_patches(tower: _Tower, size: int) -> str:
    """Cut the picture into patches, put the class token before them, add positions: (n, tokens, width)."""
    kernel = tower.array("vision_model.embeddings.patch_embedding.weight")
    width, patch = kernel.shape[0], kernel.shape[2]
    positions = tower.array("vision_model.embeddings.position_embedding.weight").copy()
    patches = (size // patch) ** 2
    if size % patch or positions.shape != (patches + 1, width):
        raise WeightsError(
            f"Expected a checkpoint for pictures of {size} x {size}: position embeddings {(patches + 1, width)} "
            f"at patches of {patch}, got {positions.shape}. Choose another encoder."
        )
    # The class token is a row of zeros here, and its embedding a part of the first position's: a learned row
    # would have to be repeated for every picture of the batch.
    positions[0] += tower.array("vision_model.embeddings.class_embedding")
    convolved = tower.node("Conv", ["image", tower.constant("patch", kernel)], strides=[patch, patch])
    rows = tower.node("Reshape", [convolved, tower.constant("rows", np.array([0, width, patches]))])
    tokens = tower.node("Transpose", [rows], perm=[0, 2, 1])
    padded = tower.node("Pad", [tokens, tower.constant("pads", np.array([0, 1, 0, 0, 0, 0]))])
    tower.tokens = patches + 1
    return tower.node("Add", [padded, tower.constant("positions", positions)])


def _transform(tower: _Tower, hidden: str, prefix: str) -> str:
    """One block: attention, then a perceptron, each on normed input and added to its input."""
    normed = tower.norm(hidden, f"{prefix}layer_norm1")
    hidden = tower.node("Add", [hidden, _attend(tower, normed, f"{prefix}self_attn.")])
    inner = tower.linear(tower.norm(hidden, f"{prefix}layer_norm2"), f"{prefix}mlp.fc1")
    gate = tower.node("Sigmoid", [tower.node("Mul", [inner, tower.slope])])
    return tower.node("Add", [hidden, tower.linear(tower.node("Mul", [inner, gate]), f"{prefix}mlp.fc2")])


def _attend(tower: _Tower, source: str, prefix: str) -> str:
    """softmax(q k^T / sqrt(width of a head)) v in each head, then the heads side by side through `out_proj`."""
    width = len(tower.array(f"{prefix}q_proj.bias"))
    split = tower.constant("split", np.array([0, tower.tokens, tower.heads, width // tower.heads]))
    joined = tower.constant("joined", np.array([0, tower.tokens, width]))
    scale = tower.constant("scale", np.asarray((width // tower.heads) ** -0.5, np.float32))

    def parted(name: str, perm: list[int]) -> str:
        parts = tower.node("Reshape", [tower.linear(source, prefix + name), split])
        return tower.node("Transpose", [parts], perm=perm)

    query = tower.node("Mul", [parted("q_proj", [0, 2, 1, 3]), scale])
    scores = tower.node("MatMul", [query, parted("k_proj", [0, 2, 3, 1])])
    mixed = tower.node("MatMul", [tower.node("Softmax", [scores], axis=-1), parted("v_proj", [0, 2, 1, 3])])
    together = tower.node("Reshape", [tower.node("Transpose", [mixed], perm=[0, 2, 1, 3]), joined])
    return tower.linear(together, f"{prefix}out_proj")


class _Tower:
    """Collects nodes and constants of a graph."""

    def __init__(self, state: dict[str, npt.NDArray[np.float32]], heads: int) -> None:
        self.heads = heads
        self.tokens = 0
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._state = state
        self._names: set[str] = set()
        self.slope = self.constant("slope", np.asarray(1.702, np.float32))

    def array(self, name: str) -> npt.NDArray[np.float32]:
        if name not in self._state:
            raise WeightsError(f"Expected {name!r} in the checkpoint of CLIP, which holds {len(self._state)} arrays.")
        return np.asarray(self._state[name], np.float32)

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a constant; one of a known name is taken to be the same again."""
        from onnx import numpy_helper

        if name not in self._names:
            self._names.add(name)
            self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def linear(self, source: str, name: str) -> str:
        weight = self.constant(f"{name}.w", self.array(f"{name}.weight").T)
        bias = self.constant(f"{name}.b", self.array(f"{name}.bias"))
        return self.node("Add", [self.node("MatMul", [source, weight]), bias])

    def norm(self, source: str, name: str) -> str:
        weight = self.constant(f"{name}.w", self.array(f"{name}.weight"))
        bias = self.constant(f"{name}.b", self.array(f"{name}.bias"))
        return self.node("LayerNormalization", [source, weight, bias], axis=-1, epsilon=_LAYER_NORM_EPSILON)
