"""Shirts, dresses and bags. Garments are drawn by their right half and mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visrec.sample.canvas import Canvas
from visrec.sample.outlines import Point, box, ellipse, rounded, smooth

__all__ = ["draw_bag", "draw_dress", "draw_shirt"]


def _both(half: Sequence[Point], radius: float = 1.5) -> list[Point]:
    """The outline whose right half goes from the neck down to the hem."""
    return rounded([*half, *((100 - x, y) for x, y in reversed(half))], radius)


def draw_shirt(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a shirt: "tee", "buttoned", "sweater" or "tank"."""
    hem = float(rng.uniform(80, 85))
    if shape == "tank":
        canvas.fill(_neck(44, 18, 5), "deep", "flat")
        canvas.fill(
            _both([(50, 33), (58, 29), (61, 15), (67, 15), (68, 30), (73, 40), (72, hem), (50, hem + 1)]),
            "body",
            "cloth",
        )
        canvas.stroke(smooth([(39, 16), (42, 28), (50, 33), (58, 28), (61, 16)], closed=False), 1.3, "deep")
        return
    long_sleeves = shape in ("buttoned", "sweater")
    sleeve = [(91, 66), (80.5, 69)] if long_sleeves else [(89, 42), (77, 48)]
    for mirrored in (False, True):
        arm: list[Point] = [(63, 16), (74, 21), sleeve[0], sleeve[1], (71, 36), (62, 34)]
        canvas.fill(rounded([(100 - x, y) if mirrored else (x, y) for x, y in arm], 2), "body", "cloth")
        if long_sleeves:
            cuff: list[Point] = [(90.2, 62.5), (91.2, 66.5), (80.7, 69.5), (79.6, 65.5)]
            canvas.fill(rounded([(100 - x, y) if mirrored else (x, y) for x, y in cuff], 0.8), "deep", "cloth")
    canvas.fill(_neck(40, 16, 5), "deep", "flat")
    canvas.fill(
        _both([(50, 24), (57, 21), (60.5, 15), (71, 19), (71.5, 45), (71, hem), (50, hem + 0.6)]), "body", "cloth"
    )
    for x in (29.3, 70.7):
        canvas.stroke([(x, 34), (x, hem - 1)], 0.5, "seam")
    if shape == "buttoned":
        _collar(canvas, hem)
    else:
        canvas.stroke(smooth([(39.5, 15.5), (43, 21), (50, 24), (57, 21), (60.5, 15.5)], closed=False), 2.0, "deep")
    if shape == "sweater":
        canvas.fill(box(28.8, hem - 4, 71.2, hem + 0.8, 0.8), "deep", "cloth")


def _neck(left: float, top: float, depth: float) -> list[Point]:
    """The inside of a garment's back that shows through its neck."""
    return rounded([(left, top - 1), (100 - left, top - 1), (96 - left, top + depth), (left + 4, top + depth)], 2)


def _collar(canvas: Canvas, hem: float) -> None:
    canvas.fill(box(47.6, 24, 52.4, hem, 0.4), "deep", "flat")
    for y in np.arange(30, hem - 3, 9).tolist():
        canvas.fill(ellipse(50, y, 1.15, 1.15), "white", "flat")
    for side in (-1, 1):
        wing = [(50 + side * x, y) for x, y in ((10.5, 13.5), (0.2, 24), (8.5, 29), (13.5, 17.5))]
        canvas.fill(rounded(wing, 1.2), "deep", "hard")


