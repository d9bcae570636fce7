"""The pattern of a surface in a word: plain, striped, checked, dotted or busy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.recognition.texture import MEASURES

__all__ = ["PATTERNS", "pattern_words", "readable"]

#: What the words are told by, those that are taken as logarithms first; see `texture`.
_LOGARITHMS = ("contrast", "spots", "glcm_contrast")
_AS_THEY_ARE = ("edges", "one_way", "two_ways", "across", "repeats", "spot_evenness", "spot_roundness", "glcm_energy")

#: Pattern -> slopes over `readable` and a bias; made from drawn pictures by tools/pattern_weights.py.
_WEIGHTS: dict[str, tuple[float, ...]] = {
    "plain": (-0.53, 0.09, -0.64, -2.95, 1.58, 0.40, -0.94, -0.67, -1.24, -0.65, 5.26, 2.00),
    "striped": (0.18, 0.09, 0.20, 1.00, 2.84, 2.21, 1.93, 0.55, 0.37, -1.44, -0.52, -3.57),
    "checked": (-0.15, -0.22, 0.05, 2.46, -3.78, 1.74, 0.30, 3.08, 0.10, -0.44, -4.58, 0.39),
    "dotted": (-0.06, 0.39, 0.23, -0.73, -0.53, -2.94, 0.35, 0.25, 0.87, 3.81, 3.08, -2.39),
    "busy": (0.56, -0.35, 0.15, 0.22, -0.11, -1.40, -1.65, -3.20, -0.10, -1.28, -3.25, 3.57),
}
#: How common each is among the things that shops show; drawn pictures do not tell.
_COMMON = {"plain": 0.70, "striped": 0.07, "checked": 0.04, "dotted": 0.03, "busy": 0.16}
#: Logits are divided by it: drawn pictures are easier than photographs.
_TEMPERATURE = 1.25
PATTERNS: tuple[str, ...] = tuple(_WEIGHTS)
"""The words."""


def readable(measured: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What the words are told by.

    Args:
        measured: float32 (n, len(MEASURES)), of `texture`.

    Returns:
        float64 (n, 11).
    """
    places = {name: place for place, name in enumerate(MEASURES)}
    logarithms = np.log(np.maximum(measured[:, [places[name] for name in _LOGARITHMS]].astype(np.float64), 0) + 0.1)
    return np.hstack([logarithms, measured[:, [places[name] for name in _AS_THEY_ARE]]])


def pattern_words(measured: npt.NDArray[np.float32]) -> AttributeColumn:
    """Column `pattern` of n_items items, by a linear softmax; `amount` is the contrast, in CIELAB units.

    Nothing is said of a surface that was too small to be judged. Limits: bands wider than some 40 of the 192 pixels are
    taken for shading; of checks and dots few are found in photographs (see BENCHMARKS.md).

    Args:
        measured: float32 (n_items, len(MEASURES)), of `texture`.
    """
    rows = np.flatnonzero(measured[:, MEASURES.index("contrast")] >= 0)
    weight = np.array(list(_WEIGHTS.values()))
    logits = (readable(measured[rows]) @ weight[:, :-1].T + weight[:, -1]) / _TEMPERATURE
    belief = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf)) * np.array(list(_COMMON.values()))
    belief /= belief.sum(axis=1, keepdims=True)
    label = belief.argmax(axis=1).astype(np.int64)
    confidence = belief[np.arange(len(rows)), label].astype(np.float32)
    return AttributeColumn("pattern", PATTERNS, rows, label, confidence, measured[rows, MEASURES.index("contrast")])
