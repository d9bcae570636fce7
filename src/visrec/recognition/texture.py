"""What a surface is like: how strong its pattern is, whether it runs one way, repeats, and what its spots are like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visrec.recognition.foreground import Foreground

__all__ = ["MEASURES", "texture"]

MEASURES = (
    "contrast",
    "edges",
    "one_way",
    "two_ways",
    "across",
    "repeats",
    "period",
    "spots",
    "spot_evenness",
    "spot_roundness",
    "glcm_contrast",
    "glcm_energy",
)
"""Names of the measurements, in the order of `texture`."""
#: A surface smaller than this square is not judged.
_SMALLEST_SIDE = 16
#: Pixels beside the outline that are left out: their neighbours lie on the ground.
_RIM = 3
#: Shading is what is left at this width (Gaussian, pixels); it is taken away.
_SHADING = 10.0
#: An edge is a change of so many CIELAB units a pixel.
_EDGE = 4.0
_LONGEST_LAG = 40
#: Grey levels of the co-occurrence matrix, over ± so many CIELAB units.
_LEVELS, _RANGE = 16, 40.0

_Floats = npt.NDArray[np.float32]
_Flags = npt.NDArray[np.bool_]


def texture(lab: _Floats, foreground: Foreground) -> _Floats:
    """Measure the surface of what a picture shows.

    All is measured on one channel: CIELAB along the direction in which the surface's colours differ most, shading
    taken away, so that red on green of one lightness counts like black on white.

    Args:
        lab: float32 (height, width, 3), CIELAB.
        foreground: what is looked at.

    Returns:
        float32 (len(MEASURES),); a surface too small to be judged has a contrast of -1, and zeros:
        contrast: standard deviation, CIELAB units.
        edges: share of the pixels that lie on an edge.
        one_way, two_ways: resultant length of the gradients' doubled and fourfold angles, 0 … 1: near 1 where
            all edges are parallel, and where they are parallel or at right angles.
        across: autocorrelation at its first peak, across the main direction; 0 without a peak.
        repeats: highest autocorrelation at any lag beyond that of the first valley.
        period: pixels between repeats across the main direction.
        spots: spots in a thousand pixels, of the rarer side of Otsu's threshold.
        spot_evenness: median by mean area.
        spot_roundness: 1 for a disc, near 0 for lines; mean by area.
        glcm_contrast, glcm_energy: of the grey-level co-occurrence matrix at distance 1 (Haralick et al. 1973,
            Textural Features for Image Classification, IEEE Trans. Syst. Man Cybern. 3).
    """
    from scipy import ndimage

    nothing = np.zeros(len(MEASURES), dtype=np.float32)
    nothing[0] = -1.0
    mask = ndimage.binary_erosion(foreground.mask, iterations=_RIM) if foreground.separated else foreground.mask
    if mask.sum() < _SMALLEST_SIDE**2:
        return nothing
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    mask, lab = mask[box], lab[box]
    inner = ndimage.binary_erosion(mask, iterations=2)
    if min(mask.shape) < _SMALLEST_SIDE or inner.sum() < _SMALLEST_SIDE**2 / 4:
        return nothing
    main = _main_channel(lab, mask)
    weight = mask.astype(np.float32)
    shading = ndimage.gaussian_filter(main * weight, _SHADING)
    rough = (main - shading / np.maximum(ndimage.gaussian_filter(weight, _SHADING), 1e-3)) * weight
    edges, one_way, two_ways, angle = _directions(main, inner)
    return np.array(
        [
            rough[mask].std(),
            *(edges, one_way, two_ways),
            *_repetition(rough, weight, angle),
            *_spots(rough, mask),
            *_co_occurrence(rough, mask),
        ],
        dtype=np.float32,
    )


def _main_channel(lab: _Floats, mask: _Flags) -> _Floats:
    """The first principal component of the surface's colours, lighter upwards."""
    pixels = lab[mask]
    mean = pixels.mean(axis=0)
    _, directions = np.linalg.eigh((pixels - mean).T @ (pixels - mean))
    main = directions[:, -1] if directions[0, -1] >= 0 else -directions[:, -1]
    return np.asarray((lab - mean) @ main, dtype=np.float32)


