"""How a picture looks, measured from its pixels alone: no network, no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.core.protocols import EncoderInfo
from visrec.recognition.colours import Colours
from visrec.recognition.foreground import separate
from visrec.recognition.pattern import pattern_words
from visrec.recognition.perceptual_hash import HASH_DIM, bits_of, perceptual_hash
from visrec.recognition.shape import Shape
from visrec.recognition.texture import MEASURES, texture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Appearance"]

# Raised whenever a measurement changes, so that old ones are not taken for new ones. Words may change freely.
_VERSION = 2
_SIDE = 192


class Appearance:
    """Recognizer of colours, pattern and shape; `hashes` tells copies.

    Pictures are looked at small, with a longer side of 192 pixels. A measurement is that of `Colours`, then of `Shape`,
    of `texture`, and the perceptual hash. A picture costs some 20 ms of one core.
    """

    def __init__(self) -> None:
        self._colours, self._shape = Colours(), Shape()
        dims = (self._colours.dim, self._shape.dim, len(MEASURES), HASH_DIM)
        self._cuts = np.cumsum(dims)
        self._info = EncoderInfo(
            id="appearance",
            modality="image",
            dim=sum(dims),
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
        return (*self._colours.names, "pattern", *self._shape.names)

    def preprocess(self, image: Image) -> npt.NDArray[np.float32]:
        """Measure one picture; float32 (dim,). All the work is done here, in the worker threads."""
        from PIL.Image import Resampling
        from skimage.color import rgb2lab

        small = image.copy()
        small.thumbnail((_SIDE, _SIDE), Resampling.BOX)
        lab = rgb2lab(np.asarray(small, dtype=np.float32) / 255).astype(np.float32)
        foreground = separate(lab)
        parts = (
            self._colours.measure(lab, foreground),
            self._shape.measure(foreground),
            texture(lab, foreground),
            perceptual_hash(small),
        )
        return np.concatenate(parts)

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The measurements as they are; float32 (n, dim)."""
        return np.asarray(batch, dtype=np.float32)

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """One column for each of `names`."""
        colours, shape, surface, _ = np.split(measured, self._cuts[:-1], axis=1)
        return [*self._colours.words(colours), pattern_words(surface), *self._shape.words(shape)]

    def hashes(self, measured: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
        """The perceptual hashes, uint64 (n,), of measurements."""
        return bits_of(np.split(measured, self._cuts[:-1], axis=1)[-1])
