"""What every model that fuses modalities starts from: each block reduced to a few comparable columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.recommenders.content import ContentSpace
from visrec.recommenders.whitening import Whitening

__all__ = ["FusionInput", "regress_on_features"]

Matrix = npt.NDArray[np.float32]


class FusionInput:
    """Each block centred, reduced to principal components, half whitened and scaled to rows of length 1.

    A row of a block that an item lacks is zero, so that it says nothing. `slices` tells which columns belong to
    which block; `sources` which word a ranking uses for them.
    """

    def __init__(self, space: ContentSpace, whitenings: Mapping[str, Whitening]) -> None:
        self._space = space
        self._whitenings = dict(whitenings)

    @classmethod
    def fit(cls, items: ItemFeatures, blocks: Iterable[str], dim: int = 64, whiten: float = 0.5) -> Self:
        """Take the statistics of the named blocks that the items have.

        Args:
            items: training items.
            blocks: names of blocks, wanted if they are there.
            dim: at most so many columns a block.
            whiten: see `Whitening`.
        """
        space = ContentSpace.fit(items, blocks)
        rows = space.transform(items)
        fitted = {n: Whitening.fit(rows[n][items.blocks[n].present], dim, whiten) for n in space.names}
        return cls(space, {name: w for name, w in fitted.items() if w.projection.shape[1]})

    @property
    def slices(self) -> dict[str, slice]:
        """Block -> its columns in what the call returns."""
        slices, start = {}, 0
        for name, whitening in self._whitenings.items():
            slices[name] = slice(start, start + whitening.projection.shape[1])
            start = slices[name].stop
        return slices

    @property
    def sources(self) -> dict[str, str]:
        """Block -> the word for a part of a score that comes from it."""
        return {name: BLOCK_SOURCES.get(name, name) for name in self._whitenings}

    @property
    def width(self) -> int:
        """Number of columns of all blocks together; 0 without any block."""
        return sum(whitening.projection.shape[1] for whitening in self._whitenings.values())

    def __call__(self, items: ItemFeatures) -> Matrix:
        """The blocks side by side; float32 (n_items, width)."""
        rows = self._space.transform(items)
        reduced = [whitening(rows[name]) for name, whitening in self._whitenings.items()]
        return np.concatenate(reduced, axis=1) if reduced else np.zeros((len(items), 0), dtype=np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """JSON-able settings, and arrays, that `load_state` takes."""
        space, means = self._space.state()
        projections = {f"projection.{name}": w.projection for name, w in self._whitenings.items()}
        return {"space": space, "blocks": list(self._whitenings)}, {**means, **projections}

    @classmethod
    def load_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """What `state` was taken from."""
        space = ContentSpace.load_state(settings["space"], arrays)
        return cls(space, {name: Whitening(arrays[f"projection.{name}"]) for name in settings["blocks"]})


def regress_on_features(inputs: Matrix, targets: Matrix, regularisation: float) -> Matrix:
    """W = (Fᵀ F + regularisation I)⁻¹ Fᵀ (Z - mean): what features alone say of an item that training has not seen.

    What is common to all items changes no order; without it a new item is an average one.

    Args:
        inputs: F, float32 (n_items, width).
        targets: Z, float32 (n_items, length), what training found of these items.
        regularisation: in items; a millionth at least.

    Returns:
        float32 (width, length).
    """
    rows = inputs.astype(np.float64)
    gram = rows.T @ rows
    gram[np.diag_indices_from(gram)] += max(regularisation, 1e-6)
    return np.linalg.solve(gram, rows.T @ (targets - targets.mean(axis=0))).astype(np.float32)
