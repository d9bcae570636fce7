"""What a picture shows, apart from the ground it lies on: a model of the border, where the border is plain.

Product photos stand on plain paper, lit a little unevenly. A plane is fitted to each Lab channel over the border's
pixels; what differs from it, or is enclosed by what differs, is foreground. Where the border is not plain (posters,
rooms) nothing is separated, and that is said.

Limit: what is exactly as white as the paper and reaches the outline, such as a striped shirt's white bands, is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Foreground", "separate"]

#: Width of the border, as a share of the shorter side.
_BORDER = 0.03
#: CIELAB distance within which a border pixel agrees with the fitted ground.
_AGREES = 5.0
#: Share of the border that must agree.
_PLAIN = 0.8
#: Foreground differs from the ground by so many times the ground's own noise, and by so much at least.
_TIMES_NOISE = 4.0
_DIFFERS = 3.0
#: An enclosed region this near to the ground is a hole, such as the inside of a ring.
_HOLE = 2.0
#: The largest connected part has such a share of the foreground: many small spots are a pattern, not things.
_LARGEST_PART = 0.1
#: Shares of the picture outside of which the separation is not believed.
_SMALLEST, _LARGEST = 0.004, 0.97


@dataclass(frozen=True)
class Foreground:
    """Which pixels are looked at.

    Attributes:
        mask: bool (height, width); all True where nothing was separated.
        separated: whether the ground was told apart from what lies on it.
        plain: share of the border that agrees with one evenly lit ground, 0 … 1.
        ground: float32 (3,), the ground's CIELAB colour in the middle; NaN where nothing was separated.
    """

    mask: npt.NDArray[np.bool_]
    separated: bool
    plain: float
    ground: npt.NDArray[np.float32]


def separate(lab: npt.NDArray[np.float32]) -> Foreground:
    """Tell what a picture shows from a plain ground.

    Args:
        lab: float32 (height, width, 3), CIELAB, D65.
    """
    height, width = lab.shape[:2]
    if min(height, width) < 8:
        return _everything(height, width, 0.0)
    border = _border(height, width)
    place = _place(height, width)
    coefficients, agrees, noise = _fit(place[border], lab[border])
    plain = float(agrees.mean())
    if plain < _PLAIN:
        return _everything(height, width, plain)
    distance = np.linalg.norm(lab - (place.reshape(-1, 3) @ coefficients).reshape(lab.shape), axis=2)
    mask = _without_ground(distance, max(_DIFFERS, _TIMES_NOISE * noise))
    if not _SMALLEST <= mask.mean() <= _LARGEST or _is_pattern(mask):
        return _everything(height, width, plain)
    return Foreground(mask, True, plain, coefficients[0])


def _everything(height: int, width: int, plain: float) -> Foreground:
    return Foreground(np.ones((height, width), dtype=np.bool_), False, plain, np.full(3, np.nan, dtype=np.float32))


def _is_pattern(mask: npt.NDArray[np.bool_]) -> bool:
    from scipy import ndimage

    regions, _ = ndimage.label(mask)
    return bool(np.bincount(regions.ravel())[1:].max(initial=0) < _LARGEST_PART * mask.sum())


def _border(height: int, width: int) -> npt.NDArray[np.bool_]:
    thickness = max(1, round(_BORDER * min(height, width)))
    border = np.ones((height, width), dtype=np.bool_)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _place(height: int, width: int) -> npt.NDArray[np.float32]:
    """1, x and y of every pixel, from -1 to 1; float32 (height, width, 3)."""
    place = np.ones((height, width, 3), dtype=np.float32)
    place[..., 1] = np.linspace(-1, 1, width, dtype=np.float32)
    place[..., 2] = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return place


def _fit(
    place: npt.NDArray[np.float32], lab: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], float]:
    """A plane through most of the border: from the median, refitted on what agrees.

    Returns:
        Coefficients (3, 3), which pixels agree, and their median distance.
    """
    coefficients = np.zeros((3, 3), dtype=np.float32)
    coefficients[0] = np.median(lab, axis=0)
    # The first round lets an uneven light pass, the next ones only the ground itself.
    for tolerance in (2.5 * _AGREES, 1.5 * _AGREES, _AGREES):
        distance = np.linalg.norm(lab - place @ coefficients, axis=1)
        agrees = distance < tolerance
        if agrees.sum() < max(8, 0.3 * len(lab)):
            break
        # Normal equations of three unknowns.
        chosen = place[agrees]
        coefficients = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ lab[agrees], rcond=None)[0].astype(np.float32)
    distance = np.linalg.norm(lab - place @ coefficients, axis=1)
    agrees = distance < _AGREES
    return coefficients, agrees, float(np.median(distance[agrees])) if agrees.any() else 0.0


def _without_ground(distance: npt.NDArray[np.float32], differs: float) -> npt.NDArray[np.bool_]:
    """True but for the ground: what is like it and touches the border, and holes that are just like it."""
    from scipy import ndimage

    regions, n_regions = ndimage.label(distance < differs)
    size = np.bincount(regions.ravel(), minlength=n_regions + 1)
    ground = np.bincount(regions.ravel(), distance.ravel(), n_regions + 1) < _HOLE * size
    ground[np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])] = True
    ground[0] = False
    mask = ~ground[regions]
    # Single pixels are noise, and so is a rim one pixel wide.
    return np.asarray(ndimage.binary_opening(mask, iterations=1), dtype=np.bool_)