def _directions(main: _Floats, inner: _Flags) -> tuple[float, float, float, float]:
    """Share of edges, resultants of the doubled and fourfold angles, and the angle of the main gradient."""
    from scipy import ndimage

    gy, gx = (ndimage.gaussian_filter(main, 0.8, order=order)[inner] for order in ((1, 0), (0, 1)))
    power = gx**2 + gy**2
    gradient = gx + 1j * gy
    total = power.sum() + 1e-9
    doubled = (gradient**2).sum() / total
    fourfold = (gradient**4 / np.maximum(power, 1e-9)).sum() / total
    return float((power > _EDGE**2).mean()), abs(doubled), abs(fourfold), float(np.angle(doubled)) / 2


def _repetition(rough: _Floats, weight: _Floats, angle: float) -> tuple[float, float, float]:
    """Autocorrelation at the first peak across, the highest anywhere beyond the first valley, and the period."""
    height, width, correlation = _autocorrelation(rough, weight)
    furthest = min(min(rough.shape) // 2, _LONGEST_LAG)
    lags = np.arange(1, furthest)
    x, y = (np.rint(lags * part).astype(np.int64) for part in (np.cos(angle), np.sin(angle)))
    line = correlation[y % height, x % width]
    valley = int(np.argmax(np.append(np.diff(line) > 0, True)))
    rest = line[valley:]
    y, x = np.mgrid[0:furthest, 1 - furthest : furthest]
    lag = np.hypot(x, y)
    beyond = correlation[y % height, x % width][(lag > valley + 2) & (lag < furthest)]
    # Stripes are as alike after two periods as after one: the first nearly highest place counts.
    period = lags[valley + int(np.argmax(rest >= 0.97 * rest.max()))] if len(rest) else 0
    return float(rest.max(initial=0.0)), float(beyond.max(initial=0.0)), float(period)


def _autocorrelation(rough: _Floats, weight: _Floats) -> tuple[int, int, npt.NDArray[np.float64]]:
    """By lag, over the pixels that both copies of the surface have; 1 at lag 0, 0 where they hardly overlap."""
    from scipy import fft

    height, width = (fft.next_fast_len(2 * n, real=True) for n in rough.shape)

    def correlate(values: _Floats) -> npt.NDArray[np.float64]:
        spectrum = fft.rfft2(values, (height, width))
        return np.asarray(fft.irfft2(np.abs(spectrum) ** 2, (height, width)))

    overlap = correlate(weight)
    mean = correlate(rough) / np.maximum(overlap, 1.0)
    enough = overlap > 0.15 * weight.sum()
    return height, width, np.where(enough, mean, 0.0) / max(mean[0, 0], 1e-6)


def _spots(rough: _Floats, mask: _Flags) -> tuple[float, float, float]:
    """How many there are, how even in size and how round: of what lies on the rarer side of Otsu's threshold."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    values = rough[mask]
    if values.std() < 1e-3:
        return 0.0, 0.0, 0.0
    high = (rough > threshold_otsu(values)) & mask
    rarer = high if 2 * high.sum() <= mask.sum() else mask & ~high
    regions, n_regions = ndimage.label(rarer, np.ones((3, 3)))
    owner = regions[rarer] - 1
    area = np.bincount(owner, minlength=n_regions).astype(np.float64)
    y, x = (axis.astype(np.float64) for axis in np.nonzero(rarer))

    def mean(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.bincount(owner, of, n_regions) / area)

    # A pixel is a square with a variance of its own.
    xx, yy = (mean(axis**2) - mean(axis) ** 2 + 1 / 12 for axis in (x, y))
    root = np.sqrt(np.maximum(xx * yy - (mean(x * y) - mean(x) * mean(y)) ** 2, 1e-6))
    # An ellipse fills the one that has its second moments; a disc's axes are equal.
    roundness = area / (4 * np.pi * root) * (2 * root / (xx + yy))
    good = area >= 4
    if not good.any():
        return 0.0, 0.0, 0.0
    area, roundness = area[good], roundness[good]
    return 1000 * len(area) / mask.sum(), float(np.median(area) / area.mean()), float((area @ roundness) / area.sum())


def _co_occurrence(rough: _Floats, mask: _Flags) -> tuple[float, float]:
    from skimage.feature import graycomatrix, graycoprops

    levels = np.clip((rough + _RANGE) * (_LEVELS / (2 * _RANGE)), 0, _LEVELS - 1).astype(np.uint8) + 1
    levels[~mask] = 0
    # Level 0 is outside: its row and column go.
    matrix = graycomatrix(levels, [1], [0, np.pi / 2], _LEVELS + 1)[1:, 1:].astype(np.float64)
    matrix /= np.maximum(matrix.sum(axis=(0, 1)), 1)
    return float(graycoprops(matrix, "contrast").mean()), float(graycoprops(matrix, "energy").mean())
