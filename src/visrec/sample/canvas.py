"""What a product is drawn on: it collects parts, each a silhouette with a paint and a way to shade it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from visrec.sample.outlines import Point

__all__ = ["DRAWN", "SIZE", "Canvas", "Paint", "Part", "Placement", "Shade"]

SIZE = 224
"""Side of a finished picture in pixels."""
DRAWN = SIZE * 3
"""Side at which silhouettes are drawn; the mean over 3 x 3 pixels makes their edges smooth."""
_LONGEST = 87.0
"""The longer side of a drawing at most, in hundredths of the picture's side."""

Paint = Literal["body", "ground", "motif", "accent", "deep", "wood", "metal", "dark", "white", "seam"]
"""What a part is covered with: "body" is the pattern, "seam" a thin darkening of what lies below."""
Shade = Literal["round", "puffy", "cloth", "hard", "flat"]
"""How light falls: on a turned body, a cushion, a garment, a stiff edge, or evenly."""


@dataclass(frozen=True)
class Placement:
    """How the drawing lies in the picture.

    Attributes:
        size: side of a square as large as the drawing's bounding box, in hundredths of the picture's side; a long
            and narrow drawing comes out smaller, so that it fits.
        turn: degrees, clockwise.
        mirror: left and right changed.
        foot: where its lowest point stands, in hundredths from the top; None centres it.
        shift: to the right, in hundredths.
    """

    size: float = 64.0
    turn: float = 0.0
    mirror: bool = False
    foot: float | None = None
    shift: float = 0.0


@dataclass(frozen=True)
class Part:
    """One silhouette: mask of mode "L", DRAWN x DRAWN, 255 where the part is."""

    mask: Image.Image
    paint: Paint
    shade: Shade


@dataclass(frozen=True)
class _Outline:
    """A part before it is placed; `width` is None for a filled outline, else that of a line."""

    points: Sequence[Point]
    width: float | None
    paint: Paint
    shade: Shade


class Canvas:
    """Collects the parts of one product, back to front, and places them in the picture."""

    def __init__(self) -> None:
        self._outlines: list[_Outline] = []

    def fill(self, outline: Sequence[Point], paint: Paint, shade: Shade = "hard") -> None:
        """Add the inside of an outline."""
        self._outlines.append(_Outline(outline, None, paint, shade))

    def stroke(self, line: Sequence[Point], width: float, paint: Paint, shade: Shade = "hard") -> None:
        """Add a line of some width with round ends."""
        self._outlines.append(_Outline(line, width, paint, shade))

    def parts(self, placement: Placement) -> list[Part]:
        """Draw all parts, turned, mirrored, and scaled to the size asked for."""
        cos, sin = math.cos(math.radians(placement.turn)), math.sin(math.radians(placement.turn))
        flip = -1.0 if placement.mirror else 1.0
        turned = [
            np.asarray(outline.points) @ np.array([[flip * cos, flip * sin], [-sin, cos]]) for outline in self._outlines
        ]
        margins = [(outline.width or 0.0) / 2 for outline in self._outlines]
        low = np.min([points.min(axis=0) - margin for points, margin in zip(turned, margins, strict=True)], axis=0)
        high = np.max([points.max(axis=0) + margin for points, margin in zip(turned, margins, strict=True)], axis=0)
        width, height = (high - low).tolist()
        scale = min(placement.size / math.sqrt(width * height), _LONGEST / max(width, height))
        middle = (low + high) / 2
        centre = np.array([50.0 + placement.shift, 50.0])
        if placement.foot is not None:
            centre[1] = placement.foot - height / 2 * scale
        return [
            _draw(outline, ((points - middle) * scale + centre) * (DRAWN / 100), scale)
            for outline, points in zip(self._outlines, turned, strict=True)
        ]


def _draw(outline: _Outline, points: npt.NDArray[np.float64], scale: float) -> Part:
    mask = Image.new("L", (DRAWN, DRAWN))
    draw = ImageDraw.Draw(mask)
    pixels = [(float(x), float(y)) for x, y in points]
    if outline.width is None:
        draw.polygon(pixels, fill=255)
    else:
        width = max(1, round(outline.width * scale * DRAWN / 100))
        draw.line(pixels, fill=255, width=width)
        radius = (width - 1) / 2
        if radius >= 1:
            # Discs at all points, not at the ends only: Pillow's own joints leave cracks in tight curves.
            for x, y in pixels:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return Part(mask, outline.paint, outline.shade)
