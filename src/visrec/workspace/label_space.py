"""The space in which labels are learned: embeddings centred, reduced and half whitened on a shop's own pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.recommenders.whitening import Whitening
from visrec.workspace.assemble import unit_rows

__all__ = ["in_label_space", "label_space"]

Matrix = npt.NDArray[np.float32]

#: Components that are kept, and how far their variances are made alike: chosen on categories and patterns of
#: hm-fashion, on other items than those of the published figures.
_COMPONENTS, _STRENGTH = 256, 0.5
#: Pictures that mean and components are taken of, at most, evenly spread.
_MOST_PICTURES = 20_000


def label_space(pictures: Matrix) -> dict[str, npt.NDArray[Any]]:
    """Learn the space of float32 (n, dim) embeddings of length 1, n at least 1: "mean" and "projection"."""
    some = pictures[:: -(-len(pictures) // _MOST_PICTURES)]
    mean = some.mean(axis=0).astype(np.float32)
    return {"mean": mean, "projection": Whitening.fit(unit_rows(some - mean), _COMPONENTS, _STRENGTH).projection}


def in_label_space(rows: Matrix, space: Mapping[str, npt.NDArray[Any]]) -> Matrix:
    """Embeddings of length 1 as a classifier of labels compares them; as they are where the space has no projection."""
    if "projection" not in space:
        return rows
    return unit_rows(unit_rows(rows - space["mean"]) @ space["projection"])
