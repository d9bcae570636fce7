"""Which attributes go with a user's scores: a ridge regression of the scores on what was recognised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.features import FeatureBlock

__all__ = ["AttributeSurrogate", "AttributeWeights"]

#: A value that fewer items have says nothing of taste.
_LEAST_ITEMS = 5
#: Of the ridge, in units of items.
_REGULARISATION = 10.0

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AttributeWeights:
    """What one user's scores go with.

    Attributes:
        weights: float64 (n_values,); points of score for a value that is there with certainty.
        r2: share of the variance of the scores that the regression accounts for, each item predicted from the others
            (PRESS, Allen 1974, doi:10.1080/00401706.1974.10489157); below 0 where it is worse than their mean.
    """

    weights: Vector
    r2: float


class AttributeSurrogate:
    """The linear model of attributes that comes nearest to a user's scores: LIME over the catalogue.

    Ribeiro, Singh & Guestrin (2016), "Why should I trust you?", arXiv:1602.04938, explain a prediction by a linear
    model of readable features, fitted to predictions around it. Here predictions are the user's scores of all items
    that have attributes, all weighted equally, for one user's taste is the same wherever one asks. An item's reasons
    are weight_a (value_a - mean_a). They do not add up to the score: r2 says how far they reach.

    What all users share needs to be solved once; a user costs a product of n_items x n_values.

    Args:
        block: confidences by item, with labels "name=value".
    """

    def __init__(self, block: FeatureBlock) -> None:
        common = np.flatnonzero((block.matrix > 0).sum(axis=0) >= _LEAST_ITEMS)
        self.labels = tuple(block.labels[column] for column in common)
        self.values: Matrix = np.ascontiguousarray(block.matrix[:, common])
        self._rows = np.flatnonzero(block.present)
        there = self.values[self._rows].astype(np.float64)
        self.mean = there.mean(axis=0) if len(there) else np.zeros(len(common))
        self._centred = (there - self.mean).astype(np.float32)
        gram = self._centred.T @ self._centred + np.float32(_REGULARISATION) * np.eye(len(common), dtype=np.float32)
        self._inverse = np.linalg.inv(gram.astype(np.float64)).astype(np.float32)
        self._leverage = np.einsum("ij,ij->i", self._centred @ self._inverse, self._centred) + 1 / max(len(there), 1)

    def fit(self, scores: npt.NDArray[np.float32]) -> AttributeWeights | None:
        """Regress one user's scores, float32 (n_items,); None where no value is common enough to be told by."""
        if not self.labels or not len(self._rows):
            return None
        target = scores[self._rows].astype(np.float64)
        target -= target.mean()
        weights = self._inverse @ (target.astype(np.float32) @ self._centred)
        missed = (target - self._centred @ weights) / np.maximum(1 - self._leverage, 1e-6)
        total = float(target @ target)
        return AttributeWeights(weights.astype(np.float64), 1 - float(missed @ missed) / total if total > 0 else 0.0)

    def contributions(self, found: AttributeWeights, rows: npt.NDArray[np.int64]) -> Vector:
        """weight_a (value_a - mean_a) of the values that each item has, 0 elsewhere; float64 (n_rows, n_values)."""
        values = self.values[rows]
        return np.where(values > 0, (values - self.mean) * found.weights, 0.0)
