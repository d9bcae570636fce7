"""Which colours a picture has: its palette, told from the ground, and the palette in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.recognition.colour_names import COLOUR_NAMES, distances_to_names
from visrec.recognition.foreground import Foreground
from visrec.recognition.palette import N_COLOURS, palette

__all__ = ["Colours", "adapt_to_ground"]

#: A ground at least as light, and at most as colourful, is taken for white paper.
_PAPER_LIGHTNESS, _PAPER_CHROMA = 80.0, 8.0
#: Lightness of white paper.
_WHITE = 96.0
#: CIEDE2000 distance over which belief in a name falls to 1/e.
_SOFTNESS = 1.0
#: A named colour with a smaller share of the picture is not spoken of.
_SMALLEST_SHARE = 0.08


@dataclass(frozen=True)
class Colours:
    """Measures a palette; says `colour` (the foremost name) and `colours` (all names, with shares).

    The measurement of a picture is the palette's six colours with shares, then the colour of the ground, NaN-free: all
    zero where no ground was told apart.

    White paper under a photographer's lamp is rarely white. Where the ground is taken for paper, colours are put in
    proportion to it (von Kries, in the cube-root space of CIELAB) before they are named.

    A colour belongs to a name by exp(-distance / softness), with the CIEDE2000 distance to the nearest reference
    colour, in proportion to all names. The share of a name is the sum over the palette: the foremost name's is the
    confidence of `colour`. Measured on hm-fashion: see BENCHMARKS.md.
    """

    dim: int = N_COLOURS * 4 + 3
    names: tuple[str, ...] = ("colour", "colours")

    def measure(self, lab: npt.NDArray[np.float32], foreground: Foreground) -> npt.NDArray[np.float32]:
        """One picture; float32 (dim,)."""
        ground = foreground.ground if foreground.separated else np.zeros(3, dtype=np.float32)
        return np.concatenate([palette(lab[foreground.mask]).ravel(), ground]).astype(np.float32)

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """Columns `colour` and `colours` of n_items items; `amount` is the share of the picture."""
        n_items = len(measured)
        colours = measured[:, : N_COLOURS * 4].reshape(n_items, N_COLOURS, 4)
        lab = adapt_to_ground(colours[..., :3], measured[:, N_COLOURS * 4 :])
        share = colours[..., 3]
        distance = distances_to_names(lab.reshape(-1, 3))
        # The nearest name counts 1 before all are put in proportion: a colour far from every name underflows nothing.
        belief = np.exp((distance.min(axis=1, keepdims=True) - distance) / _SOFTNESS)
        belief = (belief / belief.sum(axis=1, keepdims=True)).reshape(n_items, N_COLOURS, distance.shape[1])
        # (n_items, n_names): how much of the picture has a name, in all.
        amount = np.einsum("ik,ikn->in", share, belief)
        return [_foremost(amount), _all(share, belief)]


def adapt_to_ground(lab: npt.NDArray[np.float32], ground: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Colours as they would be on white paper.

    Args:
        lab: float32 (n_items, n_colours, 3), CIELAB.
        ground: float32 (n_items, 3), colour of each picture's ground; one that is no paper changes nothing.
    """
    paper = (ground[:, 0] >= _PAPER_LIGHTNESS) & (np.hypot(ground[:, 1], ground[:, 2]) <= _PAPER_CHROMA)
    white = np.array([_WHITE, 0.0, 0.0], dtype=np.float32)
    factor = _cube_roots(white) / _cube_roots(np.where(paper[:, None], ground, white))
    x, y, z = np.moveaxis(_cube_roots(lab) * factor[:, None], -1, 0)
    adapted = np.stack([np.clip(116 * y - 16, 0, 100), 500 * (x - y), 200 * (y - z)], axis=-1)
    return np.where(paper[:, None, None], adapted, lab).astype(np.float32)


def _cube_roots(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """X, Y and Z by white, under the cube root: what CIELAB is made of."""
    y = (lab[..., 0] + 16) / 116
    return np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)


def _foremost(amount: npt.NDArray[np.float32]) -> AttributeColumn:
    rows = np.arange(len(amount), dtype=np.int64)
    best = amount.argmax(axis=1) if len(amount) else np.zeros(0, dtype=np.int64)
    confidence = amount[rows, best].astype(np.float32)
    return AttributeColumn("colour", COLOUR_NAMES, rows, best, confidence, confidence)


def _all(share: npt.NDArray[np.float32], belief: npt.NDArray[np.float32]) -> AttributeColumn:
    amount = np.einsum("ik,ikn->in", share, belief)
    # How firmly the colours that count for a name belong to it.
    firm = np.einsum("ik,ikn->in", share, belief**2) / np.maximum(amount, 1e-12)
    row, label = np.nonzero(amount >= _SMALLEST_SHARE)
    order = np.lexsort((-amount[row, label], row))
    row, label = row[order], label[order]
    confidence, share_of_picture = firm[row, label].astype(np.float32), amount[row, label].astype(np.float32)
    return AttributeColumn("colours", COLOUR_NAMES, row, label, confidence, share_of_picture, several=True)
