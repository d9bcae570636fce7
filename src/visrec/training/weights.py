"""A network's weights as arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.core.errors import WorkspaceError

__all__ = ["load_weights", "weights_of"]

_PREFIX = "weights."


def weights_of(module: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """Name, with "weights." before it -> a copy of the parameter or buffer."""
    return {f"{_PREFIX}{name}": tensor.detach().cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def load_weights(module: nn.Module, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put arrays that `weights_of` gave into a module of the same shape, which is in evaluation mode afterwards.

    Args:
        module: of the same layers.
        arrays: may hold others too.

    Raises:
        WorkspaceError: when an array is missing or of another shape.
    """
    own = {n.removeprefix(_PREFIX): np.array(a) for n, a in arrays.items() if n.startswith(_PREFIX)}
    try:
        module.load_state_dict({name: torch.from_numpy(array) for name, array in own.items()})
    except RuntimeError as error:
        raise WorkspaceError(f"The saved weights do not fit the model ({error}). Train it again.") from error
    module.eval()
