"""Chairs, lamps and clocks."""

from __future__ import annotations

import math

import numpy as np

from visrec.sample.canvas import Canvas, Paint
from visrec.sample.outlines import Point, box, ellipse, profile, rounded, smooth

__all__ = ["draw_chair", "draw_clock", "draw_lamp"]


def draw_chair(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a chair: "armchair", "dining", "shell" or "wing"."""
    legs: Paint = "wood" if rng.random() < 0.7 else "dark"
    height = float(rng.uniform(-3, 3))
    if shape == "dining":
        _dining_chair(canvas, height, legs)
    elif shape == "shell":
        _legs(canvas, [(34, 66, 24, 88), (66, 66, 76, 88), (42, 66, 40, 85), (58, 66, 60, 85)], legs)
        back = smooth(
            [(28, 26 + height), (50, 20 + height), (72, 26 + height), (77, 46), (73, 64), (50, 70), (27, 64), (23, 46)]
        )
        canvas.fill(back, "body", "puffy")
        canvas.fill(smooth([(27, 57), (50, 52), (73, 57), (74, 65), (50, 72), (26, 65)]), "deep", "puffy")
        canvas.fill(smooth([(29, 56.5), (50, 52), (71, 56.5), (70, 62), (50, 67), (30, 62)]), "body", "puffy")
    else:
        _armchair(canvas, height, legs, wing=shape == "wing")


def _armchair(canvas: Canvas, height: float, legs: Paint, *, wing: bool) -> None:
    _legs(canvas, [(27, 76, 24, 89), (73, 76, 76, 89)], legs)
    top = (17 if wing else 27) + height
    canvas.fill(rounded([(25, top + 3), (50, top - 2), (75, top + 3), (76, 70), (24, 70)], 9), "body", "puffy")
    if wing:
        for side in (-1, 1):
            ear = [(50 + side * x, y) for x, y in ((26, top + 3), (32, top + 8), (33, 48), (25, 52), (23, 34))]
            canvas.fill(rounded(ear, 4), "deep", "puffy")
    canvas.fill(box(23, 62, 77, 80, 4), "deep", "puffy")
    canvas.fill(box(25, 54, 75, 68, 5), "body", "puffy")
    for side in (-1, 1):
        arm = [(50 + side * x, y) for x, y in ((24, 46), (36, 46), (37, 80), (25, 80))]
        canvas.fill(rounded(arm, 6), "body", "puffy")


def _dining_chair(canvas: Canvas, height: float, legs: Paint) -> None:
    _legs(canvas, [(35, 58, 34, 82), (65, 58, 66, 82)], legs)
    for side in (-1, 1):
        canvas.stroke([(50 + side * 19, 16 + height), (50 + side * 20, 60)], 2.6, legs)
    canvas.fill(
        rounded([(30, 17 + height), (50, 15 + height), (70, 17 + height), (69, 42), (31, 42)], 6), "body", "puffy"
    )
    canvas.fill(rounded([(29, 55), (71, 55), (77, 67), (23, 67)], 4), "body", "puffy")
    canvas.fill(box(23.5, 66, 76.5, 69.5, 1.5), "deep")
    _legs(canvas, [(26, 69, 24, 91), (74, 69, 76, 91)], legs)


def _legs(canvas: Canvas, legs: list[tuple[float, float, float, float]], paint: Paint) -> None:
    """Tapered legs, each (x, y) at the top to (x, y) at the foot."""
    for x, y, foot_x, foot_y in legs:
        canvas.fill([(x - 2, y), (x + 2, y), (foot_x + 1.2, foot_y), (foot_x - 1.2, foot_y)], paint)


def draw_lamp(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a lamp: "cone", "drum", "dome" or "tripod"."""
    wide = float(rng.uniform(0.92, 1.1))
    shades: dict[str, list[Point]] = {
        "cone": [(15, 11), (30, 19), (46, 27)],
        "drum": [(16, 24), (30, 24.5), (44, 25)],
        "dome": [(18, 7), (23, 17), (32, 25), (42, 29), (45, 29.5)],
        "tripod": [(12, 20), (26, 23), (42, 27)],
    }
    shade = [(y, half * wide) for y, half in shades[shape]]
    bottom, rim = shade[-1]
    if shape == "tripod":
        for foot in (28, 72, 50):
            canvas.stroke([(50, bottom - 2), (foot, 90 if foot != 50 else 87)], 2.4, "wood")
        canvas.fill(ellipse(50, 62, 6.5, 1.6), "metal")
    elif shape == "cone":
        canvas.fill(profile([(42, 3), (52, 3), (58, 8), (68, 15), (78, 14), (86, 8), (88, 8)]), "deep", "round")
    elif shape == "drum":
        for y, size in ((52, 6.5), (64, 9), (79, 11)):
            canvas.fill(ellipse(50, y, size, size * 0.86), "deep" if y != 64 else "accent", "puffy")
    else:
        canvas.fill(box(48.4, 42, 51.6, 86), "metal", "round")
        canvas.fill(profile([(83, 4), (85, 13), (88, 16), (89, 16)]), "metal", "round")
    canvas.fill(profile(shade), "body", "round")
    canvas.fill(ellipse(50, bottom, rim, 2.2), "deep", "flat")
    canvas.fill(ellipse(50, bottom + 0.3, rim - 1.4, 1.4), "white", "flat")
    canvas.fill(profile([(shade[0][0] - 1, shade[0][1]), (shade[0][0] + 1.2, shade[0][1] + 0.4)]), "deep", "round")


def draw_clock(canvas: Canvas, shape: str, rng: np.random.Generator) -> None:
    """Draw a clock: "round", "square", "sunburst" or "alarm"."""
    frame: Paint = "deep" if rng.random() < 0.7 else "wood"
    radius = float(rng.uniform(29, 33))
    if shape == "sunburst":
        radius -= 9
        for ray in range(24):
            angle = ray * math.pi / 12
            reach = radius + (16 if ray % 2 else 11)
            tip = (50 + reach * math.cos(angle), 50 + reach * math.sin(angle))
            canvas.stroke([(50, 50), tip], 1.7, "metal" if ray % 2 else "deep")
    if shape == "alarm":
        radius -= 7
        _bells(canvas, radius)
    if shape == "square":
        canvas.fill(box(50 - radius, 50 - radius, 50 + radius, 50 + radius, 7), frame, "puffy")
        inner = radius - 3.5
        canvas.fill(box(50 - inner, 50 - inner, 50 + inner, 50 + inner, 5), "body", "flat")
    else:
        canvas.fill(ellipse(50, 50, radius, radius), frame, "puffy")
        canvas.fill(ellipse(50, 50, radius - 3.2, radius - 3.2), "body", "flat")
    _dial(canvas, radius, rng)


def _bells(canvas: Canvas, radius: float) -> None:
    for side in (-1, 1):
        canvas.stroke([(50 + side * 12, 68), (50 + side * 18, 80)], 3.4, "metal")
        canvas.fill(ellipse(50 + side * 13, 50 - radius - 2, 9, 6.5), "metal", "puffy")
    canvas.stroke(ellipse(50, 50 - radius - 4, 6, 6, 180, 360), 1.8, "metal")


def _dial(canvas: Canvas, radius: float, rng: np.random.Generator) -> None:
    face = radius * 0.52
    canvas.fill(ellipse(50, 50, face, face), "white", "flat")
    for hour in range(12):
        angle = hour * math.pi / 6
        inner = face * (0.72 if hour % 3 == 0 else 0.82)
        tick = [_polar(inner, angle), _polar(face * 0.92, angle)]
        canvas.stroke(tick, 1.1 if hour % 3 == 0 else 0.7, "dark")
    minute, hour_hand = rng.uniform(0, 2 * math.pi, size=2).tolist()
    canvas.stroke([(50, 50), _polar(face * 0.5, hour_hand)], 1.9, "deep")
    canvas.stroke([(50, 50), _polar(face * 0.78, minute)], 1.2, "deep")
    canvas.fill(ellipse(50, 50, 1.7, 1.7), "accent")


def _polar(radius: float, angle: float) -> Point:
    return 50 + radius * math.cos(angle), 50 + radius * math.sin(angle)
