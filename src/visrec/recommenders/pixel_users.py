"""Users as their histories, in the space of what a network sees in pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.recommenders.factor_sampler import row_posteriors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["UserPrior"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UserPrior:
    """What is believed of a user before the history is known, and what a history then says: a ridge regression.

    A user is (b, p), and their event on an item with vector x is worth b + p · x plus noise:

        (b, p) = argmin Σ_h (t_h - b - p · x_h)² + background Σ_i (b + p · x_i)² + |(b, p) - mean|²_ridge

    over the events h of the history and over all pictures i of the training. `background` is 0 for ratings; for likes
    it says that what a user did not turn to counts as 0, with that weight (Hu, Koren & Volinsky 2008, Collaborative
    filtering for implicit feedback datasets, doi:10.1109/ICDM.2008.22).

    Attributes:
        mean: float64 (1 + dim,).
        ridge: float64 (1 + dim,), how firmly each is drawn to the mean, in events.
        gram: float64 (1 + dim, 1 + dim), background Σ_i (1, x_i)ᵀ (1, x_i).
    """

    mean: Array
    ridge: Array
    gram: Array

    @classmethod
    def over(cls, vectors: npt.NDArray[np.floating], mean: Array, ridge: Array, background: float) -> UserPrior:
        """The prior whose background is that of some pictures, (n, dim)."""
        inputs = np.column_stack([np.ones(len(vectors)), vectors]).astype(np.float64)
        return cls(mean, ridge, background * inputs.T @ inputs)

    def fold_in(self, targets: csr_matrix, vectors: npt.NDArray[np.floating]) -> Array:
        """Each history's (b, p), float64 (n_users, 1 + dim).

        Args:
            targets: CSR (n_users, n_items), t of each event.
            vectors: (n_items, dim).
        """
        items = np.column_stack([np.zeros(len(vectors)), vectors]).astype(np.float64)  # No biases.
        precision = self.gram + np.diag(self.ridge)
        start = np.linalg.solve(precision, self.ridge * self.mean)
        users = np.empty((targets.shape[0], len(start)))
        starts = np.broadcast_to(start, users.shape)
        for rows, posterior, right in row_posteriors(targets.astype(np.float64), items, starts, precision, 1.0):
            users[rows] = np.linalg.solve(posterior, right[:, :, None])[:, :, 0]
        return users
