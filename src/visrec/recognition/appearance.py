"""How a picture looks, measured from its pixels alone: no network, no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.core.protocols import EncoderInfo
from visrec.recognition.colours import Colours
from visrec.recognition.foreground import separate

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Appearance"]

# Raised whenever a measurement changes, so that old ones are not taken for new ones. Words may change freely.
_VERSION = 1
_SIDE = 128


class Appearance:
    """Recognizer of colours.

    Pictures are looked at small, with a longer side of 128 pixels: about a hundred a second on one core.
    """

    def __init__(self) -> None:
        self._colours = Colours()
        self._info = EncoderInfo(
            id="appearance",
            modality="image",
            dim=self._colours.dim,
            weights_sha256="",
            preprocessing={"version": _VERSION, "side": _SIDE, "at_least": _SIDE},
            licence="Apache-2.0",
            source="computed from the pixels",
        )

    @property
    def info(self) -> EncoderInfo:
        """Identity and dimension of the measurements."""
        return self._info

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that it tells."""
        return self._colours.names

    def preprocess(self, image: Image) -> npt.NDArray[np.float32]:
        """Measure one picture; float32 (dim,). All the work is done here, in the worker threads."""
        from PIL.Image import Resampling
        from skimage.color import rgb2lab

        small = image.copy()
        small.thumbnail((_SIDE, _SIDE), Resampling.BOX)
        lab = rgb2lab(np.asarray(small)).astype(np.float32)
        return self._colours.measure(lab, separate(lab))

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The measurements as they are; float32 (n, dim)."""
        return np.asarray(batch, dtype=np.float32)

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """One column for each of `names`."""
        return self._colours.words(measured)
