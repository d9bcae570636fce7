"""A query by examples is a history: liked and disliked items and pictures, as one row of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.features import BLOCK_SOURCES, FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Recommender
from visrec.core.ranking import Ranking
from visrec.recommenders.registry import make_recommender
from visrec.workspace.assemble import unit_rows
from visrec.workspace.pictures import PictureReader
from visrec.workspace.settings import WorkspaceSettings

__all__ = ["ExampleQueries", "NeighbourModels", "example_history", "query_note", "with_pictures"]


def example_history(rows: Sequence[int], weights: Sequence[float], n_items: int) -> Histories:
    """The history of a nameless user over n_items items: `weights` above 0 liked, below 0 disliked."""
    n = len(rows)
    return Histories.from_events(
        IdMap([""]),
        n_items,
        np.zeros(n, dtype=np.int64),
        np.array(rows, dtype=np.int32),
        np.array(weights, dtype=np.float32),
        np.arange(n, dtype=np.int64),
    )


def with_pictures(items: ItemFeatures, pictures: Sequence[npt.NDArray[np.float32]]) -> ItemFeatures:
    """The items and, behind them, one nameless item for each embedded picture, float32 (dim,) each."""
    n = len(pictures)
    if n == 0:
        return items
    names = [f"picture {number}" for number in range(n)]
    while any(name in items.item_ids for name in names):
        names = [f"{name}'" for name in names]
    blocks = {}
    for name, block in items.blocks.items():
        rows = np.zeros((n, block.dim), dtype=np.float32)
        if name == "image":
            rows = unit_rows(np.stack(pictures))
        matrix = np.concatenate([block.matrix, rows])
        present = np.concatenate([block.present, np.full(n, name == "image")])
        blocks[name] = FeatureBlock(name, matrix, present, block.origin, block.labels)
    return ItemFeatures(IdMap([*items.item_ids, *names]), blocks)


def query_note(model: Recommender, n_liked: int) -> str:
    """What the reader of an answer to a query should know; "" where there is nothing."""
    notes = []
    source = model.id.removesuffix("-knn")
    if source != BLOCK_SOURCES["image"]:
        notes.append(f"compared by {source}, for not all examples have an embedded picture")
    if not n_liked:
        notes.append("nothing liked was given: first comes what is unlike the disliked, in the catalogue's order")
    return "; ".join(notes)


class ExampleQueries:
    """Ranks items by examples; keeps the neighbour models of the features that it was last asked about.

    Args:
        pictures: reads examples that are files.
    """

    def __init__(self, pictures: PictureReader) -> None:
        self._pictures = pictures
        self._neighbours: NeighbourModels | None = None

    def rank(
        self,
        items: ItemFeatures,
        settings: WorkspaceSettings,
        like: Sequence[str | Path],
        dislike: Sequence[str | Path],
        k: int,
        allowed: npt.NDArray[np.bool_] | None,
        titles: Mapping[int, str],
    ) -> Ranking:
        """See `Workspace.query`; `allowed` is bool (n_items,), None for all."""
        from visrec.retrieval.ranker import Ranker

        rows, pictures = self._pictures.examples([*like, *dislike], items.item_ids, settings)
        extended = with_pictures(items, pictures)
        histories = example_history(rows, [1.0] * len(like) + [-1.0] * len(dislike), len(extended))
        if self._neighbours is None or self._neighbours.items is not items:
            self._neighbours = NeighbourModels(items)
        model = self._neighbours.for_examples(extended, histories.item_index)
        mask = np.zeros(len(extended), dtype=np.bool_)
        mask[: len(items)] = True if allowed is None else allowed
        # The model is its own fallback: a query of dislikes alone still ranks by what it pushes away.
        ranked = Ranker(model, model).rank(histories, extended, k, allowed=mask, titles=titles)
        return replace(next(ranked), user_id=None, note=query_note(model, len(like)))


class NeighbourModels:
    """The neighbour models of one `ItemFeatures`, each fitted when it is first asked for."""

    def __init__(self, items: ItemFeatures) -> None:
        self.items = items
        self._fitted: dict[str, Recommender] = {}

    def for_examples(self, extended: ItemFeatures, rows: npt.NDArray[np.int32]) -> Recommender:
        """The model of the first block, pictures before texts before categories, that all examples have.

        Raises:
            UnsupportedError: when there is no such block.
        """
        for block, source in BLOCK_SOURCES.items():
            if block in extended.blocks and extended.blocks[block].present[rows].all():
                if block not in self._fitted:
                    nobody = Dataset(_no_histories(len(self.items)), self.items)
                    self._fitted[block] = make_recommender(f"{source}-knn").fit(nobody)
                return self._fitted[block]
        raise UnsupportedError(
            "The examples have nothing in common to compare by: one of them has no embedded picture, text or "
            "category. Run `visrec encode`, or choose other examples."
        )


def _no_histories(n_items: int) -> Histories:
    empty = np.zeros(0, dtype=np.int64)
    return Histories.from_events(IdMap(()), n_items, empty, empty.astype(np.int32), empty.astype(np.float32), empty)
