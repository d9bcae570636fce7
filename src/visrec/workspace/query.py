"""Lists by examples: what is near the liked and far from the disliked, for many queries in one sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Scores
from visrec.core.ranking import Ranking
from visrec.recommenders.content_knn import ContentKNN, content_knn
from visrec.workspace.examples import ExampleTable, Query, common_block, weighted
from visrec.workspace.pictures import PictureReader
from visrec.workspace.settings import WorkspaceSettings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from visrec.retrieval.plan import ListPlan

__all__ = ["ExampleQueries", "NeighbourModels", "query_note"]


#: A model is fitted anew when the catalogue has grown or shrunk by such a share since it was.
_GROWTH = 0.1


class ExampleQueries:
    """Ranks items by examples; keeps the neighbour models of the features that it was last asked about.

    Args:
        root: the workspace's folder, for messages.
        pictures: embeds examples that are pictures.
    """

    def __init__(self, root: Path, pictures: PictureReader) -> None:
        self._root = root
        self._pictures = pictures
        self._neighbours: NeighbourModels | None = None

    def rank(
        self, items: ItemFeatures, settings: WorkspaceSettings, queries: Sequence[Query], plan: Callable[[], ListPlan]
    ) -> list[Ranking]:
        """See `Workspace.query_many`; the plan, over the items, is made once the examples are known to be right."""
        from visrec.retrieval.ranker import Ranker

        signed = [weighted(query) for query in queries]
        table = ExampleTable(items, self._pictures, settings, self._root)
        rows = [[table.add(example) for example, _ in pairs] for pairs in signed]
        examples = table.features()
        blocks = [common_block(examples, places) for places in rows]
        neighbours = self._neighbours
        if neighbours is None or neighbours.items is not items:
            neighbours = self._neighbours = NeighbourModels(items, neighbours)
        asked = plan()
        weights = _matrix(rows, [[weight for _, weight in pairs] for pairs in signed], len(examples))
        found: dict[int, Ranking] = {}
        for block in dict.fromkeys(blocks):
            numbers = [number for number, own in enumerate(blocks) if own == block]
            model = _ByExamples(neighbours.of(block), examples, weights)
            # No fallback: a query of dislikes alone still ranks by what it pushes away.
            lists = Ranker(model).rank(_seen(numbers, rows, table.item_rows, len(items)), items, asked)
            for number, ranking in zip(numbers, lists, strict=True):
                remark = query_note(block, any(weight > 0 for _, weight in signed[number]))
                note = "; ".join(filter(None, [remark, ranking.note]))
                found[number] = replace(ranking, user_id=None, note=note)
        return [found[number] for number in range(len(queries))]


class NeighbourModels:
    """The neighbour models of one `ItemFeatures`, each fitted when it is first asked for.

    A model that was fitted before the catalogue changed a little is kept: what whitening learns from 10,000 pictures
    one more does not change, and learning it anew would hold up the first question after every new item.

    Args:
        items: compared.
        earlier: the models of the items as they were.
    """

    def __init__(self, items: ItemFeatures, earlier: NeighbourModels | None = None) -> None:
        self.items = items
        self._fitted: dict[str, tuple[ContentKNN, int]] = {}
        if earlier is not None:
            for block, (model, n_items) in earlier._fitted.items():
                if _same_space(block, earlier.items, items) and abs(len(items) - n_items) <= _GROWTH * n_items:
                    self._fitted[block] = (model, n_items)

    def of(self, block: str) -> ContentKNN:
        """The model that compares by a block."""
        if block not in self._fitted:
            nobody = _histories([], [], len(self.items))
            self._fitted[block] = (content_knn(block).fit(Dataset(nobody, self.items)), len(self.items))
        return self._fitted[block][0]


def _same_space(block: str, one: ItemFeatures, other: ItemFeatures) -> bool:
    """Whether a block's rows are comparable: of one encoder, or the same categories."""
    first, second = one.blocks.get(block), other.blocks.get(block)
    if first is None or second is None:
        return False
    return (first.origin, first.dim, first.labels) == (second.origin, second.dim, second.labels)


class _ByExamples:
    """A neighbour model whose users are queries: the id of each is the number of its row of weights."""

    def __init__(self, model: ContentKNN, examples: ItemFeatures, weights: csr_matrix) -> None:
        self.id = model.id
        self._model = model
        self._examples = examples
        self._weights = weights

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        queries = [int(number) for number in histories.user_ids]
        return self._model.score_examples(self._weights[queries], self._examples, items)


def query_note(block: str, liked: bool) -> str:
    """What the reader of an answer to a query should know; "" where there is nothing."""
    notes = []
    if block != "image":
        notes.append(f"compared by {BLOCK_SOURCES[block]}, for not all examples have an embedded picture")
    if not liked:
        notes.append("nothing liked was given: first comes what is unlike the disliked, in the catalogue's order")
    return "; ".join(notes)


def _matrix(rows: Sequence[Sequence[int]], weights: Sequence[Sequence[float]], n_examples: int) -> csr_matrix:
    """Queries x examples; CSR, float32."""
    from scipy.sparse import csr_matrix

    query = np.repeat(np.arange(len(rows)), [len(places) for places in rows])
    data = np.array([weight for own in weights for weight in own], dtype=np.float32)
    return csr_matrix((data, (query, [place for places in rows for place in places])), shape=(len(rows), n_examples))


def _seen(
    numbers: Sequence[int], rows: Sequence[Sequence[int]], item_rows: npt.NDArray[np.int64], n_items: int
) -> Histories:
    """The items among the examples of some queries, which their lists leave out."""
    shown = [item_rows[list(rows[number])] for number in numbers]
    return _histories([str(number) for number in numbers], [own[own >= 0] for own in shown], n_items)


def _histories(names: Sequence[str], items: Sequence[npt.NDArray[np.int64]], n_items: int) -> Histories:
    user = np.repeat(np.arange(len(names), dtype=np.int64), [len(own) for own in items])
    item = np.concatenate([*items, np.zeros(0, dtype=np.int64)]).astype(np.int32)
    weight, timestamp = np.zeros(len(item), dtype=np.float32), np.zeros(len(item), dtype=np.int64)
    return Histories.from_events(IdMap(names), n_items, user, item, weight, timestamp)
