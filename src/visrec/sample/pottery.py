"""Vases and mugs: turned bodies."""

from __future__ import annotations

import numpy as np

from visrec.sample.canvas import Canvas
from visrec.sample.outlines import Point, box, ellipse, profile, smooth

__all__ = ["draw_mug", "draw_vase"]


def draw_vase(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a vase: "bottle", "amphora", "globe", "column" or "gourd"."""
    wide = float(rng.uniform(0.9, 1.12))
    bodies: dict[str, list[Point]] = {
        "bottle": [(16, 7.5), (20, 6), (34, 6), (44, 11), (58, 21), (72, 23), (84, 16), (87, 14)],
        "amphora": [(20, 11), (24, 8.5), (32, 9), (42, 20), (53, 25), (66, 21), (78, 12), (87, 10.5)],
        "globe": [(30, 13), (33, 11.5), (38, 16), (48, 26), (60, 30), (73, 26), (83, 17), (87, 13)],
        "column": [(20, 17), (30, 16.5), (45, 17), (60, 19), (75, 19), (84, 17), (87, 15)],
        "gourd": [(17, 7), (22, 8), (31, 14), (40, 13.5), (47, 10), (55, 16), (66, 24), (78, 22), (87, 14)],
    }
    body = [(y, half * wide) for y, half in bodies[shape]]
    top, rim = body[0]
    if shape == "amphora":
        for side in (-1, 1):
            grip = [(50 + side * 8 * wide, 25), (50 + side * 25 * wide, 24), (50 + side * 23 * wide, 45)]
            canvas.stroke(smooth(grip, closed=False), 3.2, "deep")
    elif top > 18 and rng.random() < 0.6:
        _stems(canvas, top, rng)
    canvas.fill(profile(body), "body", "round")
    canvas.fill(profile([(top - 1.5, rim + 1.2), (top, rim + 1.8), (top + 2.5, rim + 0.6)]), "deep", "round")
    canvas.fill(ellipse(50, top - 1.2, rim + 0.9, 2.4), "deep")
    canvas.fill(ellipse(50, top - 0.9, rim - 0.7, 1.6), "dark")


def _stems(canvas: Canvas, top: float, rng: np.random.Generator) -> None:
    """Three dry stems with round heads that stand in the vase."""
    for lean in (-13.0, 11.0, -1.0):
        x, y = 50 + lean + float(rng.normal(0, 1.5)), float(rng.uniform(6, 10)) + abs(lean) * 0.25
        canvas.stroke(smooth([(50, top + 2), (50 + lean * 0.3, (top + y) / 2), (x, y)], closed=False), 0.8, "wood")
        canvas.fill(ellipse(x, y, 2.7, 2.7), "accent", "puffy")


def draw_mug(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a mug: "straight", "barrel", "tapered" or "cup" (on a saucer)."""
    bodies: dict[str, list[Point]] = {
        "straight": [(30, 21), (40, 21), (60, 21), (78, 20.5), (82, 18.5)],
        "barrel": [(32, 19), (42, 23), (56, 25), (70, 23), (80, 18), (82, 16)],
        "tapered": [(28, 25), (40, 23), (60, 19.5), (78, 16.5), (82, 15)],
        "cup": [(42, 26), (50, 25), (62, 21), (72, 14), (76, 10)],
    }
    wide = float(rng.uniform(0.95, 1.08))
    body = [(y, half * wide) for y, half in bodies[shape]]
    top, rim = body[0]
    middle = (top + body[-1][0]) / 2
    edge = np.interp(middle, [y for y, _ in body], [half for _, half in body])
    if shape == "cup":
        canvas.fill(ellipse(46, 79, 36, 6.4), "deep", "puffy")
        canvas.fill(ellipse(46, 78, 33, 5.0), "ground", "puffy")
        canvas.fill(ellipse(46, 78.2, 17, 2.6), "deep", "flat")
    reach = 10.5 if shape == "cup" else 12.5
    handle = ellipse(46 + float(edge) - 1, middle - 1, reach, (82 - top) * 0.27, -100, 100)
    canvas.stroke(handle, 4.6, "deep", "puffy")
    canvas.fill(profile(body, 46), "body", "round")
    canvas.fill(ellipse(46, top, rim, rim * 0.17), "deep", "hard")
    canvas.fill(ellipse(46, top + 0.3, rim - 1.6, rim * 0.17 - 0.9), "motif", "flat")
    canvas.fill(ellipse(46, top + 1.3, rim - 3.0, rim * 0.17 - 1.9), "wood", "flat")
    if shape == "straight":
        canvas.fill(box(46 - 20.5 * wide, 79.4, 46 + 20.5 * wide, 80.4), "seam")
