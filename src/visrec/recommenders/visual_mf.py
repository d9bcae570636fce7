"""Ratings by collaborative filtering in a space that users, items and what is known of the items have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from visrec.core.protocols import Capabilities, Scores
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import PerItems
from visrec.recommenders.factor_ensemble import FactorEnsemble
from visrec.recommenders.factor_sampler import RowPrior, sample_factors
from visrec.recommenders.fusion_input import FusionInput
from visrec.recommenders.implicit_space import ImplicitSpace
from visrec.recommenders.rating_matrix import rating_matrix, require_ratings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["VisualMF", "VisualMFSettings", "biased_products"]

Array = npt.NDArray[np.float64]

#: Pairs whose factors are held at once.
_BLOCK_PAIRS = 1 << 15


@dataclass(frozen=True)
class VisualMFSettings:
    """Settings of `VisualMF`.

    Attributes:
        dim: length of u and i, biases not counted.
        feature_dim: at most so many columns a feature block.
        implicit_dim: at most so many directions of who rated what, ratings not looked at; see `ImplicitSpace`.
        warm_up: sweeps before the first factorisation that is kept.
        samples: factorisations that are averaged; the saved model's size is proportional to it.
        new_item_regularisation: lambda of the regression that gives new items their factors.
        blocks: feature blocks that it reads.
        seed: of all randomness.
    """

    dim: int = 16
    feature_dim: int = 32
    implicit_dim: int = 64
    warm_up: int = 40
    samples: int = 60
    new_item_regularisation: float = 10.0
    blocks: tuple[str, ...] = ("image", "text", "category")
    seed: int = 42

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(8, 16, 24, 32)),
            "feature_dim": SearchSpace(choices=(16, 32, 64)),
            "implicit_dim": SearchSpace(choices=(32, 64, 128)),
            "new_item_regularisation": SearchSpace(1.0, 100.0, log=True),
        }
    )


@dataclass(frozen=True)
class _Items:
    """How the items at hand relate to the fitted ones: (n_items,) place, -1 for a new one; (n_items, width) content."""

    columns: npt.NDArray[np.int64]
    content: Array

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        return self.columns >= 0


class VisualMF:
    """r(u, i) = mu + b_u + b_i + u · i, with factors from behaviour and from picture, text and category.

    Bayesian probabilistic matrix factorisation (Salakhutdinov & Mnih 2008, doi:10.1145/1390156.1390267) with side
    information (Simm et al. 2017, Macau, arXiv:1509.04610): squared error is what a rating's Gaussian likelihood
    measures, and the prediction is the mean over `samples` factorisations, drawn by Gibbs sampling after `warm_up`
    sweeps, rather than the single best one. The average is again a dot product, of vectors `samples` times as long.

    * Items: (b_i, i) ~ N(mean + x_i · link, .): x_i are the item's fused feature columns (`FusionInput`) and the
      strongest directions of who rated it. The link's precision is learned for each block: that is the fusion's
      learned weight, shown by `fusion_shares`.
    * Users: (b_u, u) ~ N(mean + x_u · link, .), where x_u sums up which items they turned to (`ImplicitSpace`):
      the implicit term of SVD++ (Koren 2008) on both sides (Rendle, Zhang & Koren 2019, arXiv:1905.01395).
    * A user is their history: (b_u, u) is the posterior mean given the ratings at hand, a ridge regression, so new
      ratings count at once and for anybody. Without ratings it is the prior's mean: the item's bias decides.
    * A new item, or one that nobody rated yet, gets (b_i, i) from its features, by a ridge regression of the known
      items' factors over all ratings; without features, the mean. A rating of such an item counts for less, as its
      factor is a guess.

    Deviations: no gradient descent and no fixed regularisation, both are integrated out; of a rating's time only the
    order of repeats is used. Ratings are scaled to variance 1 inside, predictions clipped to the scale of the data.

    As a ranking: by predicted rating, not clipped. That is poor at top-N, for it neither asks what a user is likely to
    turn to nor how sure the rating is; rank with another model. Parts: each block's share of u · i; all else, biases
    included, is "collaborative".

    Complexity: a sweep costs ratings · dim² + (n_users + n_items) · dim³ + n · width² for the links; memory
    (n_users + n_items) · dim² / 2 + samples · n_items · dim. Scoring folds each user in once a sample: samples ·
    (ratings · dim² + dim³). Limits: one noise for all users and items; needs a few ratings an item.
    """

    id = "visual-mf"
    capabilities = Capabilities(ratings=True)

    def __init__(self, settings: VisualMFSettings | None = None) -> None:
        self.settings = settings or VisualMFSettings()
        self.fusion_shares: dict[str, float] = {}
        self._item_ids: IdMap | None = None
        self._fusion = FusionInput.load_state({"space": {}, "blocks": []}, {})
        self._implicit: ImplicitSpace | None = None
        self._ensemble: FactorEnsemble | None = None
        self._mean, self._deviation = 0.0, 1.0
        self._scale = (0.0, 0.0)
        self._items = PerItems(self._relate)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Draw factorisations of the ratings.

        Raises:
            UnsupportedError: when there are no ratings.
        """
        settings = self.settings
        ratings = rating_matrix(dataset.histories)
        rated = require_ratings(self.id, ratings)
        active = np.flatnonzero(np.diff(ratings.indptr))
        ratings = ratings[active][:, rated]
        self._item_ids = dataset.items.item_ids.take(rated)
        self._scale = (float(ratings.data.min()), float(ratings.data.max()))
        self._mean, self._deviation = float(ratings.data.mean()), float(ratings.data.std()) or 1.0
        ratings.data = (ratings.data - self._mean) / self._deviation

        self._fusion = FusionInput.fit(dataset.items, settings.blocks, settings.feature_dim)
        content = self._fusion(dataset.items)[rated].astype(np.float64)
        log = _ones(dataset.histories.matrix())[active][:, rated]
        self._implicit, item_rows = ImplicitSpace.fit(log, settings.implicit_dim)
        width = content.shape[1]
        blocks = {**self._fusion.slices, "implicit": slice(width, width + item_rows.shape[1])}
        user_rows = self._implicit(log)
        draws = sample_factors(
            ratings,
            RowPrior(user_rows, {"implicit": slice(0, user_rows.shape[1])}, settings.dim + 1),
            RowPrior(np.column_stack([content, item_rows]), blocks, settings.dim + 1),
            warm_up=settings.warm_up,
            samples=settings.samples,
            generator=np.random.default_rng(settings.seed),
            progress=progress,
        )
        n_ratings = np.bincount(ratings.indices, minlength=len(rated)).astype(np.float64)
        self._ensemble = FactorEnsemble.of(draws, content, n_ratings, settings.new_item_regularisation)
        energy = {name: self._ensemble.content_energy(content, s) for name, s in self._fusion.slices.items()}
        self.fusion_shares = {name: value / max(sum(energy.values()), 1e-12) for name, value in energy.items()}
        self._items = PerItems(self._relate)
        return self

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating of the training data; every prediction lies within."""
        self._fitted()
        return self._scale

    def predict(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """The rating that a user would give an item; see `RatingPredictor.predict`."""
        wanted, users = np.unique(user_index, return_inverse=True)
        total = np.zeros(len(user_index))
        for _, user_factors, item_factors in self._factors(histories.take(wanted), items):
            for start in range(0, len(total), _BLOCK_PAIRS):
                pairs = slice(start, start + _BLOCK_PAIRS)
                user, item = user_factors[users[pairs]], item_factors[item_index[pairs]]
                total[pairs] += user[:, 0] + item[:, 0] + np.einsum("ij,ij->i", user[:, 1:], item[:, 1:])
        values = self._mean + self._deviation / len(self._fitted()) * total
        return np.clip(values, *self._scale).astype(np.float32)

    def fallbacks(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> list[str]:
        """What each pair's prediction had to do without, "" for nothing; n_pairs phrases."""
        related = self._items(items)
        unrated = np.diff(rating_matrix(histories).indptr)[user_index] == 0
        bare = ~related.content.any(axis=1)
        kind = np.where(related.known, 0, np.where(bare, 2, 1))[item_index]
        users = ("", "user without ratings: the item's mean")
        things = ("", "item without ratings: from its features", "item without ratings and features: the mean item")
        texts = [["; ".join(word for word in (user, thing) if word) for thing in things] for user in users]
        return [texts[int(user)][thing] for user, thing in zip(unrated.tolist(), kind.tolist(), strict=True)]

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Predicted ratings of every item, not clipped; see `Recommender.score`."""
        related = self._items(items)
        ensemble = self._fitted()
        total = np.zeros((len(histories), len(items)), dtype=np.float32)
        # Content is linear in the columns of x_i: users' vectors go through the links before they meet the items.
        pulls = {known: np.zeros((len(histories), related.content.shape[1])) for known in (True, False)}
        for s, users, item_factors in self._factors(histories, items):
            total += biased_products(users.astype(np.float32), item_factors.astype(np.float32))
            inputs = np.column_stack([np.ones(len(users)), users[:, 1:]])
            pulls[True] += inputs @ ensemble.content_link[s].T
            pulls[False] += inputs @ ensemble.new_link[s].T
        factor = np.float32(self._deviation / len(ensemble))
        parts = {"collaborative": np.float32(self._mean) + factor * total}
        for name, columns in self._fusion.slices.items():
            part = np.zeros_like(total)
            for known, pull in pulls.items():
                rows = np.flatnonzero(related.known == known)
                part[:, rows] = self._deviation / len(ensemble) * pull[:, columns] @ related.content[rows, columns].T
            parts[self._fusion.sources[name]] = part
            parts["collaborative"] -= part
        return Scores(parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids, scale and shares; factors, links and projections."""
        ensemble = self._fitted()
        fusion, arrays = self._fusion.state()
        settings = {
            "settings": asdict(self.settings),
            "item_ids": list(self._item_ids or ()),
            "scale": list(self._scale),
            "mean": self._mean,
            "deviation": self._deviation,
            "fusion": fusion,
            "fusion_shares": self.fusion_shares,
        }
        implicit = self._implicit.state() if self._implicit else {}
        return settings, {**arrays, **implicit, **ensemble.state()}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = VisualMFSettings(**{**saved, "blocks": tuple(saved["blocks"])})
        self._item_ids = IdMap(settings["item_ids"])
        self._scale = (settings["scale"][0], settings["scale"][1])
        self._mean, self._deviation = settings["mean"], settings["deviation"]
        self.fusion_shares = dict(settings["fusion_shares"])
        self._fusion = FusionInput.load_state(settings["fusion"], arrays)
        self._implicit = ImplicitSpace.load_state(arrays)
        self._ensemble = FactorEnsemble.load_state(arrays)
        self._items = PerItems(self._relate)
        return self

    def _fitted(self) -> FactorEnsemble:
        if self._ensemble is None:
            raise NotFittedError("visual-mf has not been fitted. Call fit(dataset) first.")
        return self._ensemble

    def _relate(self, items: ItemFeatures) -> _Items:
        self._fitted()
        known = self._item_ids or IdMap(())
        return _Items(known.rows(list(items.item_ids)), self._fusion(items).astype(np.float64))

    def _factors(self, histories: Histories, items: ItemFeatures) -> Iterator[tuple[int, Array, Array]]:
        """Each draw's number, its users' factors (n_users, dim + 1) and its items' (n_items, dim + 1)."""
        ensemble, related = self._fitted(), self._items(items)
        profiles = self._profiles(histories, related.columns)
        ratings = rating_matrix(histories)
        ratings.data = (ratings.data - self._mean) / self._deviation
        # Users' factors need only the items that they rated.
        rated = np.unique(ratings.indices)
        ratings = ratings[:, rated]
        for s in range(len(ensemble)):
            factors = ensemble.item_factors(s, related.columns, related.content)
            yield s, ensemble.user_factors(s, ratings, profiles, factors[rated], related.known[rated]), factors

    def _profiles(self, histories: Histories, columns: npt.NDArray[np.int64]) -> Array:
        """x_u of each history, from its events on known items."""
        from scipy.sparse import csr_matrix

        implicit = self._implicit
        if implicit is None:
            raise NotFittedError("visual-mf has not been fitted. Call fit(dataset) first.")
        log = histories.matrix().tocoo()
        places = columns[log.col]
        known = places >= 0
        shape = (len(histories), implicit.items.shape[0])
        return implicit(csr_matrix((np.ones(int(known.sum())), (log.row[known], places[known])), shape=shape))


def biased_products(users: npt.NDArray[np.floating], items: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """b_u + b_i + u · i for all users and items; each row is a bias and a vector.

    >>> users = np.array([[0, 1, 2], [0, 0.5, 1.5]])  # A = (1, 2), B = (0.5, 1.5), no biases
    >>> items = np.array([[0, 2, 1], [0, 1, 0.5]])
    >>> biased_products(users, items)  # r(A, 2) = 1 · 1 + 2 · 0.5 = 2
    array([[4.  , 2.  ],
           [2.5 , 1.25]])

    Args:
        users: (n_users, dim + 1).
        items: (n_items, dim + 1).

    Returns:
        (n_users, n_items).
    """
    products: npt.NDArray[np.floating] = users[:, 1:] @ items[:, 1:].T
    products += users[:, :1]
    products += items[:, 0]
    return products


def _ones(log: csr_matrix) -> csr_matrix:
    """A log with 1 wherever it stores anything; float64."""
    log = log.astype(np.float64)
    log.data[:] = 1.0
    return log
