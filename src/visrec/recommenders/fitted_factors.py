"""Trained visual factors at work: items seen or new, users as their histories, scores in parts. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Scores
from visrec.recommenders.content import PerItems
from visrec.recommenders.fusion_input import FusionInput, regress_on_features
from visrec.recommenders.history_map import HistoryMap

__all__ = ["FittedFactors", "ItemTables"]

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ItemTables:
    """What makes an item's row: the vector v_i, and its bias in the last column; float32.

    Attributes:
        own: (n_items, length + 1), what training items have that no feature says: γ_i and b_i.
        link: (width, length + 1), the item's features x_i -> what they add: f(x_i) and β · x_i.
        guess: (width, length + 1), x_i -> γ_i and b_i of an item that training has not seen.
    """

    own: Matrix
    link: Matrix
    guess: Matrix

    @classmethod
    def of(cls, own: Matrix, link: Matrix, columns: Matrix, regularisation: float) -> Self:
        """Tables with a guess: the ridge regression of training items' own rows on their features.

        Args:
            own: (n_items, length + 1).
            link: (width, length + 1).
            columns: (n_items, width), features of the training items.
            regularisation: in items, above 0.
        """
        return cls(own - own.mean(axis=0), link, regress_on_features(columns, own, regularisation))

    def rows(self, columns: Matrix) -> Matrix:
        """[v_i, bias_i] of the training items, float32 (n_items, length + 1), from their features."""
        return self.own + columns @ self.link


class FittedFactors:
    """Scores b_i + β · x_i + u · v_i, with u from the user's history.

    Args:
        item_ids: items of the training data.
        inputs: makes x of items.
        tables: what training found.
        history: makes u of histories.
    """

    def __init__(self, item_ids: IdMap, inputs: FusionInput, tables: ItemTables, history: HistoryMap) -> None:
        self._item_ids = item_ids
        self._inputs = inputs
        self._tables = tables
        self._history = history
        self._rows = PerItems(self._derive)

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`.

        Parts: "collaborative" from γ and b, and one a block: its columns of f and β, and its share of the guess of a
        new item's γ and b.
        """
        parts = self._rows(items)
        rows = np.add.reduce(list(parts.values()))
        users = self._history(histories.matrix(), rows[:, :-1])
        users = np.pad(users, ((0, 0), (0, 1)), constant_values=1.0)
        return Scores({source: users @ rows.T for source, rows in parts.items()})

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """JSON-able settings, and arrays, that `load_state` takes."""
        inputs, arrays = self._inputs.state()
        tables = {f"table.{name}": array for name, array in vars(self._tables).items()}
        settings = {"item_ids": list(self._item_ids), "inputs": inputs}
        return settings, {**arrays, **tables, **self._history.state()}

    @classmethod
    def load_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """What `state` was taken from."""
        tables = {n.removeprefix("table."): array for n, array in arrays.items() if n.startswith("table.")}
        inputs = FusionInput.load_state(settings["inputs"], arrays)
        return cls(IdMap(settings["item_ids"]), inputs, ItemTables(**tables), HistoryMap.load_state(arrays))

    def _derive(self, items: ItemFeatures) -> dict[str, Matrix]:
        """Source -> float32 (n_items, length + 1): summands of the items' rows."""
        tables, places = self._tables, self._item_ids.rows(list(items.item_ids))
        new = places[:, None] < 0
        parts = {"collaborative": np.where(new, np.float32(0), tables.own[places])}
        columns = self._inputs(items)
        unseen = np.where(new, columns, np.float32(0))
        for name, block in self._inputs.slices.items():
            part = columns[:, block] @ tables.link[block] + unseen[:, block] @ tables.guess[block]
            parts[self._inputs.sources[name]] = part
        return parts
