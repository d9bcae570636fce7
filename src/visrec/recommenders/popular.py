"""The items that most people liked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.core.recency import check_half_life, decayed
from visrec.recommenders.content import PerItems
from visrec.recommenders.decompose import impersonal

__all__ = ["Popular", "PopularSettings"]


@dataclass(frozen=True)
class PopularSettings:
    """Settings of `Popular`.

    Attributes:
        half_life_days: a like this much older than the newest event of the log counts half; None: age is ignored.
    """

    half_life_days: float | None = None

    def __post_init__(self) -> None:
        check_half_life(self.half_life_days)


class Popular:
    """Score = Σ w 2^(-age / half-life) over the likes of the item; the same for everybody, 0 for a new item.

    Without a half-life, how many users liked the item, weighted: the named fallback, for a user without a history
    gets this list, marked "popular". With one, it is called "recently-popular": what sells now. Age counts from the
    newest event of the training log, so the order stays what it was when nothing new comes in.

    Complexity: one pass over the events; memory n_items.
    """

    capabilities = Capabilities(new_users=True, new_items=False, reads=())

    def __init__(self, settings: PopularSettings | None = None) -> None:
        self._configure(settings or PopularSettings())
        self._item_ids: IdMap | None = None
        self._counts = np.zeros(0, dtype=np.float32)
        self._scores = PerItems(self._score_items)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Count the likes of each item."""
        liked = decayed(dataset.histories, self.settings.half_life_days, per_user=False).liked()
        self._item_ids = dataset.items.item_ids
        self._counts = np.asarray(liked.sum(axis=0), dtype=np.float32).ravel()
        self._scores = PerItems(self._score_items)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """The items' counts for every user; part "popular", float32 (n_users, n_items)."""
        row = self._scores(items)
        return Scores({"popular": np.broadcast_to(row, (len(histories), len(items)))})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """All base: no event of the user counts; see `Decomposable`."""
        return impersonal(self.score(history, items), history, rows)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings and item ids; the items' counts."""
        return {"settings": asdict(self.settings), "item_ids": list(self._fitted())}, {"counts": self._counts}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self._configure(PopularSettings(**settings["settings"]))
        self._item_ids = IdMap(settings["item_ids"])
        self._counts = np.asarray(arrays["counts"], dtype=np.float32)
        self._scores = PerItems(self._score_items)
        return self

    def _configure(self, settings: PopularSettings) -> None:
        self.settings = settings
        self.id = "popular" if settings.half_life_days is None else "recently-popular"

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _score_items(self, items: ItemFeatures) -> npt.NDArray[np.float32]:
        known = self._fitted()
        if items.item_ids is known:
            return self._counts
        rows = known.rows(list(items.item_ids))
        padded = np.append(self._counts, np.float32(0.0))
        return padded[rows].astype(np.float32)
