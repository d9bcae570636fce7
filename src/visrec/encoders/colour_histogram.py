"""Colour histogram: a baseline without network or weights.

Eight hues x four saturations x four values, as shares of the picture; the square root of each share, so
that a scalar product compares two pictures by the Bhattacharyya coefficient.

Reference:
    Swain & Ballard (1991), Color Indexing; Aherne et al. (1998) for the square root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from visrec.core.protocols import EncoderInfo
from visrec.encoders.framing import Framing

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ColourHistogram"]

_HUES, _SATURATIONS, _VALUES = 8, 4, 4
_DIM = _HUES * _SATURATIONS * _VALUES


class ColourHistogram:
    """128 values of 0 … 1; every embedding has length 1."""

    def __init__(self) -> None:
        # The nearest filter keeps the picture's own colours; blending would invent new ones along the edges.
        self._framing = Framing(64, 1.0, "nearest", whole=True)
        preprocessing = {key: value for key, value in self._framing.describe().items() if key not in ("mean", "std")}
        self._info = EncoderInfo(
            id="colour-histogram",
            modality="image",
            dim=_DIM,
            weights_sha256="",
            preprocessing={**preprocessing, "colour": "HSV", "bins": [_HUES, _SATURATIONS, _VALUES]},
            licence="Apache-2.0",
            source="computed",
        )

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """Shrink and turn to hue, saturation, value; uint8 (64, 64, 3)."""
        pixels = PillowImage.fromarray(self._framing.apply(image))
        return np.asarray(pixels.convert("HSV"), dtype=np.uint8)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed uint8 (n, 64, 64, 3), HSV; float32 (n, 128), each row of length 1."""
        n = batch.shape[0]
        pixels = batch.reshape(n, -1, 3).astype(np.int64)
        hue, saturation, value = (pixels[:, :, axis] for axis in range(3))
        hue = (hue + 128 // _HUES) % 256  # Half a bin on, so that red, which lies at both ends, is one bin.
        cell = (hue * _HUES // 256 * _SATURATIONS + saturation * _SATURATIONS // 256) * _VALUES + value * _VALUES // 256
        rows = np.arange(n)[:, None] * _DIM
        counts = np.bincount((rows + cell).ravel(), minlength=n * _DIM).reshape(n, _DIM)
        return np.sqrt(counts / pixels.shape[1]).astype(np.float32)
