"""Reads the arrays of a PyTorch checkpoint, without running anything that is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.errors import WeightsError

__all__ = ["read_checkpoint"]


def read_checkpoint(path: Path, prefixes: tuple[str, ...] = ("",)) -> dict[str, npt.NDArray[np.float32]]:
    """Arrays by their names in the checkpoint.

    Args:
        path: a file that `torch.save` made of a state dict.
        prefixes: only names that start with one of them are kept; "" is every name.

    Raises:
        WeightsError: when the file is not such a checkpoint, or holds more than plain tensors.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items() if name.startswith(prefixes)}
    except Exception as error:  # torch raises its own and pickle's errors; a checked hash makes them unlikely.
        raise WeightsError(f"{path} cannot be read as a checkpoint ({error}).") from error
