"""How much each region of a picture is worth: LIME, KernelSHAP, and occlusion by a moving window."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from visrec.explanation.regions import Labels, Masks, RegionMap, Value

__all__ = ["METHODS", "RegionMethod", "kernel_shap", "lime", "occlusion", "occlusion_grid"]

#: Of the exponential kernel of LIME over cosine distances, and of its ridge: the values of its published code.
_KERNEL_WIDTH, _RIDGE = 0.25, 1.0
#: The window of occlusion, in cells of its grid.
_WINDOW = 3

Vector = npt.NDArray[np.float64]


class RegionMethod(Protocol):
    """Asks for the value of a picture with regions hidden, and says what each is worth."""

    def __call__(self, labels: Labels, value: Value, n_samples: int = 500, seed: int = 0) -> RegionMap:
        """The map; `value` is called once, with all samples."""
        ...


def lime(labels: Labels, value: Value, n_samples: int = 500, seed: int = 0) -> RegionMap:
    """Weights of a linear model of the score over which regions are shown, fitted near the whole picture.

    Ribeiro, Singh & Guestrin (2016), "Why should I trust you?", arXiv:1602.04938, algorithm 1: each region is shown
    with probability 1/2; a sample counts exp(-d² / 0.25²) with d its cosine distance to the whole picture; the model is
    a weighted ridge regression. All regions are kept: none is selected.

    Args:
        labels: the regions.
        value: what the picture is worth.
        n_samples: pictures that are asked for, the whole one and the empty one among them.
        seed: of the samples.
    """
    n = int(labels.max()) + 1
    shown = np.random.default_rng(seed).random((max(n_samples, 3), n)) < 0.5
    shown[0], shown[1] = True, False
    values = value(shown)
    distance = 1 - np.sqrt(shown.mean(axis=1))
    kernel = np.exp(-np.square(distance / _KERNEL_WIDTH))
    weights, fit = _ridge(shown.astype(np.float64), values, kernel)
    return RegionMap("lime", labels, weights, float(values[0]), float(values[1]), fit)


def kernel_shap(labels: Labels, value: Value, n_samples: int = 500, seed: int = 0) -> RegionMap:
    """Shapley values of the regions, by regression on sampled coalitions; they add up to whole - hidden exactly.

    Lundberg & Lee (2017), A unified approach to interpreting model predictions, arXiv:1705.07874, eq. 9; sampled in
    pairs of a coalition and its complement, and solved under the constraint of the sum, as in Covert & Lee (2021),
    Improving KernelSHAP, arXiv:2012.01536, eq. 7 and 12. Arguments: see `lime`.
    """
    n = int(labels.max()) + 1
    shown = _coalitions(n, max(n_samples, 4), np.random.default_rng(seed))
    values = value(shown)
    hidden, whole = values[1], values[0]
    if n == 1:
        return RegionMap("shap", labels, np.array([whole - hidden]), float(whole), float(hidden), 1.0)
    inside, target = shown[2:].astype(np.float64), values[2:] - hidden
    gram = inside.T @ inside / len(inside)
    # Coalitions may be too few to tell all regions apart: what they do not tell is spread evenly.
    gram[np.diag_indices(n)] += 1e-6
    moment = inside.T @ target / len(inside)
    free, ones = np.linalg.solve(gram, moment), np.linalg.solve(gram, np.ones(n))
    weights = free - ones * (free.sum() - (whole - hidden)) / ones.sum()
    return RegionMap("shap", labels, weights, float(whole), float(hidden), _r2(target, inside @ weights))


def occlusion(labels: Labels, value: Value, n_samples: int = 500, seed: int = 0) -> RegionMap:
    """How far the score falls when a window hides a part of the picture, averaged over the windows that hide a cell.

    Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, arXiv:1311.2901, section 3.2, asks for
    no gradient and no model. `labels` are a grid, of `occlusion_grid`; `n_samples` and `seed` are not looked at, for
    nothing is drawn.
    """
    side = round(np.sqrt(labels.max() + 1))
    places = side - _WINDOW + 1
    hides = np.zeros((places * places, side, side), dtype=np.bool_)
    for number, (y, x) in enumerate(np.ndindex(places, places)):
        hides[number, y : y + _WINDOW, x : x + _WINDOW] = True
    hides = hides.reshape(len(hides), -1)
    values = value(np.concatenate([np.ones((1, side * side), np.bool_), np.zeros((1, side * side), np.bool_), ~hides]))
    falls = values[0] - values[2:]
    weights = falls @ hides / hides.sum(axis=0)
    return RegionMap("occlusion", labels, weights, float(values[0]), float(values[1]))


def occlusion_grid(height: int, width: int, side: int = 10) -> Labels:
    """The cells that the window of `occlusion` moves over; int64 (height, width), side x side of them."""
    rows, columns = np.arange(height) * side // height, np.arange(width) * side // width
    return (rows[:, None] * side + columns[None, :]).astype(np.int64)


METHODS: Mapping[str, RegionMethod] = MappingProxyType({"lime": lime, "shap": kernel_shap, "occlusion": occlusion})
"""Name -> method."""


def _coalitions(n: int, n_samples: int, generator: np.random.Generator) -> Masks:
    """All shown, none shown, then pairs; a size s is drawn in proportion to 1 / (s (n - s)), the kernel's mass."""
    sizes = np.arange(1, n)
    pairs = (n_samples - 2) // 2
    if n == 1:
        return np.array([[True], [False]])
    mass = 1 / (sizes * (n - sizes))
    drawn = generator.choice(sizes, size=pairs, p=mass / mass.sum())
    rank = generator.random((pairs, n)).argsort(axis=1).argsort(axis=1)
    first = rank < drawn[:, None]
    ends = np.stack([np.ones(n, np.bool_), np.zeros(n, np.bool_)])
    return np.concatenate([ends, first, ~first])


def _ridge(shown: Vector, values: Vector, kernel: Vector) -> tuple[Vector, float]:
    """Weights of a weighted ridge regression with a free intercept, and its weighted R²."""
    total = kernel.sum()
    x, y = shown - kernel @ shown / total, values - kernel @ values / total
    gram = (x * kernel[:, None]).T @ x + _RIDGE * np.eye(shown.shape[1])
    weights = np.linalg.solve(gram, (x * kernel[:, None]).T @ y)
    return weights, _r2(values, x @ weights + kernel @ values / total, kernel)


def _r2(target: Vector, predicted: Vector, weight: Vector | None = None) -> float:
    weight = np.ones(len(target)) if weight is None else weight
    mean = weight @ target / weight.sum()
    around = float(weight @ np.square(target - mean))
    varies = around > 1e-12 * float(weight @ np.square(target) + weight.sum() * mean**2)
    return 1 - float(weight @ np.square(target - predicted)) / around if varies else 0.0
