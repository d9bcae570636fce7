"""A map of weights over a picture: red where they raise, blue where they lower."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = ["overlay"]

#: The ends of a diverging scale that colour-blind people can tell apart as well (RdBu of ColorBrewer).
_RAISES, _LOWERS = (178, 24, 43), (33, 102, 172)
_STRENGTH = 0.75


def overlay(pixels: npt.NDArray[np.uint8], heat: npt.NDArray[np.float64], size: int = 448) -> Image.Image:
    """The picture in grey, coloured by the map, with a legend along its lower edge.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        heat: float64 (height, width), from -1 (blue: lowers) to 1 (red: raises).
        size: width of the result; its height follows the picture, and the legend.
    """
    grey = pixels.astype(np.float64).mean(axis=2, keepdims=True)
    colour = np.where(heat[..., None] > 0, np.array(_RAISES), np.array(_LOWERS))
    strength = np.abs(heat)[..., None] * _STRENGTH
    mixed = (0.3 * 255 + 0.7 * grey) * (1 - strength) + colour * strength
    drawn = Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8)).resize(
        (size, round(size * pixels.shape[0] / pixels.shape[1])), Image.Resampling.BICUBIC
    )
    bar = max(size // 40, 4)
    scale = np.linspace(-1, 1, size)
    ends = np.where(scale[:, None] > 0, np.array(_RAISES), np.array(_LOWERS))
    row = 255 * (1 - np.abs(scale)[:, None]) + ends * np.abs(scale)[:, None]
    legend = Image.fromarray(np.repeat(row.round().astype(np.uint8)[None], bar, axis=0))
    whole = Image.new("RGB", (size, drawn.height + bar + 2), (255, 255, 255))
    whole.paste(drawn, (0, 0))
    whole.paste(legend, (0, drawn.height + 2))
    ImageDraw.Draw(whole).rectangle((0, drawn.height + 2, size - 1, whole.height - 1), outline=(200, 200, 200))
    return whole
