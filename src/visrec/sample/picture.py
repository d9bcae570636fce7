"""From the parts of a product to its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from visrec.sample.canvas import DRAWN, SIZE, Part
from visrec.sample.cloth import Cloth, weave
from visrec.sample.light import REACH, background, folds, ground_shadow, light_on
from visrec.sample.palettes import Colour

__all__ = ["paint_picture"]

_Floats = npt.NDArray[np.float32]
_Window = tuple[slice, slice]

_MATERIALS: Mapping[str, Colour] = {
    "wood": (176, 131, 88),
    "metal": (186, 178, 160),
    "dark": (58, 50, 46),
    "white": (248, 246, 240),
    "seam": (40, 36, 34),
}
_SEAM_COVER = np.float32(0.28)
_RATIO = DRAWN // SIZE


def paint_picture(parts: Sequence[Part], cloth: Cloth, rng: np.random.Generator, *, stands: bool) -> Image.Image:
    """Paint the picture of one product.

    Args:
        parts: back to front.
        cloth: what "body" parts are covered with, and the colours of the others.
        rng: chooses the wall and the folds.
        stands: on a floor, with a shadow at its foot; otherwise it lies or hangs, with a shadow behind it.

    Returns:
        RGB, SIZE x SIZE.
    """
    windows = [_window(part) for part in parts]
    alphas = [_alpha(part, window) for part, window in zip(parts, windows, strict=True)]
    silhouette = np.zeros((SIZE, SIZE), np.float32)
    for alpha, window in zip(alphas, windows, strict=True):
        np.maximum(silhouette[window], alpha, out=silhouette[window])
    picture = background(cloth.colours.tint, rng, floor=stands) * ground_shadow(silhouette, floor=stands)[..., None]
    wrinkles = folds(rng)
    covers = _covers(parts, windows, alphas, cloth)
    below = np.zeros((SIZE, SIZE), np.float32)
    for part, window, alpha, cover in zip(parts, windows, alphas, covers, strict=True):
        brightness, darkness = light_on("flat" if part.paint == "seam" else part.shade, alpha)
        if part.shade == "cloth":
            brightness = brightness * wrinkles[window]
        region = picture[window]
        region *= (1 - darkness * below[window])[..., None]
        lit = np.clip(cover * brightness[..., None], 0, 255)
        opacity = alpha * _SEAM_COVER if part.paint == "seam" else alpha
        region += (lit - region) * opacity[..., None]
        np.maximum(below[window], alpha, out=below[window])
    return Image.fromarray(np.clip(picture + 0.5, 0, 255).astype(np.uint8))


def _window(part: Part) -> _Window:
    """The pixels that a part covers or shades."""
    left, top, right, bottom = part.mask.getbbox() or (0, 0, _RATIO, _RATIO)
    reach = REACH[part.shade]
    return (
        slice(max(top // _RATIO - reach, 0), min(-(-bottom // _RATIO) + reach, SIZE)),
        slice(max(left // _RATIO - reach, 0), min(-(-right // _RATIO) + reach, SIZE)),
    )


def _alpha(part: Part, window: _Window) -> _Floats:
    rows, columns = window
    box = (columns.start * _RATIO, rows.start * _RATIO, columns.stop * _RATIO, rows.stop * _RATIO)
    return np.asarray(part.mask.reduce(_RATIO, box), np.float32) / np.float32(255)


def _covers(
    parts: Sequence[Part], windows: Sequence[_Window], alphas: Sequence[_Floats], cloth: Cloth
) -> list[_Floats]:
    """What each part is covered with: one colour, or (rows, columns, 3) of cloth."""
    flat = [
        window for part, window in zip(parts, windows, strict=True) if part.paint == "body" and part.shade != "round"
    ]
    if flat:
        # One piece of cloth for all flat parts, so that the pattern runs through from sleeve to sleeve.
        top, left = min(rows.start for rows, _ in flat), min(columns.start for _, columns in flat)
        bottom, right = max(rows.stop for rows, _ in flat), max(columns.stop for _, columns in flat)
        piece = weave(cloth, (slice(top, bottom), slice(left, right)))
    covers: list[_Floats] = []
    for part, (rows, columns), alpha in zip(parts, windows, alphas, strict=True):
        if part.paint != "body":
            covers.append(np.asarray(_colour(part, cloth), np.float32))
        elif part.shade == "round":
            covers.append(weave(cloth, (rows, columns), alpha))
        else:
            covers.append(piece[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left])
    return covers


def _colour(part: Part, cloth: Cloth) -> Colour:
    colours = cloth.colours
    own = {"ground": colours.ground, "motif": colours.motif, "accent": colours.accent, "deep": colours.deep}
    return own[part.paint] if part.paint in own else _MATERIALS[part.paint]
