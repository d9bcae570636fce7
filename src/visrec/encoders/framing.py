"""How a picture becomes a network's square input: which part of it, at which size, with which filter."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from visrec.core.errors import InputError

__all__ = ["Framing"]

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


@dataclass(frozen=True)
class Framing:
    """Centre crop, resize, and the normalisation that the network expects.

    Attributes:
        size: height and width of the network's input, pixels.
        crop: share of the picture's shorter side that is kept, above 0 up to 1; 0.875 means that the
            picture is scaled to size/0.875 and its centre of `size` is cut out.
        interpolation: "bilinear", "bicubic", "lanczos" or "nearest".
        mean: subtracted from each channel, on the scale 0 … 255.
        std: each channel is divided by it, on the scale 0 … 255.
        whole: squeeze the whole picture into the square instead of cropping its centre.
    """

    size: int
    crop: float = 1.0
    interpolation: Literal["bilinear", "bicubic", "lanczos", "nearest"] = "bicubic"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    whole: bool = False

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 < self.crop <= 1:
            raise InputError(f"Expected a size of 1 or more and a crop in (0, 1], got {self.size} and {self.crop}.")
        if self.interpolation not in _FILTERS:
            raise InputError(f"Expected interpolation {', '.join(_FILTERS)}, got {self.interpolation!r}.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError(f"Expected mean and std of 3 channels, std above 0, got {self.mean} and {self.std}.")

    @property
    def at_least(self) -> int:
        """The shorter side that a picture must be decoded to so that nothing is enlarged needlessly, pixels."""
        return math.ceil(self.size / self.crop)

    def apply(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Crop and resize in one filtering; uint8 (size, size, 3), not yet normalised."""
        width, height = image.size
        side_x, side_y = (width, height) if self.whole else (min(width, height), min(width, height))
        half_x, half_y = side_x * self.crop / 2, side_y * self.crop / 2
        box = (width / 2 - half_x, height / 2 - half_y, width / 2 + half_x, height / 2 + half_y)
        square = image.resize((self.size, self.size), _FILTERS[self.interpolation], box=box)
        return np.asarray(square, dtype=np.uint8)

    def describe(self) -> dict[str, Any]:
        """All of it as JSON-able values, for `EncoderInfo.preprocessing`."""
        values = asdict(self)
        values["mean"], values["std"] = list(self.mean), list(self.std)
        return {**values, "at_least": self.at_least, "colour": "RGB", "decoder": "pillow-draft"}
