"""Outlines of shapes as lists of points, in a square whose sides are 100 units long and whose y points down."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Point", "box", "ellipse", "profile", "rounded", "smooth"]

Point = tuple[float, float]


def ellipse(cx: float, cy: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0) -> list[Point]:
    """Points of an ellipse, or of its arc from `start` to `end` degrees, clockwise from the right."""
    steps = max(12, int(abs(end - start) / 4))
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> list[Point]:
    """A rectangle with rounded corners."""
    return rounded([(left, top), (right, top), (right, bottom), (left, bottom)], radius)


def rounded(corners: Sequence[Point], radius: float) -> list[Point]:
    """A polygon whose corners are rounded off by quadratic curves that start `radius` units before each."""
    if radius <= 0:
        return list(corners)
    points: list[Point] = []
    for index, corner in enumerate(corners):
        start = _towards(corner, corners[index - 1], radius)
        end = _towards(corner, corners[(index + 1) % len(corners)], radius)
        for step in range(9):
            t = step / 8
            points.append(
                (
                    (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * corner[0] + t * t * end[0],
                    (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * corner[1] + t * t * end[1],
                )
            )
    return points


def smooth(points: Sequence[Point], *, closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through all points."""
    n = len(points)
    curve: list[Point] = []
    for index in range(n if closed else n - 1):
        if closed:
            a, b, c, d = (points[(index + offset) % n] for offset in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(index + offset, 0), n - 1)] for offset in (-1, 0, 1, 2))
        curve.extend(_catmull_rom(a, b, c, d, step / 10) for step in range(10))
    if not closed:
        curve.append(points[-1])
    return curve


def profile(half_widths: Sequence[Point], cx: float = 50.0, sag: float = 0.09) -> list[Point]:
    """The outline of a turned body, seen a little from above.

    Args:
        half_widths: (y, half width) from top to bottom; the curve between them is smooth.
        cx: where its axis stands.
        sag: how far its foot bends down, as a share of the foot's half width.
    """
    right = smooth([(cx + half, y) for y, half in half_widths], closed=False)
    foot_y, foot = half_widths[-1]
    return right + ellipse(cx, foot_y, foot, foot * sag, 0, 180) + [(2 * cx - x, y) for x, y in reversed(right)]


def _towards(start: Point, goal: Point, distance: float) -> Point:
    length = math.hypot(goal[0] - start[0], goal[1] - start[1])
    share = min(distance / length, 0.5) if length else 0.0
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share


def _catmull_rom(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    def axis(i: int) -> float:
        return 0.5 * (
            2 * b[i]
            + (c[i] - a[i]) * t
            + (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i]) * t * t
            + (3 * b[i] - a[i] - 3 * c[i] + d[i]) * t**3
        )

    return axis(0), axis(1)
