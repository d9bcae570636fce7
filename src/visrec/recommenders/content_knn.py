"""Items that look (or read, or are labelled) like what the user liked: nearest neighbours of a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.core.recency import check_half_life, decayed
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import ContentSpace, PerItems
from visrec.recommenders.decompose import places_of
from visrec.recommenders.whitening import Whitening

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ContentKNN", "ContentKNNSettings", "content_knn"]

Matrix = npt.NDArray[np.float32]

#: Powers that did best, over both networks, on item-cold splits of MovieLens-100k: see BENCHMARKS.md.
_POWERS = MappingProxyType({"image": 2.0, "text": 2.0, "category": 1.0})


@dataclass(frozen=True)
class ContentKNNSettings:
    """Settings of `ContentKNN`.

    Attributes:
        block: "image", "text" or "category".
        power: how fast an event's influence falls with distance; higher keeps interests further apart. At 1
            negative cosines count too: the score is the cosine to the mean of the history, one interest. None: 2
            for pictures and texts, 1 for categories.
        dim: embeddings are reduced to at most so many principal components.
        whiten: 0 leaves the components' variances as they are, 1 makes them equal.
        half_life_days: an event this much older than the user's last one weighs half; None: age is ignored.
    """

    block: str = "image"
    power: float | None = None
    dim: int = 256
    whiten: float = 0.5
    half_life_days: float | None = None

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "power": SearchSpace(1.0, 4.0),
            "dim": SearchSpace(choices=(64, 128, 256)),
            "whiten": SearchSpace(0.0, 1.0),
            "half_life_days": SearchSpace(7.0, 3_000.0, log=True),
        }
    )

    def __post_init__(self) -> None:
        check_half_life(self.half_life_days)


class ContentKNN:
    """score(u, i) = Σ_h w_h max(0, cos(h, i))^power / Σ_h |w_h|, over the events h of the history.

    For pictures and texts the power is 2, for categories 1. Each event keeps its own
    neighbourhood, so a user with several interests is not averaged into none, and the score is an exact sum
    over past items. Disliked events have negative weights and push away.

    Features are centred, reduced to principal components and partly whitened: no labels and no likes are used, so
    nothing needs training beyond the catalogue's own statistics.

    Complexity: fit n_items width² + width³; scoring n_distinct_events x n_items x dim for a batch of users.
    Part: the block's source, such as "visual".
    """

    def __init__(self, settings: ContentKNNSettings | None = None) -> None:
        self._configure(settings or ContentKNNSettings())
        self._space: ContentSpace | None = None
        self._whitening = Whitening(np.zeros((0, 0), dtype=np.float32))
        self._vectors = PerItems(self.vectors)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Take the mean and the principal components of the items' features.

        Raises:
            UnsupportedError: when no item has the block.
        """
        block = self.settings.block
        self._space = ContentSpace.fit(dataset.items, (block,))
        if block not in self._space.names:
            raise UnsupportedError(f"{self.id} needs {block} features and the items have none.")
        present = dataset.items.blocks[block].present
        rows = self._space.transform(dataset.items)[block][present]
        self._whitening = Whitening.fit(rows, self.settings.dim, self.settings.whiten)
        self._vectors = PerItems(self.vectors)
        return self

    def vectors(self, items: ItemFeatures) -> Matrix:
        """The items in the space where they are compared; float32 (n_items, dim), unit or zero rows."""
        if self._space is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        return self._whitening(self._space.transform(items)[self.settings.block])

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        return self._scores(self._weights(histories), self._vectors(items), items)

    def score_examples(self, weights: csr_matrix, examples: ItemFeatures, items: ItemFeatures) -> Scores:
        """Score every item by examples that need not be among the items.

        Args:
            weights: CSR (n_queries, n_examples), above 0 liked, below 0 disliked.
            examples: features of n_examples.
            items: features of n_items items.

        Returns:
            Scores of shape (n_queries, n_items), as `score` gives them for a history of these examples.
        """
        return self._scores(weights, self.vectors(examples), items)

    def _scores(self, weights: csr_matrix, events: Matrix, items: ItemFeatures) -> Scores:
        """Of weights (n_users, n) over n rows that events are with, float32 (n, dim)."""
        vectors = self._vectors(items)
        scores = np.zeros((weights.shape[0], len(items)), dtype=np.float32)
        used = np.unique(weights.indices)
        for start in range(0, len(used), 1024):
            chunk = used[start : start + 1024]
            scores += weights[:, chunk] @ self._kernel(events[chunk] @ vectors.T)
        total = np.asarray(abs(weights).sum(axis=1), dtype=np.float32)
        scores /= np.maximum(total, np.float32(1e-12)).reshape(-1, 1)
        return Scores({BLOCK_SOURCES[self.settings.block]: scores})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """Exact, w_h K(h, i) / Σ |w|: the summands of the equation above; see `Decomposable`."""
        vectors = self._vectors(items)
        aged = decayed(history, self.settings.half_life_days, per_user=True)
        events = places_of(aged, aged.weight != 0)
        weight = aged.weight[events]
        kernel = self._kernel(vectors[rows] @ vectors[history.item_index[events]].T)
        parts = np.zeros((len(rows), history.n_events), dtype=np.float32)
        parts[:, events] = kernel * (weight / np.maximum(np.abs(weight).sum(), np.float32(1e-12)))
        return Decomposition(np.zeros(len(rows), dtype=np.float32), parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings; mean and projection."""
        if self._space is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        space, means = self._space.state()
        return {"settings": asdict(self.settings), "space": space}, {"projection": self._whitening.projection, **means}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self._configure(ContentKNNSettings(**settings["settings"]))
        self._space = ContentSpace.load_state(settings["space"], arrays)
        self._whitening = Whitening(arrays["projection"])
        self._vectors = PerItems(self.vectors)
        return self

    def _configure(self, settings: ContentKNNSettings) -> None:
        self.settings = settings
        self.id = f"{BLOCK_SOURCES[settings.block]}-knn"
        self.capabilities = Capabilities(needs=(settings.block,), reads=(settings.block,))

    def _kernel(self, cosine: Matrix) -> Matrix:
        """How much an event speaks for an item at that cosine; changes the array in place."""
        power = _POWERS[self.settings.block] if self.settings.power is None else self.settings.power
        if power == 1.0:
            return cosine
        np.maximum(cosine, 0.0, out=cosine)
        return np.power(cosine, np.float32(power), out=cosine)

    def _weights(self, histories: Histories) -> csr_matrix:
        return decayed(histories, self.settings.half_life_days, per_user=True).matrix()


def content_knn(block: str, half_life_days: float | None = None) -> ContentKNN:
    """The neighbour model of one block with its default settings: "visual-knn", "text-knn" or "category-knn"."""
    return ContentKNN(ContentKNNSettings(block=block, half_life_days=half_life_days))
