"""Light, shadow and background of a product's picture; all float32 over its pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from visrec.sample.canvas import SIZE, Shade
from visrec.sample.cloth import row_extents
from visrec.sample.palettes import Colour

__all__ = ["REACH", "background", "folds", "ground_shadow", "light_on"]

_Floats = npt.NDArray[np.float32]

_WALLS: tuple[Colour, ...] = (
    (244, 242, 238),
    (236, 233, 228),
    (240, 236, 230),
    (232, 235, 238),
    (238, 238, 240),
    (243, 238, 233),
    (231, 232, 228),
    (247, 246, 244),
)
_RELIEF: dict[Shade, tuple[float, float]] = {"puffy": (9.0, 12.8), "cloth": (5.0, 4.1), "hard": (2.0, 0.8)}
"""Blur radius that turns a silhouette into a relief, and how strongly its slope catches the light."""
REACH: dict[Shade, int] = {"puffy": 20, "cloth": 12, "hard": 5, "round": 1, "flat": 1}
"""Pixels beyond its edge that a part can darken."""


def light_on(shade: Shade, alpha: _Floats) -> tuple[_Floats, _Floats]:
    """Light on a part, and the shade that it casts on what lies right behind it.

    Args:
        shade: how light falls.
        alpha: (rows, columns), 0 to 1: the part, with `REACH` pixels of margin where the picture has them.

    Returns:
        Brightness, where 1 shows colours as they are; and darkness, 0 to 1. Both (rows, columns).
    """
    if shade == "flat":
        return np.ones_like(alpha), np.zeros_like(alpha)
    if shade == "round":
        return _round_light(alpha), np.zeros_like(alpha)
    radius, strength = _RELIEF[shade]
    height = _blur(alpha, radius)
    slope_y, slope_x = np.gradient(height)
    light = np.clip(1.0 + strength * (slope_x * 0.6 + slope_y * 0.8), 0.55, 1.22)
    brightness = light * (0.90 + 0.13 * np.clip((height - 0.45) / 0.55, 0, 1))
    return brightness.astype(np.float32), height * np.float32(0.55)


def _round_light(alpha: _Floats) -> _Floats:
    middle, half = row_extents(alpha > 0.5)
    across = np.clip((np.arange(alpha.shape[1], dtype=np.float32)[None, :] + 0.5 - middle) / half, -1, 1)
    body = 0.58 + 0.5 * np.sqrt(np.clip(1 - ((across + 0.28) / 1.32) ** 2, 0, 1))
    gleam = 0.20 * np.exp(-(((across + 0.46) / 0.15) ** 2))
    return (body + gleam).astype(np.float32)


def folds(rng: np.random.Generator) -> _Floats:
    """Slow changes of brightness, longer downwards than across, as hanging cloth has; (SIZE, SIZE)."""
    coarse = Image.fromarray(rng.normal(0.0, 1.0, size=(4, 11)).astype(np.float32))
    smooth = np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float32)
    return np.float32(1.0) + np.float32(0.055) * np.clip(smooth, -1.8, 1.8)


def background(tint: Colour, rng: np.random.Generator, *, floor: bool) -> _Floats:
    """A plain wall, perhaps with a floor; (SIZE, SIZE, 3), 0 to 255.

    Args:
        tint: half of the pictures are styled as catalogues do it: the wall takes on some of this colour.
        rng: chooses one of eight near-white walls, and the styling.
        floor: whether there is one.
    """
    wall = np.asarray(_WALLS[int(rng.integers(len(_WALLS)))], np.float32)
    share = float(rng.uniform(0.25, 0.5)) if rng.random() < 0.5 else 0.0
    wall += (np.asarray(tint, np.float32) - wall) * np.float32(share)
    y = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, SIZE, dtype=np.float32)[None, :]
    light = 1.02 - 0.05 * y - 0.025 * (x + 0.3) ** 2
    if floor:
        light = light - (0.055 - 0.10 * (y - 0.76)) / (1 + np.exp(-(y - 0.76) * 60))
    return wall * light[..., None].astype(np.float32)


def ground_shadow(silhouette: _Floats, *, floor: bool) -> _Floats:
    """Brightness of the background: dark at a standing product's foot, or behind a hanging one; (SIZE, SIZE)."""
    if not floor:
        moved = _moved(silhouette, 5, 3)
        return 1.0 - 0.30 * _blur(moved, 5.0) - 0.10 * _blur(moved, 13.0)
    rows, columns = np.nonzero(silhouette > 0.5)
    foot = float(rows.max())
    near = columns[rows > foot - SIZE * 0.06]
    left, right = float(near.min()), float(near.max())
    y = np.arange(SIZE, dtype=np.float32)[:, None]
    x = np.arange(SIZE, dtype=np.float32)[None, :]
    half = (right - left) / 2 + 7
    spread = np.sqrt(((x - (left + right) / 2 - 6) / half) ** 2 + ((y - foot + 2) / 8.0) ** 2)
    contact = _blur(np.clip(1.25 - spread, 0, 1).astype(np.float32), 3.0)
    return 1.0 - 0.42 * contact - 0.10 * _blur(_moved(silhouette, 3, 8), 12.0)


def _moved(values: _Floats, down: int, right: int) -> _Floats:
    moved = np.zeros_like(values)
    moved[down:, right:] = values[:-down, :-right]
    return moved


def _blur(values: _Floats, radius: float) -> _Floats:
    image = Image.fromarray(np.clip(values * 255, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(255)
