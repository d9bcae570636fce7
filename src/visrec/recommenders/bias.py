"""The rating that item and user would have if there were no tastes: what every rating model must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import PerItems
from visrec.recommenders.decompose import impersonal
from visrec.recommenders.rating_matrix import rating_matrix, require_ratings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Bias", "BiasSettings"]

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BiasSettings:
    """Settings of `Bias`.

    Attributes:
        item_regularisation: that many ratings at the mean are added to each item's own.
        user_regularisation: likewise for each user's.
        sweeps: how often items and users are solved in turn.
    """

    item_regularisation: float = 10.0
    user_regularisation: float = 15.0
    sweeps: int = 10

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "item_regularisation": SearchSpace(1.0, 100.0, log=True),
            "user_regularisation": SearchSpace(1.0, 100.0, log=True),
        }
    )


class Bias:
    """r(u, i) = mu + b_u + b_i, each bias a mean of what the other leaves over, drawn towards 0.

    Koren (2010), Factor in the neighbors: scalable and accurate collaborative filtering, section 2.1,
    doi:10.1145/1644873.1644874; minimised by alternating least squares:

        b_i = Σ_u (r_ui - mu - b_u) / (item_regularisation + n_i), then b_u likewise.

    A user's bias comes from the history at hand, with the last formula, so a user of the training data gets what
    training gave. A new item has b_i = 0, a user without ratings b_u = 0.

    As a ranking: by b_i, the same for everybody; part "popular", for it is the items' general esteem. Poor at top-N:
    an item with a few very good ratings comes first.

    Complexity: fit sweeps x ratings; memory n_items.
    """

    id = "bias"
    capabilities = Capabilities(new_items=False, reads=(), ratings=True)

    def __init__(self, settings: BiasSettings | None = None) -> None:
        self.settings = settings or BiasSettings()
        self._item_ids: IdMap | None = None
        self._biases: Vector = np.zeros(0)
        self._mean = 0.0
        self._scale = (0.0, 0.0)
        self._known = PerItems(self._relate)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Solve for the biases.

        Raises:
            UnsupportedError: when there are no ratings.
        """
        ratings = rating_matrix(dataset.histories)
        rated = require_ratings(self.id, ratings)
        ratings = ratings[:, rated]
        self._item_ids = dataset.items.item_ids.take(rated)
        self._scale = (float(ratings.data.min()), float(ratings.data.max()))
        self._mean = float(ratings.data.mean())
        by_item = ratings.T.tocsr()
        user_biases = np.zeros(ratings.shape[0])
        for _ in range(self.settings.sweeps):
            self._biases = _solve(by_item, self._mean, user_biases, self.settings.item_regularisation)
            user_biases = _solve(ratings, self._mean, self._biases, self.settings.user_regularisation)
        self._known = PerItems(self._relate)
        return self

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating of the training data."""
        self._fitted()
        return self._scale

    def predict(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """The sum of mean and biases, within `scale`; see `RatingPredictor.predict`."""
        biases, _ = self._known(items)
        users = _solve(rating_matrix(histories), self._mean, biases, self.settings.user_regularisation)
        return np.clip(self._mean + users[user_index] + biases[item_index], *self._scale).astype(np.float32)

    def fallbacks(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> list[str]:
        """What each pair's prediction lacked, "" for nothing; n_pairs phrases."""
        _, known = self._known(items)
        has_ratings = np.diff(rating_matrix(histories).indptr) > 0
        words = {
            (True, True): "",
            (False, True): "user without ratings: item mean",
            (True, False): "item without ratings: user mean",
            (False, False): "user and item without ratings: mean of all",
        }
        return [words[pair] for pair in zip(has_ratings[user_index].tolist(), known[item_index].tolist(), strict=True)]

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """The items' biases for every user; part "popular", float32 (n_users, n_items)."""
        biases, _ = self._known(items)
        return Scores({"popular": np.broadcast_to(biases.astype(np.float32), (len(histories), len(items)))})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """All base: no event of the user counts; see `Decomposable`."""
        return impersonal(self.score(history, items), history, rows)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids, mean and scale; item biases."""
        settings = {
            "settings": asdict(self.settings),
            "item_ids": list(self._fitted()),
            "mean": self._mean,
            "scale": list(self._scale),
        }
        return settings, {"biases": self._biases}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self.settings = BiasSettings(**settings["settings"])
        self._item_ids = IdMap(settings["item_ids"])
        self._mean, self._scale = settings["mean"], (settings["scale"][0], settings["scale"][1])
        self._biases = np.asarray(arrays["biases"])
        self._known = PerItems(self._relate)
        return self

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError("bias has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _relate(self, items: ItemFeatures) -> tuple[Vector, npt.NDArray[np.bool_]]:
        """The items' biases, 0 for new ones, and which are known; both (n_items,)."""
        rows = self._fitted().rows(list(items.item_ids))
        return np.append(self._biases, 0.0)[rows], rows >= 0


def _solve(ratings: csr_matrix, mean: float, others: Vector, regularisation: float) -> Vector:
    """One side's biases, float64 (n_rows,), given the other side's, (n_columns,)."""
    counts = np.diff(ratings.indptr)
    rows = np.repeat(np.arange(len(counts)), counts)
    left = np.bincount(rows, ratings.data - mean - others[ratings.indices], minlength=len(counts))
    # Without ratings and regularisation there is nothing to divide, and nothing to divide by.
    return left / np.maximum(regularisation + counts, 1e-12)
