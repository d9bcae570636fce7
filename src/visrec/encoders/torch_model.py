"""Image encoders that are torch modules: what `timm:` and `open_clip:` have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.protocols import EncoderInfo
from visrec.encoders.framing import Framing

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["TorchModel", "state_sha256"]


class TorchModel:
    """Runs a torch module on CPU in evaluation mode.

    Args:
        encoder_id: the id that the user typed.
        module: a `torch.nn.Module` that holds the weights.
        forward: float (n, 3, size, size), normalised, to (n, dim).
        framing: crop, size and normalisation.
        licence: licence of the weights, or "unknown".
        source: where they come from.
    """

    def __init__(
        self,
        encoder_id: str,
        module: Any,
        forward: Callable[[Any], Any],
        framing: Framing,
        licence: str,
        source: str,
    ) -> None:
        self._module = module.eval()
        self._forward = forward
        self._framing = framing
        probe = self.embed(np.full((1, framing.size, framing.size, 3), 128, np.uint8))
        self._info = EncoderInfo(
            id=encoder_id,
            modality="image",
            dim=int(probe.shape[1]),
            weights_sha256=state_sha256(module),
            preprocessing=framing.describe(),
            licence=licence,
            source=source,
        )

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """Crop and resize; uint8 (size, size, 3)."""
        return self._framing.apply(image)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed uint8 (n, size, size, 3); float32 (n, dim)."""
        import torch

        mean = torch.tensor(self._framing.mean).view(1, 3, 1, 1)
        std = torch.tensor(self._framing.std).view(1, 3, 1, 1)
        with torch.inference_mode():
            pixels = torch.tensor(np.ascontiguousarray(batch)).permute(0, 3, 1, 2).to(torch.float32)
            return np.ascontiguousarray(self._forward((pixels - mean) / std).float().numpy(), dtype=np.float32)


def state_sha256(module: Any) -> str:
    """Hash over names, types, shapes and values of a module's weights: the same on every machine."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        array = np.ascontiguousarray(tensor.detach().cpu().numpy())
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
