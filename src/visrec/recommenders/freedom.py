"""FREEDOM: users and items on a pruned graph of likes, items also on frozen graphs of what they look and read like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Scores
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import ContentSpace, PerItems
from visrec.recommenders.freedom_network import FreedomNetwork, FreedomTraining
from visrec.recommenders.fusion_input import FusionInput
from visrec.recommenders.sparse_graph import nearest_items
from visrec.training.deterministic import deterministic
from visrec.training.epochs import train_epochs
from visrec.training.threads import one_thread

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Freedom", "FreedomSettings"]

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FreedomSettings:
    """Settings of `Freedom`.

    Attributes:
        dim: length of the vectors.
        neighbours: of each item in each frozen graph.
        layers: how often likes are followed from items to users and back to items.
        kept_edges: share of the likes that stay in the graph, drawn anew for each epoch.
        modality_weight: weight of each modality's own ranking loss beside that of the whole.
        decay: weight of the squared lengths of the embeddings.
        blocks: feature blocks that make graphs and are fused.
        learning_rate: of Adam.
        batch_size: likes a step.
        n_epochs: passes over the likes; small logs get as many as make up 60 steps.
        seed: of everything random.
    """

    dim: int = 64
    neighbours: int = 10
    layers: int = 1
    kept_edges: float = 0.2
    modality_weight: float = 0.1
    decay: float = 1e-4
    blocks: tuple[str, ...] = ("image", "text", "category")
    learning_rate: float = 0.01
    batch_size: int = 2048
    n_epochs: int = 20
    seed: int = 0

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(32, 64, 128)),
            "neighbours": SearchSpace(choices=(5, 10, 20)),
            "layers": SearchSpace(choices=(0, 1, 2)),
            "kept_edges": SearchSpace(0.1, 1.0),
            "modality_weight": SearchSpace(0.001, 1.0, log=True),
            "decay": SearchSpace(1e-6, 1e-2, log=True),
            "learning_rate": SearchSpace(0.001, 0.03, log=True),
            "n_epochs": SearchSpace(choices=(10, 20, 40)),
        }
    )


@dataclass(frozen=True)
class _Table:
    """Items ready to be read and scored."""

    read: Matrix  # (n_items, dim), what an event on the item adds to its user
    parts: Mapping[str, Matrix]  # source -> (n_items, dim)


class Freedom:
    """score(u, i) = u · v_i with v_i = z_i + Σ_m (a_m Σ_j S_m[i, j] e_j + g_m W_m x_m(i)), u = Σ_j w_j v_j / √d_j / √n.

    Zhou & Shen (2023), A tale of two graphs: freezing and denoising graph structures for multimodal recommendation,
    ACM MM, doi:10.1145/3581783.3611943, arXiv:2211.06924. z are the embeddings e averaged over steps along the likes
    (LightGCN, He et al. 2020, arXiv:2002.02126); S_m is the frozen graph of each item's nearest neighbours in modality
    m, the rows of which average; in each epoch, likes are dropped from the graph, those of busy users and popular
    items first (eq. 5: kept in proportion to 1 / √(d_u d_i)). The loss is BPR on the score, and on each modality's own
    projection (eq. 13). Deviations, which make histories and features enough to score anybody and anything:

    * There are no embeddings of users: a user starts at zero, and so is what their likes add up to, over d_j likes of
      item j and n likes of their own (both sums of weights). In training the like that is to be ranked is left out of
      the sum, else the model learns to find what it was given. A dislike counts with its negative weight.
    * W x, which the paper has in its loss alone, is part of v, and the weights a and g of the modalities are learned.
    * A new item, which has no z of its own, averages e + z of its nearest known neighbours, where a known one
      averages their e.

    Complexity: a step takes (n_likes + neighbours n_items) dim for each layer and modality, an epoch n_likes /
    batch_size steps; the graphs n_items² dim once, in blocks of bounded memory; scoring n_users n_items dim for each
    modality. Memory: n_items dim, and the edges. Parts: "collaborative" for z, one part a block for the rest.

    Limits: on MovieLens-100k it beats `popular` by far and loses to `ease`, and is at its best on new films; on the
    coming weeks of hm-fashion it loses to `popular`. It is blind to time.

    Attributes:
        fusion_shares: after `fit`, block -> its share, 0 to 1, of the squared lengths of what the blocks add to v.
    """

    id = "freedom"
    capabilities = Capabilities()

    def __init__(self, settings: FreedomSettings | None = None) -> None:
        self.settings = settings or FreedomSettings()
        self.fusion_shares: dict[str, float] = {}
        self._item_ids: IdMap | None = None
        self._features = FusionInput(ContentSpace({}), {})
        self._arrays: dict[str, Matrix] = {}
        self._table = PerItems(self._tabulate)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Train.

        Raises:
            UnsupportedError: when nobody liked anything.
        """
        liked = dataset.histories.liked()
        rows = np.flatnonzero(np.diff(liked.tocsc().indptr)).astype(np.int64)
        if not rows.size:
            raise UnsupportedError("freedom needs likes: the log holds no positive interaction.")
        self._item_ids = dataset.items.item_ids.take(rows)
        self._features = FusionInput.fit(dataset.items, self.settings.blocks)
        self._arrays = self._train(liked[:, rows], self._features(dataset.items)[rows], progress)
        self._table = PerItems(self._tabulate)
        parts = self._table(dataset.items.take(rows)).parts
        energy = {n: float(np.square(parts[source]).sum()) for n, source in self._features.sources.items()}
        self.fusion_shares = {name: value / max(sum(energy.values()), 1e-30) for name, value in energy.items()}
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        self._fitted()
        table = self._table(items)
        events = histories.matrix()
        total = np.asarray(abs(events).sum(axis=1), dtype=np.float32).reshape(-1, 1)
        users = (events @ table.read) / np.sqrt(np.maximum(total, np.float32(1e-12)))
        return Scores({source: users @ part.T for source, part in table.parts.items()})

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids and shares; embeddings, projections and what the features are reduced by."""
        item_ids = list(self._fitted())
        features, arrays = self._features.state()
        settings = {"settings": asdict(self.settings), "item_ids": item_ids, "shares": self.fusion_shares}
        return {**settings, "features": features}, {**arrays, **self._arrays}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = FreedomSettings(**{**saved, "blocks": tuple(saved["blocks"])})
        self.fusion_shares = dict(settings["shares"])
        self._item_ids = IdMap(settings["item_ids"])
        self._features = FusionInput.load_state(settings["features"], arrays)
        self._arrays = {name: np.array(arrays[name]) for name in _ARRAYS}
        self._table = PerItems(self._tabulate)
        return self

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError("freedom has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _train(self, liked: csr_matrix, inputs: Matrix, progress: ProgressFactory) -> dict[str, Matrix]:
        settings = self.settings
        with deterministic(settings.seed), one_thread():
            slices = self._features.slices
            network = FreedomNetwork(slices, inputs, settings.dim, settings.layers, settings.neighbours)
            training = FreedomTraining(
                network,
                liked,
                kept_edges=settings.kept_edges,
                modality_weight=settings.modality_weight,
                decay=settings.decay,
                learning_rate=settings.learning_rate,
                batch_size=settings.batch_size,
                seed=settings.seed,
            )
            n_epochs = max(settings.n_epochs, -(-_MIN_STEPS // training.n_steps))
            train_epochs(network, training.epoch, n_epochs, label="freedom", progress=progress)
            arrays = network.fitted(training.likes)
        return {**arrays, "inputs": inputs, "degree": training.degree}

    def _tabulate(self, items: ItemFeatures) -> _Table:
        arrays = self._arrays
        rows = self._fitted().rows(list(items.item_ids))
        old, new = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        inputs = self._features(items)
        shape = len(items), arrays["z"].shape[1]
        likes, degree = np.zeros(shape, dtype=np.float32), np.ones((len(items), 1), dtype=np.float32)
        likes[old], degree[old, 0] = arrays["z"][rows[old]], arrays["degree"][rows[old]]
        parts = {"collaborative": likes}
        near = arrays["near"].reshape(-1, *arrays["z"].shape)
        for number, (name, columns) in enumerate(self._features.slices.items()):
            part = inputs[:, columns] @ arrays["projection"][columns]
            part[old] += near[number][rows[old]]
            graph = nearest_items(inputs[new, columns], arrays["inputs"][:, columns], self.settings.neighbours)
            part[new] += arrays["graph_weights"][number] * (graph @ arrays["lent"])
            parts[self._features.sources[name]] = part
        vectors = np.sum(list(parts.values()), axis=0, dtype=np.float32)
        return _Table((vectors / np.sqrt(degree)).astype(np.float32), parts)


_ARRAYS = ("z", "lent", "near", "projection", "graph_weights", "inputs", "degree")
#: Enough for a log of a few likes to be learned from.
_MIN_STEPS = 60
