"""CenterFace's network: a picture to maps of faces. What the maps mean is in `visrec.recognition.faces`.

Reference:
    Xu et al. (2019), CenterFace: Joint Face Detection and Alignment Using Face as Point. arXiv:1911.03599
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.encoders.cache import build_once, cache_dir
from visrec.encoders.session import OnnxSession
from visrec.encoders.weight_table import find_weight
from visrec.encoders.weights import Say, fetch, quiet

__all__ = ["CENTER_FACE", "center_face"]

#: Id of the weights.
CENTER_FACE = "centerface"
_GRAPH_VERSION = 1
#: Outputs of the graph: heat map, log size, offset of the centre; landmarks are not asked for.
_OUTPUTS = ["537", "538", "539"]

#: float32 (n, 3, height, width), RGB 0 … 255, sides multiples of 32, to float32 (n, 5, height / 4, width / 4).
Network = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


def center_face(threads: int | None = None, say: Say = quiet) -> Network:
    """The network; its weights are found or fetched now.

    Returns:
        Takes float32 (n, 3, height, width), RGB from 0 to 255, sides multiples of 32. Gives float32
        (n, 5, height / 4, width / 4): how likely a face has its centre there (0 … 1), log of its height and of its
        width in cells, and how far its centre lies from the cell's corner, down and right.

    Raises:
        WeightsError: when the weights cannot be had.
    """
    weights = fetch(find_weight(CENTER_FACE), say)
    name = f"{CENTER_FACE}-{weights.source.sha256[:16]}-v{_GRAPH_VERSION}.onnx"
    session = OnnxSession(
        lambda: build_once(cache_dir() / "converted" / name, lambda: _freed(weights.files[0])), threads
    )

    def run(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raw = session.raw
        return np.concatenate(raw.run(_OUTPUTS, {raw.get_inputs()[0].name: batch}), axis=1)

    return run


def _freed(file: Path) -> bytes:
    """The graph with batch, height and width open: it is published for 10 pictures of 32 x 32."""
    import onnx

    model: Any = onnx.load(str(file))
    weights = {one.name for one in model.graph.initializer}
    for value in [*(one for one in model.graph.input if one.name not in weights), *model.graph.output]:
        for place in (0, 2, 3):
            value.type.tensor_type.shape.dim[place].dim_param = f"{value.name}_{place}"
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())
