"""Deletion and insertion: what is said of regions, held against the score as they go and come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visrec.explanation.regions import Labels, Masks

__all__ = ["area_under", "deletion_masks", "insertion_masks"]


def deletion_masks(weights: npt.NDArray[np.float64], labels: Labels, steps: int = 10) -> Masks:
    """What is shown as the regions go, the weightiest first, in steps of about equal area.

    Petsiuk, Das & Saenko (2018), RISE, arXiv:1806.07421, section 4.1, by regions instead of single pixels.

    Args:
        weights: float64 (n_regions,).
        labels: the regions.
        steps: how often something is taken away.

    Returns:
        bool (steps + 1, n_regions), from all shown to none.
    """
    area = np.bincount(labels.ravel(), minlength=len(weights)) / labels.size
    order = np.argsort(-weights, kind="stable")
    gone = np.cumsum(area[order])
    # A region goes with the step that its middle falls into.
    step = np.minimum(((gone - area[order] / 2) * steps).astype(np.int64), steps - 1)
    shown = np.ones((steps + 1, len(weights)), dtype=np.bool_)
    shown[:, order] = np.arange(steps + 1)[:, None] <= step[None]
    return shown


def insertion_masks(weights: npt.NDArray[np.float64], labels: Labels, steps: int = 10) -> Masks:
    """What is shown as the regions come, the weightiest first; bool (steps + 1, n_regions), from none to all."""
    return ~deletion_masks(weights, labels, steps)


def area_under(values: npt.NDArray[np.float64]) -> float:
    """Area under a curve over 0 … 1, by the trapezoidal rule."""
    return float(np.trapezoid(values, dx=1 / (len(values) - 1)))