def draw_dress(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a dress: "flared", "shift", "belted" or "maxi"."""
    hem = float(rng.uniform(84, 89))
    if shape == "belted":
        for mirrored in (False, True):
            arm: list[Point] = [(60, 13), (69, 18), (75, 35), (66, 39), (61, 30)]
            canvas.fill(rounded([(100 - x, y) if mirrored else (x, y) for x, y in arm], 2), "body", "cloth")
    halves: dict[str, list[Point]] = {
        "flared": [
            (50, 24),
            (56, 20),
            (58, 11),
            (62.5, 11),
            (64.5, 27),
            (60, 46),
            (80, hem - 3),
            (65, hem),
            (50, hem + 1),
        ],
        "shift": [(50, 17), (56, 15), (60, 11), (67, 14), (66, 30), (68, 55), (70, hem - 5), (50, hem - 4)],
        "belted": [(50, 27), (57, 16), (60, 12), (66, 15), (65, 32), (60, 46), (72, hem - 2), (50, hem)],
        "maxi": [(50, 22), (58, 19), (59, 9), (61, 9), (64, 25), (60, 40), (66, 60), (73, 93), (50, 94)],
    }
    canvas.fill(_neck(43, 14, 5) if shape != "maxi" else ellipse(50, 21, 7, 2), "deep", "flat")
    canvas.fill(_both(halves[shape], 2.5), "body", "cloth")
    if shape in ("flared", "belted"):
        band = _both([(50, 44), (60.4, 44), (60.6, 48.4), (50, 48.6)], 0.5)
        canvas.fill(band, "accent" if shape == "belted" else "deep", "cloth")
        for x in (41, 50, 59):
            canvas.stroke([(x, 50), (50 + (x - 50) * 2.1, hem - 6)], 0.6, "seam")
    if shape == "belted":
        canvas.fill(box(48, 43.4, 52.4, 49, 0.8), "metal")
        canvas.stroke([(43, 17), (50, 27), (57, 17)], 1.0, "deep")
    if shape == "shift":
        canvas.stroke(smooth([(40.5, 11.5), (44, 15.2), (50, 17), (56, 15.2), (59.5, 11.5)], closed=False), 1.4, "deep")
    if shape == "maxi":
        canvas.stroke([(40, 40.5), (60, 40.5)], 1.2, "deep")


def draw_bag(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a bag: "tote", "bucket", "satchel" or "backpack"."""
    wide = float(rng.uniform(0.93, 1.05))
    if shape == "tote":
        canvas.stroke(ellipse(50, 42, 13, 26, 180, 360), 2.6, "deep")
        canvas.fill(
            rounded([(50 - 27 * wide, 40), (50 + 27 * wide, 40), (50 + 30 * wide, 87), (50 - 30 * wide, 87)], 3),
            "body",
            "cloth",
        )
        canvas.fill(box(50 - 27.4 * wide, 39.4, 50 + 27.4 * wide, 43.4, 0.8), "deep", "hard")
    elif shape == "bucket":
        canvas.stroke(ellipse(50, 40, 20 * wide, 27, 180, 360), 2.2, "deep")
        canvas.fill(ellipse(50, 41, 25 * wide, 4.5), "dark", "flat")
        canvas.fill(
            rounded([(50 - 25 * wide, 41), (50 + 25 * wide, 41), (50 + 21 * wide, 87), (50 - 21 * wide, 87)], 7),
            "body",
            "round",
        )
        canvas.fill(
            rounded([(50 - 22 * wide, 76), (50 + 22 * wide, 76), (50 + 21 * wide, 87), (50 - 21 * wide, 87)], 6),
            "deep",
            "round",
        )
    elif shape == "satchel":
        canvas.stroke(ellipse(50, 38, 24, 24, 180, 360), 2.0, "deep")
        canvas.fill(box(50 - 31 * wide, 38, 50 + 31 * wide, 84, 6), "deep", "puffy")
        canvas.fill(box(50 - 29 * wide, 40, 50 + 29 * wide, 82, 5), "body", "puffy")
        flap = [(50 - 32 * wide, 37), (50 + 32 * wide, 37), (50 + 30 * wide, 58), (50, 66), (50 - 30 * wide, 58)]
        canvas.fill(rounded(flap, 6), "deep", "puffy")
        canvas.fill(box(46, 60, 54, 68, 1.2), "metal", "hard")
    else:
        canvas.stroke(ellipse(50, 18, 7, 7, 180, 360), 2.4, "deep")
        for side in (-1, 1):
            canvas.fill(box(50 + side * 28 * wide - 5, 52, 50 + side * 28 * wide + 5, 80, 4), "deep", "puffy")
        canvas.fill(
            rounded([(50 - 24 * wide, 17), (50 + 24 * wide, 17), (50 + 28 * wide, 87), (50 - 28 * wide, 87)], 13),
            "body",
            "puffy",
        )
        canvas.stroke(ellipse(50, 44, 23 * wide, 22, 195, 345), 1.0, "deep")
        canvas.fill(box(50 - 19 * wide, 54, 50 + 19 * wide, 81, 4), "deep", "puffy")
        canvas.fill(box(50 - 17.4 * wide, 60, 50 + 17.4 * wide, 79.4, 3), "body", "puffy")
