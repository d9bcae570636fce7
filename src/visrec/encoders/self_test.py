"""Does an encoder work on this CPU? Drawn pictures must be nearer to their own crops than to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from visrec.encoders.framing import Framing

__all__ = ["drawn_pictures", "finds_own_crops"]

_SIDE = 320


def drawn_pictures() -> list[Image.Image]:
    """Eight pictures, 320 x 320, that differ in shape, pattern and colour; the same ones every time."""
    pictures = []
    for index, (paper, ink) in enumerate(
        [
            ("white", "crimson"),
            ("white", "navy"),
            ("beige", "darkgreen"),
            ("black", "gold"),
            ("lightblue", "black"),
            ("white", "black"),
            ("pink", "purple"),
            ("grey", "orange"),
        ]
    ):
        picture = Image.new("RGB", (_SIDE, _SIDE), paper)
        _MOTIFS[index](ImageDraw.Draw(picture), ink)
        pictures.append(picture)
    return pictures


def finds_own_crops(embed: Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]], framing: Framing) -> bool:
    """Whether each drawn picture's crop (its middle 80%) has that picture as the nearest one.

    Args:
        embed: uint8 (n, size, size, 3) to float32 (n, dim).
        framing: how a picture becomes one of these.
    """
    pictures = drawn_pictures()
    margin = _SIDE // 10
    crops = [picture.crop((margin, margin, _SIDE - margin, _SIDE - margin)) for picture in pictures]
    whole = embed(np.stack([framing.apply(picture) for picture in pictures]))
    part = embed(np.stack([framing.apply(crop) for crop in crops]))
    if not (np.isfinite(whole).all() and np.isfinite(part).all()):
        return False
    centre = np.concatenate([whole, part]).mean(axis=0)
    nearest = (_unit(part - centre) @ _unit(whole - centre).T).argmax(axis=1)
    return bool((nearest == np.arange(len(pictures))).all())


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))


def _disc(draw: ImageDraw.ImageDraw, ink: str) -> None:
    draw.ellipse((70, 70, 250, 250), fill=ink)


def _stripes(draw: ImageDraw.ImageDraw, ink: str) -> None:
    for x in range(0, _SIDE, 40):
        draw.rectangle((x, 0, x + 19, _SIDE), fill=ink)


def _triangle(draw: ImageDraw.ImageDraw, ink: str) -> None:
    draw.polygon([(160, 50), (270, 260), (50, 260)], fill=ink)


def _dots(draw: ImageDraw.ImageDraw, ink: str) -> None:
    for x in range(20, _SIDE, 56):
        for y in range(20, _SIDE, 56):
            draw.ellipse((x, y, x + 24, y + 24), fill=ink)


def _cup(draw: ImageDraw.ImageDraw, ink: str) -> None:
    draw.rectangle((90, 100, 200, 240), fill=ink)
    draw.arc((170, 120, 250, 210), 270, 90, fill=ink, width=16)


def _checks(draw: ImageDraw.ImageDraw, ink: str) -> None:
    for x in range(0, _SIDE, 40):
        for y in range(0, _SIDE, 40):
            if (x + y) // 40 % 2:
                draw.rectangle((x, y, x + 39, y + 39), fill=ink)


def _star(draw: ImageDraw.ImageDraw, ink: str) -> None:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 50, 120)
    draw.polygon([(160 + r * np.cos(a), 160 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)], fill=ink)


def _waves(draw: ImageDraw.ImageDraw, ink: str) -> None:
    x = np.arange(0, _SIDE, 4)
    for base in range(20, _SIDE, 48):
        points = [(float(a), float(b)) for a, b in zip(x, base + 14 * np.sin(x / 18), strict=True)]
        draw.line(points, fill=ink, width=9)


_MOTIFS = (_disc, _stripes, _triangle, _dots, _cup, _checks, _star, _waves)
