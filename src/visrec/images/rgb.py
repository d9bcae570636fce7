"""Any Pillow colour mode to 8-bit RGB, so that white stays white and nothing is clipped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["has_alpha", "is_sixteen_bit", "to_rgb"]

_HAS_ALPHA = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_WIDE = frozenset({"I", "F"})


def is_sixteen_bit(image: Image.Image) -> bool:
    """Whether the file stores more than 8 bits a channel; ask before the pixels are loaded."""
    if image.mode in _WIDE or image.mode.startswith("I;16"):
        return True
    # Pillow reads 16-bit colour as 8-bit; only the raw mode of its tiles still tells.
    return any("16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def has_alpha(image: Image.Image) -> bool:
    """Whether a loaded picture has a pixel that is not opaque."""
    if image.mode in _HAS_ALPHA:
        # A palette's alpha ("PA") is a plain channel too: the last one.
        low, _ = image.getchannel(len(image.getbands()) - 1).getextrema()
        return isinstance(low, int | float) and low < 255
    return "transparency" in image.info


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture to mode RGB; transparent parts become white.

    16-bit grey is scaled by 255/65535. Floating-point grey is taken as 0 … 1 when it fits there, as 0 … 255 when
    it fits there, and is stretched from its smallest to its largest value otherwise.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _WIDE or image.mode.startswith("I;16"):
        return Image.fromarray(_grey_to_bytes(image)).convert("RGB")
    if image.mode in _HAS_ALPHA or "transparency" in image.info:
        # RGBa and La hold premultiplied colours; Pillow converts each of them by way of its straight sibling only.
        straight = {"RGBa": "RGBA", "La": "LA"}.get(image.mode)
        with_alpha = (image.convert(straight) if straight else image).convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _grey_to_bytes(image: Image.Image) -> npt.NDArray[np.uint8]:
    values = np.asarray(image).astype(np.float32)
    transparent = image.info.get("transparency")
    if image.mode == "F" or values.min(initial=0.0) < 0 or values.max(initial=0.0) > 65535:
        scaled = _stretch(values)
    else:
        scaled = values * (255.0 / 65535.0)
    if isinstance(transparent, int):
        scaled[values == transparent] = 255.0
    return np.rint(scaled).astype(np.uint8)


def _stretch(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if low >= 0 and high <= 1:
        return values * np.float32(255.0)
    if low >= 0 and high <= 255:
        return values
    low = float(values.min())
    return (values - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-12))
