"""The patterns: functions from a point of the cloth to a colour number.

A pattern sees coordinates, not pixels. So it can be turned, scaled, or wrapped around a vase by changing the
coordinates alone, and all six share one signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

__all__ = ["PATTERNS", "Field", "Pattern"]

Field = npt.NDArray[np.float32]
Pattern = Callable[[Field, Field, int], npt.NDArray[np.uint8]]
"""(x, y, variant) -> colour number 0 ground, 1 motif, 2 accent, 3 deep; one repeat is about 1 x 1."""


def _plain(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    return np.zeros(x.shape, np.uint8)


def _stripes(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    across = y if variant % 2 else x
    phase = across - np.floor(across)
    colour = (phase < 0.5).astype(np.uint8)
    if variant >= 2:
        colour[(phase > 0.68) & (phase < 0.82)] = 2
    return colour


def _dots(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    row, column, dx, dy = _lattice(x, y)
    radius = (0.27, 0.33, 0.22, 0.30)[variant]
    inside = dx * dx + dy * dy < radius * radius
    colour = inside.astype(np.uint8)
    if variant >= 2:
        colour[inside & ((row + column) % 3 == 0)] = 2
    return colour


def _checks(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    phase_x, phase_y = x - np.floor(x), y - np.floor(y)
    if variant % 2:
        colour = ((phase_x < 0.5) ^ (phase_y < 0.5)).astype(np.uint8)
    else:
        # Gingham: where a vertical and a horizontal band cross, the motif is full; elsewhere it is woven half.
        fine = ((np.floor(x * 14) + np.floor(y * 14)).astype(np.int32) & 1).astype(bool)
        band_x, band_y = phase_x < 0.5, phase_y < 0.5
        colour = ((band_x & band_y) | ((band_x ^ band_y) & fine)).astype(np.uint8)
    if variant >= 2:
        colour[(np.abs(phase_x - 0.75) < 0.045) | (np.abs(phase_y - 0.75) < 0.045)] = 2
    return colour


def _chevron(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    zigzag = np.abs(x - np.floor(x) - 0.5) * (1.1 if variant % 2 else 1.5)
    phase = y + zigzag
    phase = phase - np.floor(phase)
    colour = (phase < 0.5).astype(np.uint8)
    if variant >= 2:
        colour[(phase > 0.66) & (phase < 0.84)] = 2
    return colour


def _floral(x: Field, y: Field, variant: int) -> npt.NDArray[np.uint8]:
    petals = (5, 6, 5, 8)[variant]
    row, column, dx, dy = _lattice(x * 0.72, y * 0.72)
    colour = np.zeros(x.shape, np.uint8)
    turn = _hash(row, column) * np.float32(2 * np.pi)
    # A pair of leaves, a bloom over them, then its heart: each covers what came before.
    cos, sin = np.cos(turn), np.sin(turn)
    along, aside = dx * cos + dy * sin, dy * cos - dx * sin
    colour[(np.abs(along) < 0.47) & (np.abs(aside) < 0.15 * (1 - (np.abs(along) / 0.47 - 0.55) ** 2 * 2.6))] = 3
    distance = np.sqrt(dx * dx + dy * dy)
    edge = 0.22 + 0.12 * np.abs(np.cos(np.arctan2(dy, dx) * (petals / 2) + turn))
    colour[distance < edge] = 1
    colour[distance < 0.10] = 2
    if variant >= 2:
        _, _, bud_x, bud_y = _lattice(x * 0.72 + 0.5, y * 0.72 + 0.29)
        colour[(bud_x * bud_x + bud_y * bud_y < 0.006) & (colour == 0)] = 2
    return colour


def _lattice(x: Field, y: Field) -> tuple[Field, Field, Field, Field]:
    """Row, column of the nearest point of a staggered grid, and the offset (dx, dy) from it."""
    row = np.floor(y / 0.866 + 0.5)
    shift = (row % 2) * 0.5
    column = np.floor(x - shift + 0.5)
    return row, column, x - shift - column, y - row * np.float32(0.866)


def _hash(row: Field, column: Field) -> Field:
    """A number in [0, 1) that looks random and depends on the lattice point alone."""
    mixed = (row.astype(np.int64) * 73856093) ^ (column.astype(np.int64) * 19349663)
    return ((mixed & 0xFFFF) / 65536.0).astype(np.float32)


PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        "plain": _plain,
        "stripes": _stripes,
        "dots": _dots,
        "checks": _checks,
        "chevron": _chevron,
        "floral": _floral,
    }
)
