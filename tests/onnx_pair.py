"""A pair of ONNX files whose answers are known: a picture is its mean colour, a text the sum of its words' colours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

#: Word -> the colour that it means, red, green and blue from 0 to 1; a word that is not here means nothing.
MEANINGS = {"[UNK]": (0, 0, 0), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0)}


def write_pair(folder: Path, *, masked: bool = True, length: int | str = "length", dim: int = 3) -> Path:
    """Write picture.onnx, text.onnx, tokenizer.json and the settings; returns the first's path."""
    folder.mkdir(parents=True, exist_ok=True)
    mean = helper.make_node("ReduceMean", ["picture"], ["colour"], axes=[2, 3], keepdims=0)
    _save(folder / "picture.onnx", [mean], [("picture", TensorProto.FLOAT, ["n", 3, 8, 8])], "colour", 3)
    table = np.zeros((len(MEANINGS) + 1, dim), dtype=np.float32)
    table[1:, :3] = np.array(list(MEANINGS.values()))[:, :dim]
    # Id 0 pads: it means white, so that a mask that is not looked at shows.
    table[0] = 1.0
    inputs = [("input_ids", TensorProto.INT64, ["n", length])]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    if masked:
        inputs.append(("attention_mask", TensorProto.INT64, ["n", length]))
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["kept"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["kept", "last"], ["column"]),
            helper.make_node("Mul", ["words", "column"], ["heard"]),
        ]
    nodes.append(helper.make_node("ReduceSum", ["heard" if masked else "words", "along"], ["meaning"], keepdims=0))
    constants = {"table": table, "last": np.array([2]), "along": np.array([1])}
    _save(folder / "text.onnx", nodes, inputs, "meaning", dim, constants)
    tokeniser = Tokenizer(WordLevel({word: place + 1 for place, word in enumerate(MEANINGS)}, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = Whitespace()
    tokeniser.save(str(folder / "tokenizer.json"))
    settings = {"mean": [0, 0, 0], "std": [1, 1, 1], "text": "text.onnx"}
    (folder / "picture.onnx.json").write_text(json.dumps(settings))
    return folder / "picture.onnx"


def _save(path, nodes, inputs, output, dim, constants=None):
    made = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", dim])],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
