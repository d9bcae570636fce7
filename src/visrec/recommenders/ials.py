"""Implicit alternating least squares, with items that nobody knows yet read off their features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import ContentSpace, PerItems
from visrec.recommenders.decompose import places_of
from visrec.recommenders.fold_in import fold_in
from visrec.recommenders.fusion_input import FusionInput, regress_on_features

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Ials", "IalsSettings"]

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class IalsSettings:
    """Settings of `Ials`.

    Attributes:
        dim: length of the factors.
        alpha: a like of weight w has the confidence 1 + alpha w; what a user has not touched has 1.
        regularisation: lambda in units that hold for logs of any size: of (1 + alpha) (√a + √b), where the average
            user has a events and the average item b. Random events alone make a matrix whose largest singular
            value is about that, so 1 keeps nothing that chance could have made.
        iterations: sweeps over users and items.
        blocks: feature blocks that new items are read off.
        feature_dim: columns that each block is reduced to.
        feature_regularisation: of the regression of factors on features, in units of items.
        seed: of the first factors.
    """

    dim: int = 64
    alpha: float = 4.0
    regularisation: float = 0.6
    iterations: int = 15
    blocks: tuple[str, ...] = ("image", "text", "category")
    feature_dim: int = 128
    feature_regularisation: float = 5.0
    seed: int = 0

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(32, 64, 96, 128, 192)),
            "alpha": SearchSpace(0.5, 40.0, log=True),
            "regularisation": SearchSpace(0.2, 1.2),
            "feature_dim": SearchSpace(choices=(32, 64, 128, 192)),
            "feature_regularisation": SearchSpace(0.5, 50.0, log=True),
        }
    )

    def __post_init__(self) -> None:
        if min(self.dim, self.iterations, self.feature_dim) < 1 or min(self.alpha, self.regularisation) <= 0:
            raise InputError(
                "ials expects dim, iterations and feature_dim of 1 or more, and alpha and regularisation above 0, got "
                f"{self.dim}, {self.iterations}, {self.feature_dim}, {self.alpha} and {self.regularisation}."
            )


@dataclass(frozen=True)
class _Table:
    """Items ready to be read and scored: the sum of the parts, and the parts by source."""

    vectors: Matrix  # (n_items, dim)
    parts: Mapping[str, Matrix]  # source -> (n_items, dim)


class Ials:
    """min over x, y of Σ_ui c_ui (p_ui - x_u · y_i)² + lambda (Σ_u |x_u|² + Σ_i |y_i|²), over all pairs u, i.

    Hu, Koren & Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM, doi:10.1109/ICDM.2008.22,
    eq. 3: p is 1 where there is a like and 0 elsewhere, c is 1 + alpha w for an event of weight w and 1 elsewhere. The
    alternation is done by the `implicit` package with conjugate gradients (Takács, Pilászy & Tikk 2011, RecSys,
    doi:10.1145/2043932.2043987). A good dim, lambda and weight of the unobserved pairs (here 1 / alpha) decide whether
    the model competes at all: Rendle, Krichene, Zhang & Koren (2021), Revisiting the performance of iALS on item
    recommendation benchmarks, arXiv:2110.14037. Deviations:

    * Users are not kept. A history is folded in by the exact ridge solution (eq. 4), with items' factors z = L⁻¹ y
      where L Lᵀ = Yᵀ Y + lambda I, so that the sum over all unobserved items is the identity; see `fold_in`.
    * A training item without likes has no factor of its own, nor has a new one. It gets W f, where W is the ridge
      regression of the liked items' (centred) z on their features f, so it is compared with the average item. An event
      on it counts through that factor at once.
    * A dislike has p = 0 in training, as the package knows nothing lower, and p = -1 when a history is folded in.
    * lambda is one number for all rows, in units explained in `IalsSettings`. Rendle et al. scale it with a row's
      count (their eq. 11), which the package cannot do.

    Complexity: a sweep nnz dim + (n_users + n_items) dim²; folding in n events n² dim or n dim² + dim³, whichever is
    less; scoring n_users n_items dim. Memory: factors, n_items dim. Parts: "collaborative" for items with a factor of
    their own; for the others one part a block.

    Limits: blind to time; a history of very many events is solved in float64 and costs accordingly; factors of items
    with one or two likes are hardly more than nothing. On held-out events within the training parts it beats `popular`
    and equals `ease` on MovieLens-100k at random, and is far ahead of `ease` for new items there; on hm-fashion by time
    it is behind `popular`.

    Attributes:
        fusion_shares: after `fit`, block -> its share, 0 to 1, of the squared lengths of all W_b f_b: what the
            regression has learned; {} without features.
    """

    id = "ials"
    capabilities = Capabilities()

    def __init__(self, settings: IalsSettings | None = None) -> None:
        self.settings = settings or IalsSettings()
        self.fusion_shares: dict[str, float] = {}
        self._item_ids: IdMap | None = None
        self._factors: Matrix = np.zeros((0, 0), dtype=np.float32)
        self._regression: Matrix = np.zeros((0, 0), dtype=np.float32)
        self._features = FusionInput(ContentSpace({}), {})
        self._table = PerItems(self._tabulate)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Alternate, then regress the items' factors on their features.

        Raises:
            UnsupportedError: when nobody liked anything.
        """
        settings = self.settings
        events = dataset.histories.matrix()
        events.eliminate_zeros()
        rows = np.flatnonzero(np.bincount(events.indices[events.data > 0], minlength=dataset.n_items))
        if not rows.size:
            raise UnsupportedError("ials needs likes: the log holds no positive interaction.")
        self._item_ids = dataset.items.item_ids.take(rows)
        self._factors = _factorise(events[:, rows], settings, progress)
        self._features = FusionInput.fit(dataset.items, settings.blocks, settings.feature_dim)
        inputs = self._features(dataset.items)[rows]
        self._regression = regress_on_features(inputs, self._factors, settings.feature_regularisation)
        self.fusion_shares = _shares(inputs, self._regression, self._features.slices)
        self._table = PerItems(self._tabulate)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        self._fitted()
        table = self._table(items)
        goal = histories.matrix()
        goal.eliminate_zeros()
        confidence = goal.copy()
        confidence.data = np.float32(self.settings.alpha) * np.abs(goal.data)
        goal.data = np.sign(goal.data) * (1 + confidence.data)
        users = fold_in(confidence, goal, table.vectors)
        return Scores({source: users @ part.T for source, part in table.parts.items()})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """Exact: y_i A⁻¹ t_h y_h with A = I + Σ c z zᵀ of this history; see `Decomposable`.

        Hu, Koren & Volinsky (2008), section 5: given its confidences, a history is a fixed linear smoother, and each
        event's share of the score is its own. A is what the events say together, so a share is that in their company.
        """
        self._fitted()
        vectors = self._table(items).vectors
        events = places_of(history, history.weight != 0)
        weight = history.weight[events].astype(np.float64)
        confidence = self.settings.alpha * np.abs(weight)
        there = vectors[history.item_index[events]].astype(np.float64)
        system = np.eye(vectors.shape[1]) + (there * confidence[:, None]).T @ there
        solved = np.linalg.solve(system, vectors[rows].astype(np.float64).T)
        parts = np.zeros((len(rows), history.n_events), dtype=np.float32)
        parts[:, events] = (there @ solved).T * (np.sign(weight) * (1 + confidence))
        return Decomposition(np.zeros(len(rows), dtype=np.float32), parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids and shares; z, W and what the features are reduced by."""
        item_ids = list(self._fitted())
        features, arrays = self._features.state()
        settings = {"settings": asdict(self.settings), "item_ids": item_ids, "shares": self.fusion_shares}
        return {**settings, "features": features}, {
            **arrays,
            "factors": self._factors,
            "regression": self._regression,
        }

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = IalsSettings(**{**saved, "blocks": tuple(saved["blocks"])})
        self.fusion_shares = dict(settings["shares"])
        self._item_ids = IdMap(settings["item_ids"])
        self._factors, self._regression = arrays["factors"], arrays["regression"]
        self._features = FusionInput.load_state(settings["features"], arrays)
        self._table = PerItems(self._tabulate)
        return self

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError("ials has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _tabulate(self, items: ItemFeatures) -> _Table:
        rows = self._fitted().rows(list(items.item_ids))
        own = np.where(rows[:, None] >= 0, self._factors[rows], np.float32(0.0))
        inputs = self._features(items)
        inputs[rows >= 0] = 0.0
        parts = {"collaborative": own}
        for name, columns in self._features.slices.items():
            parts[self._features.sources[name]] = inputs[:, columns] @ self._regression[columns]
        return _Table(np.sum(list(parts.values()), axis=0, dtype=np.float32), parts)


def _factorise(events: csr_matrix, settings: IalsSettings, progress: ProgressFactory) -> Matrix:
    """The factors z of every item; float32 (n_items, dim).

    Args:
        events: CSR (n_users, n_items) of weights other than 0.
        settings: of the model.
        progress: shows sweeps.
    """
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    n_users, n_items = events.shape
    edge = np.sqrt(events.nnz / n_users) + np.sqrt(events.nnz / n_items)
    regularisation = float(settings.regularisation * (1 + settings.alpha) * edge)
    confidence = events.copy()
    # The package takes a negative confidence as: p = 0, with this confidence.
    confidence.data = np.sign(events.data) * (1 + np.float32(settings.alpha) * np.abs(events.data))
    # It has threads of its own, which those of BLAS get in the way of: it warns unless they are one.
    with threadpool_limits(1, "blas"), progress("ials", total=settings.iterations, unit="sweeps") as watch:
        model = AlternatingLeastSquares(
            factors=settings.dim,
            regularization=regularisation,
            iterations=settings.iterations,
            random_state=settings.seed,
        )
        model.fit(confidence, show_progress=False, callback=lambda *_: watch.advance())
    factors = np.asarray(model.item_factors, dtype=np.float64)
    gram = factors.T @ factors + regularisation * np.eye(settings.dim)
    return np.linalg.solve(np.linalg.cholesky(gram), factors.T).T.astype(np.float32)


def _shares(inputs: Matrix, regression: Matrix, slices: Mapping[str, slice]) -> dict[str, float]:
    """Block -> its share of the squared lengths of all blocks' summands of the predicted factors."""
    energy = {name: float(np.square(inputs[:, s] @ regression[s]).sum()) for name, s in slices.items()}
    total = max(sum(energy.values()), 1e-30)
    return {name: value / total for name, value in energy.items()}
