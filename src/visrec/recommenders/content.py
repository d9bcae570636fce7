"""Feature blocks made comparable: centred, of unit length, the same for old items and new ones."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures

__all__ = ["ContentSpace", "PerItems"]

T = TypeVar("T")
Matrix = npt.NDArray[np.float32]


class PerItems(Generic[T]):
    """Remembers what was last derived from an `ItemFeatures`, so that blocks of users share the work."""

    def __init__(self, derive: Callable[[ItemFeatures], T]) -> None:
        self._derive = derive
        self._last: tuple[weakref.ref[ItemFeatures], T] | None = None

    def __call__(self, items: ItemFeatures) -> T:
        """`derive(items)`, computed once for the same object."""
        # Read once: another thread may replace it meanwhile.
        last = self._last
        if last is None or last[0]() is not items:
            last = self._last = (weakref.ref(items), self._derive(items))
        return last[1]


@dataclass(frozen=True)
class _Fitted:
    mean: Matrix  # (dim,)
    origin: str
    labels: tuple[str, ...]


class ContentSpace:
    """Subtracts each block's training mean and scales rows to length 1, so that a dot product is a cosine.

    Embeddings of one network share a large common direction; without centring all cosines are high and
    neighbours are poor. Items without a feature stay at zero, and so score zero.
    """

    def __init__(self, blocks: Mapping[str, _Fitted]) -> None:
        self._blocks = dict(blocks)

    @classmethod
    def fit(cls, items: ItemFeatures, names: Iterable[str]) -> ContentSpace:
        """Take the means of those of the named blocks that the items have."""
        fitted = {}
        for name in names:
            block = items.blocks.get(name)
            if block is not None and block.present.any():
                mean = block.matrix[block.present].mean(axis=0, dtype=np.float64).astype(np.float32)
                fitted[name] = _Fitted(mean, block.origin, block.labels)
        return cls(fitted)

    @property
    def names(self) -> tuple[str, ...]:
        """The blocks that training had."""
        return tuple(self._blocks)

    def transform(self, items: ItemFeatures) -> dict[str, Matrix]:
        """Block name -> float32 (n_items, dim), rows of length 1, or 0 where the feature is absent.

        Raises:
            InputError: when a block comes from another encoder than in training.
        """
        return {name: self._transform(name, fitted, items) for name, fitted in self._blocks.items()}

    def state(self) -> tuple[dict[str, Any], dict[str, Matrix]]:
        """JSON-able settings, and arrays, that `load_state` takes."""
        settings = {n: {"origin": f.origin, "labels": list(f.labels)} for n, f in self._blocks.items()}
        return settings, {f"mean.{name}": fitted.mean for name, fitted in self._blocks.items()}

    @classmethod
    def load_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> ContentSpace:
        """The space that `state` was taken from."""
        return cls({n: _Fitted(arrays[f"mean.{n}"], s["origin"], tuple(s["labels"])) for n, s in settings.items()})

    @staticmethod
    def _transform(name: str, fitted: _Fitted, items: ItemFeatures) -> Matrix:
        block = items.blocks.get(name)
        if block is None:
            return np.zeros((len(items), fitted.mean.shape[0]), dtype=np.float32)
        matrix, present = block.matrix, block.present
        if block.labels and fitted.labels:
            if block.labels != fitted.labels:
                matrix = _align(matrix, block.labels, fitted.labels)
                # An item with nothing but values that training never saw is an item without the feature.
                present = present & matrix.any(axis=1)
        elif block.labels != fitted.labels or block.origin != fitted.origin or block.dim != fitted.mean.shape[0]:
            raise InputError(
                f"Expected {name} features of {fitted.origin} ({fitted.mean.shape[0]} columns), got {block.origin} "
                f"({block.dim} columns). Train again, or switch back to the feature set of the model."
            )
        rows = matrix - fitted.mean
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        rows[~present] = 0.0
        return rows


def _align(matrix: Matrix, labels: tuple[str, ...], wanted: tuple[str, ...]) -> Matrix:
    """Columns put in training's order; values that training never saw are dropped."""
    position = {label: column for column, label in enumerate(labels)}
    columns = np.array([position.get(label, len(labels)) for label in wanted], dtype=np.int64)
    return np.pad(matrix, ((0, 0), (0, 1)))[:, columns]
