"""Cushions and rugs."""

from __future__ import annotations

import numpy as np

from visrec.sample.canvas import Canvas
from visrec.sample.outlines import Point, box, ellipse, rounded, smooth

__all__ = ["draw_cushion", "draw_rug"]


def draw_cushion(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a cushion: "square", "lumbar", "round" or "tasselled"."""
    size = float(rng.uniform(0.94, 1.06))
    if shape == "round":
        canvas.fill(ellipse(50, 52, 33 * size, 32 * size), "deep", "puffy")
        canvas.fill(ellipse(50, 52, 31.6 * size, 30.6 * size), "body", "puffy")
        for end in range(0, 360, 30):
            canvas.stroke([(50, 52), ellipse(50, 52, 20 * size, 19 * size, end, end + 1)[0]], 0.7, "seam")
        canvas.fill(ellipse(50, 52, 3, 2.8), "deep", "puffy")
        return
    half_x, half_y = (36 * size, 22 * size) if shape == "lumbar" else (31 * size, 31 * size)
    if shape == "tasselled":
        for x in (-1, 1):
            for y in (-1, 1):
                knot = (50 + x * half_x * 0.99, 52 + y * half_y * 0.99)
                for fan in (-2.4, 0, 2.4):
                    canvas.stroke([knot, (knot[0] + x * 5 + fan * y, knot[1] + y * 5 - fan * x)], 1.3, "accent")
                canvas.fill(ellipse(*knot, 2.2, 2.2), "deep", "puffy")
    canvas.fill(_pillow(half_x, half_y), "deep", "puffy")
    canvas.fill(_pillow(half_x - 1.2, half_y - 1.2), "body", "puffy")


def _pillow(half_x: float, half_y: float) -> list[Point]:
    """A stuffed rectangle: its sides bow inwards and its corners stand out."""
    corners = [(-1.0, -1.0), (0.0, -0.91), (1.0, -1.0), (0.93, 0.0), (1.0, 1.0), (0.0, 0.91), (-1.0, 1.0), (-0.93, 0.0)]
    return smooth([(50 + x * half_x, 52 + y * half_y) for x, y in corners])


def draw_rug(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a rug from above: "fringed", "runner", "round" or "bordered"."""
    if shape == "round":
        radius = float(rng.uniform(36, 40))
        canvas.fill(ellipse(50, 50, radius, radius), "deep", "hard")
        canvas.fill(ellipse(50, 50, radius - 2.2, radius - 2.2), "motif", "hard")
        canvas.fill(ellipse(50, 50, radius - 3.8, radius - 3.8), "body", "flat")
        return
    half_x = {"fringed": 27.0, "runner": 17.0, "bordered": 28.0}[shape] * float(rng.uniform(0.94, 1.06))
    half_y = 38.0
    left, top, right, bottom = 50 - half_x, 50 - half_y, 50 + half_x, 50 + half_y
    if shape != "bordered":
        for x in np.linspace(left + 0.8, right - 0.8, 26 if shape == "fringed" else 17).tolist():
            for y, outwards in ((top, -1), (bottom, 1)):
                canvas.stroke([(x, y), (x + float(rng.normal(0, 0.35)), y + outwards * 4.4)], 0.9, "motif", "flat")
        canvas.fill(box(left, top, right, bottom, 0.6), "body", "flat")
        for y in (top + 1.5, bottom - 4.5):
            canvas.fill(box(left, y, right, y + 3), "deep", "flat")
        return
    canvas.fill(box(left, top, right, bottom, 1.5), "deep", "hard")
    canvas.fill(box(left + 4, top + 4, right - 4, bottom - 4, 0.8), "accent", "flat")
    canvas.fill(
        rounded(
            [
                (left + 5.6, top + 5.6),
                (right - 5.6, top + 5.6),
                (right - 5.6, bottom - 5.6),
                (left + 5.6, bottom - 5.6),
            ],
            0.8,
        ),
        "body",
        "flat",
    )
