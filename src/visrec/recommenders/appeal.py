"""How many people will like an item, guessed from its look and words: popularity for the new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.recommenders.content import ContentSpace, PerItems
from visrec.recommenders.decompose import impersonal

__all__ = ["Appeal", "AppealSettings"]

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AppealSettings:
    """Settings of `Appeal`.

    Attributes:
        regularisation: lambda of the ridge, in units of items.
        blocks: feature blocks that it reads.
    """

    regularisation: float = 10.0
    blocks: tuple[str, ...] = ("image", "text", "category")


class Appeal:
    """score(i) = w · f(i), the ridge regression of log(1 + likes) on the items' features; the same for everybody.

    Unlike `popular` it can say something of an item that nobody has seen yet.

    Complexity: fit n_items width² + width³; memory width². Part: "appeal".
    """

    id = "appeal"
    capabilities = Capabilities()

    def __init__(self, settings: AppealSettings | None = None) -> None:
        self.settings = settings or AppealSettings()
        self._space: ContentSpace | None = None
        self._weights: Matrix = np.zeros(0, dtype=np.float32)
        self._scores = PerItems(self._score_items)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Regress.

        Raises:
            UnsupportedError: when the items have no features, or nobody liked anything.
        """
        space = ContentSpace.fit(dataset.items, self.settings.blocks)
        likes = np.asarray((dataset.histories.liked() > 0).sum(axis=0)).ravel()
        if not space.names or not likes.any():
            raise UnsupportedError("appeal needs features and likes, and the catalogue lacks one of them.")
        target = np.log1p(likes)
        rows = _joined(space, dataset.items)
        gram = (rows.T @ rows).astype(np.float64)
        gram[np.diag_indices_from(gram)] += self.settings.regularisation
        self._weights = np.linalg.solve(gram, rows.T @ (target - target.mean())).astype(np.float32)
        self._space = space
        self._scores = PerItems(self._score_items)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """The items' appeal for every user; part "appeal", float32 (n_users, n_items)."""
        return Scores({"appeal": np.broadcast_to(self._scores(items), (len(histories), len(items)))})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """All base: no event of the user counts; see `Decomposable`."""
        return impersonal(self.score(history, items), history, rows)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings; weights and means."""
        space, means = self._fitted().state()
        return {"settings": asdict(self.settings), "space": space}, {"weights": self._weights, **means}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = AppealSettings(**{**saved, "blocks": tuple(saved["blocks"])})
        self._space = ContentSpace.load_state(settings["space"], arrays)
        self._weights = arrays["weights"]
        self._scores = PerItems(self._score_items)
        return self

    def _fitted(self) -> ContentSpace:
        if self._space is None:
            raise NotFittedError("appeal has not been fitted. Call fit(dataset) first.")
        return self._space

    def _score_items(self, items: ItemFeatures) -> Matrix:
        return _joined(self._fitted(), items) @ self._weights


def _joined(space: ContentSpace, items: ItemFeatures) -> Matrix:
    return np.concatenate(list(space.transform(items).values()), axis=1)
