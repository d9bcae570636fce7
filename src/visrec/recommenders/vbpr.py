"""VBPR: matrix factorisation for ranking that also sees what an item looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Scores
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.fitted_factors import FittedFactors, ItemTables
from visrec.recommenders.fusion_input import FusionInput
from visrec.recommenders.history_map import HistoryMap

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from visrec.recommenders.visual_factors import VisualFactors

__all__ = ["VBPR", "VBPRSettings"]


@dataclass(frozen=True)
class VBPRSettings(BPRSettings):
    """Settings of `VBPR`; see `BPRSettings`."""

    visual_dim: int = 64


class VBPR:
    """x(u, i) = b_i + γ_u · γ_i + θ_u · f(x_i) + β · x_i, trained so that liked items are above the others.

    He & McAuley (2016), VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback, AAAI, arXiv:1510.01784,
    eq. 4, with f(x_i) = E x_i, and its loss, eq. 7: Σ_(u,i,j) -ln σ(x(u, i) - x(u, j)) + λ_Θ/2 |Θ|², with j drawn at
    random from what u does not like. Deviations:

    * x_i: the picture, and words and categories where there are any, each centred, reduced to principal components
      and of length 1; E is their common fusion (`Fusion`), whose learned weights `fusion_shares` shows.
    * Adam on batches instead of single steps. A like's weight counts in the loss.
    * Users are their histories. The trained vectors of users teach one linear map from histories to vectors
      (`HistoryMap`), and scores come from it, for known users too: so new users, new events and dislikes count at
      once, and nobody has a row of their own.
    * A new item, and one that nobody has liked yet, has no γ and b. They are guessed by ridge regression on its
      features x_i. Negatives are drawn from the items that somebody liked.

    Complexity: fit, an epoch, n_events (dim + visual_dim), plus n_items width visual_dim a batch: features are
    projected once a batch and not once a triple; memory (n_users + n_items) (dim + visual_dim). Scoring
    n_users n_items (dim + visual_dim) for each part. Parts: "collaborative" (γ and b); one a block (f and β).
    Limits: blind to time; a rare item's γ stays near 0. On held-out events within the training parts it beats `popular`
    on MovieLens-100k at random, and ranks new items better than `ease` there; on hm-fashion by time, where most of what
    is bought is new and known items crowd it out, it is behind `popular`, and so are `amr` and `deepstyle`.
    """

    id = "vbpr"
    capabilities = Capabilities(needs=("image",))
    _settings: ClassVar[type[Any]] = VBPRSettings
    #: Blocks whose columns of x count negative.
    _subtracted: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings or self._settings()
        self.fusion_shares: dict[str, float] = {}
        self._model: FittedFactors | None = None

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Train.

        Raises:
            UnsupportedError: when no item has a feature that the model needs, or nobody liked anything.
        """
        self._check(dataset)
        # Here, so that scoring needs no torch.
        import torch

        from visrec.recommenders.visual_factors import VisualFactors
        from visrec.training.deterministic import deterministic
        from visrec.training.threads import one_thread

        settings, weights = self.settings, dataset.histories.matrix()
        # What nobody liked yet is new: as an item that everybody passes by, it could never be found.
        rows = np.flatnonzero(np.bincount(weights.indices[weights.data > 0], minlength=dataset.n_items))
        inputs = FusionInput.fit(dataset.items, settings.blocks, settings.input_dim)
        signs = self._signs(inputs)
        columns = inputs(dataset.items)[rows] * signs
        with deterministic(settings.seed), one_thread():
            module = VisualFactors(dataset.n_users, len(rows), inputs.slices, settings.dim, settings.visual_dim)
            self._train(module, columns, dataset.histories.liked()[:, rows], progress)
        self.fusion_shares = module.fusion.shares(torch.from_numpy(columns)) if module.fusion else {}
        own, link = module.rows()
        x = columns * signs
        tables = ItemTables.of(own, signs[:, None] * link, x, settings.guess_regularisation)
        history = HistoryMap.fit(weights[:, rows], tables.rows(x)[:, :-1], module.users.detach().numpy())
        self._model = FittedFactors(dataset.items.item_ids.take(rows), inputs, tables, history)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        return self._fitted().score(histories, items)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids and shares; tables of items, projections and the map from histories."""
        model, arrays = self._fitted().state()
        return {"settings": asdict(self.settings), "model": model, "shares": self.fusion_shares}, arrays

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = self._settings(**{**saved, "blocks": tuple(saved["blocks"])})
        self._model = FittedFactors.load_state(settings["model"], arrays)
        self.fusion_shares = dict(settings["shares"])
        return self

    def _train(
        self, module: VisualFactors, inputs: npt.NDArray[np.float32], liked: csr_matrix, progress: ProgressFactory
    ) -> None:
        from visrec.recommenders.bpr_training import train_bpr

        train_bpr(module, inputs, liked, self.settings, label=f"train {self.id}", progress=progress)

    def _signs(self, inputs: FusionInput) -> npt.NDArray[np.float32]:
        """1, or -1 for what is subtracted; float32 (width,)."""
        signs = np.ones(inputs.width, dtype=np.float32)
        for name in self._subtracted:
            signs[inputs.slices.get(name, slice(0))] = -1
        return signs

    def _check(self, dataset: Dataset) -> None:
        for name in self.capabilities.needs:
            block = dataset.items.blocks.get(name)
            if name not in self.settings.blocks or block is None or not block.present.any():
                raise UnsupportedError(
                    f"{self.id} needs {name} features, and the catalogue has none, or its setting `blocks` leaves "
                    "them out."
                )
        if not dataset.histories.liked().nnz:
            raise UnsupportedError(f"{self.id} needs likes: the log holds no positive interaction.")

    def _fitted(self) -> FittedFactors:
        if self._model is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        return self._model
