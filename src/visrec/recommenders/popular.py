"""The items that most people liked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Capabilities, Scores
from visrec.recommenders.content import PerItems

__all__ = ["Popular"]


class Popular:
    """Score = how many users liked the item, weighted; the same for everybody, 0 for a new item.

    The named fallback: a user without a history gets this list, marked "popular".

    Complexity: one pass over the events; memory n_items.
    """

    id = "popular"
    capabilities = Capabilities(new_users=True, new_items=False, reads=())

    def __init__(self) -> None:
        self._item_ids: IdMap | None = None
        self._counts = np.zeros(0, dtype=np.float32)
        self._scores = PerItems(self._score_items)

    def fit(self, dataset: Dataset) -> Self:
        """Count the likes of each item."""
        liked = dataset.histories.liked()
        self._item_ids = dataset.items.item_ids
        self._counts = np.asarray(liked.sum(axis=0), dtype=np.float32).ravel()
        self._scores = PerItems(self._score_items)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """The items' counts for every user; part "popular", float32 (n_users, n_items)."""
        row = self._scores(items)
        return Scores({"popular": np.broadcast_to(row, (len(histories), len(items)))})

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Item ids and their counts."""
        return {"item_ids": list(self._fitted())}, {"counts": self._counts}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self._item_ids = IdMap(settings["item_ids"])
        self._counts = np.asarray(arrays["counts"], dtype=np.float32)
        self._scores = PerItems(self._score_items)
        return self

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError("popular has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _score_items(self, items: ItemFeatures) -> npt.NDArray[np.float32]:
        known = self._fitted()
        if items.item_ids is known:
            return self._counts
        rows = known.rows(list(items.item_ids))
        padded = np.append(self._counts, np.float32(0.0))
        return padded[rows].astype(np.float32)
