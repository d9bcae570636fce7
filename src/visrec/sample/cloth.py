"""What a product's body is covered with, laid flat or bent around a turned body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from visrec.sample.canvas import SIZE
from visrec.sample.palettes import Colourway
from visrec.sample.patterns import PATTERNS

__all__ = ["Cloth", "row_extents", "weave"]

_Floats = npt.NDArray[np.float32]

_FINE = 2
"""A pattern is evaluated at this many points per pixel and axis, then averaged."""
_STEEPEST = 1.7
"""Pixels by which a turned body's half width may shrink from one row to the next."""


@dataclass(frozen=True)
class Cloth:
    """A pattern in four colours, at a scale and an angle.

    Attributes:
        pattern: a key of `PATTERNS`.
        variant: 0 to 3, the pattern's own variants.
        repeat: length of one repeat in pixels.
        turn: angle in radians.
        origin: offset of the pattern, in repeats.
        colours: the four colours.
    """

    pattern: str
    variant: int
    repeat: float
    turn: float
    origin: tuple[float, float]
    colours: Colourway


def weave(cloth: Cloth, window: tuple[slice, slice], body: _Floats | None = None) -> _Floats:
    """The cloth over a window of the picture.

    Args:
        cloth: what to weave.
        window: rows and columns.
        body: float32 of the window's shape, above 0.5 inside the turned body that the cloth is bent around; None
            leaves it flat.

    Returns:
        float32 (rows, columns, 3), 0 to 255.
    """
    rows, columns = window
    y = _fine_axis(rows)[:, None]
    x = _fine_axis(columns)[None, :]
    if body is not None:
        x = _around(x - np.float32(columns.start), body) + np.float32(SIZE / 2)
    cos, sin = np.float32(np.cos(cloth.turn) / cloth.repeat), np.float32(np.sin(cloth.turn) / cloth.repeat)
    u = x * cos + y * sin + np.float32(cloth.origin[0])
    v = y * cos - x * sin + np.float32(cloth.origin[1])
    u, v = np.broadcast_arrays(u, v)
    numbers = PATTERNS[cloth.pattern](u, v, cloth.variant)
    colours = cloth.colours
    table = np.asarray([colours.ground, colours.motif, colours.accent, colours.deep], np.uint8)
    return np.asarray(Image.fromarray(table[numbers]).reduce(_FINE), np.float32)


def row_extents(inside: npt.NDArray[np.bool_]) -> tuple[_Floats, _Floats]:
    """Middle and half width (1 or more) of a turned body in each row; float32 (rows, 1) each."""
    filled = inside.any(axis=1)
    left = inside.argmax(axis=1)
    right = inside.shape[1] - inside[:, ::-1].argmax(axis=1)
    middle = np.where(filled, (left + right) / 2, inside.shape[1] / 2)
    half = np.where(filled, np.maximum((right - left) / 2, 1.0), 1.0)
    # At a rounded foot the rows narrow at once though the body does not: let none narrow by more than _STEEPEST.
    fall = np.arange(len(half)) * _STEEPEST
    half = np.maximum.accumulate(half + fall) - fall
    return middle.astype(np.float32)[:, None], half.astype(np.float32)[:, None]


def _fine_axis(span: slice) -> _Floats:
    count = (span.stop - span.start) * _FINE
    return (np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(_FINE) + np.float32(span.start)


def _around(x: _Floats, body: _Floats) -> _Floats:
    """How far around a turned body each fine point lies, so that the pattern narrows towards its sides."""
    middle, half = row_extents(body > 0.5)
    widest = half.max()
    # Row by row the extents jump by whole pixels; a running mean keeps the pattern's edges smooth.
    middle, half = (np.repeat(_running_mean(values), _FINE, axis=0) for values in (middle, half))
    # The widest row sets the circumference: narrower rows show the same cloth, gathered.
    turned: _Floats = np.arcsin(np.clip((x - middle) / half, -0.999, 0.999)) * widest
    return turned


def _running_mean(values: _Floats) -> _Floats:
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    total = sum(padded[start : start + len(values)] for start in range(5))
    return np.asarray(total, np.float32) / np.float32(5)
