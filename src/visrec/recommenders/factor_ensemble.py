"""Several factorisations of the same ratings, kept to be averaged, and what each says of new users and new items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from visrec.recommenders.factor_sampler import Draw, row_posteriors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["FactorEnsemble"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FactorEnsemble:
    """S draws of item factors and of the users' prior; dim counts the bias, which comes first in every row.

    Attributes:
        items: float32 (S, n_known, dim).
        noise: (S,), precision of a rating.
        user_mean: (S, dim), of the users' prior.
        user_precision: (S, dim, dim).
        user_link: (S, user width, dim).
        content_link: (S, width, dim), of the known items' prior: how much of a factor the content explains.
        new_mean: (S, dim), factor of a new item without content.
        new_link: (S, width, dim), what content adds to it.
        new_noise: (S,), precision of a rating of a new item, whose factor is a guess.
    """

    items: npt.NDArray[np.float32]
    noise: Array
    user_mean: Array
    user_precision: Array
    user_link: Array
    content_link: Array
    new_mean: Array
    new_link: Array
    new_noise: Array

    @classmethod
    def of(cls, draws: Iterable[Draw], content: Array, n_ratings: Array, regularisation: float) -> Self:
        """Keep what predictions need of each draw, and regress its item factors on the content.

        The regression is over ratings, not over items: it predicts for the ratings to come, most of which go to items
        that are liked and rated much. (The items' prior of the sampler is over items, and too low for those.)

        Args:
            draws: at least one.
            content: (n_known, width) features of the items of the draws.
            n_ratings: (n_known,), how often each was rated.
            regularisation: of the regression, in items with the average number of ratings.
        """
        weight = n_ratings / n_ratings.mean()
        gram = (content * weight[:, None]).T @ content + regularisation * np.eye(content.shape[1])
        solver = np.linalg.solve(gram, (content * weight[:, None]).T)
        kept = [_keep(draw, content, weight, solver) for draw in draws]
        return cls(*(np.stack([part[field.name] for part in kept]) for field in fields(cls)))

    def __len__(self) -> int:
        return self.items.shape[0]

    def item_factors(self, s: int, columns: npt.NDArray[np.int64], content: Array) -> Array:
        """Factors of some items in draw s, float64 (n, dim).

        Args:
            s: the draw.
            columns: int64 (n,), the item's place among the known ones, -1 for a new one.
            content: (n, width), zero where an item has none.
        """
        factors = np.empty((len(columns), self.items.shape[2]))
        known = columns >= 0
        factors[known] = self.items[s][columns[known]]
        factors[~known] = self.new_mean[s] + content[~known] @ self.new_link[s]
        return factors

    def user_factors(
        self, s: int, ratings: csr_matrix, profiles: Array, items: Array, known: npt.NDArray[np.bool_]
    ) -> Array:
        """Posterior means of users' factors in draw s, float64 (n_users, dim): the prior's where there are no ratings.

        Args:
            s: the draw.
            ratings: float64 CSR (n_users, n), centred and scaled as in training.
            profiles: (n_users, user width), what is known of the users besides.
            items: (n, dim), from `item_factors`.
            known: bool (n,); False where the factor is a guess.
        """
        prior = self.user_mean[s] + profiles @ self.user_link[s]
        noise = np.where(known, self.noise[s], self.new_noise[s])
        means = np.empty_like(prior)
        for rows, posterior, right in row_posteriors(ratings, items, prior, self.user_precision[s], noise):
            means[rows] = np.linalg.solve(posterior, right[:, :, None])[:, :, 0]
        return means

    def content_energy(self, content: Array, columns: slice) -> float:
        """Mean over draws of the summed squared lengths of what some columns of content add to known items' factors."""
        return float(np.mean([np.square(content[:, columns] @ link[columns]).sum() for link in self.content_link]))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays that `load_state` takes."""
        return {f"factors.{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load_state(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The ensemble that `state` was taken from."""
        return cls(*(arrays[f"factors.{field.name}"] for field in fields(cls)))


def _keep(draw: Draw, content: Array, weight: Array, solver: Array) -> dict[str, Any]:
    mean = weight @ draw.items / weight.sum()
    link = solver @ (draw.items - mean)
    wrong = draw.items - mean - content @ link
    covariance = (wrong * weight[:, None]).T @ wrong / weight.sum()
    inputs = draw.users.copy()
    inputs[:, 0] = 1.0
    # Variance of a rating that comes from the guess: (1, u) C (1, u)ᵀ for the average user.
    variance = float(np.mean(np.einsum("ni,ij,nj->n", inputs, covariance, inputs)))
    return {
        "items": draw.items.astype(np.float32),
        "noise": draw.noise,
        "user_mean": draw.user_mean,
        "user_precision": draw.user_precision,
        "user_link": draw.user_link,
        "content_link": draw.item_link[: content.shape[1]],
        "new_mean": mean,
        "new_link": link,
        "new_noise": 1 / (1 / draw.noise + variance),
    }
