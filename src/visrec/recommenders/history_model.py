"""Recommenders whose network turns a history into a vector: all but the network and its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Scores
from visrec.recommenders.content import PerItems
from visrec.recommenders.fusion_input import FusionInput
from visrec.recommenders.history_rows import dense_rows, recent_likes
from visrec.recommenders.history_training import BatchLoss, HistorySettings, TrainingItems, train_on_histories
from visrec.recommenders.item_tower import ItemTower
from visrec.training.deterministic import deterministic
from visrec.training.weights import load_weights, weights_of

__all__ = ["HistoryModel", "HistoryNetwork"]

Matrix = npt.NDArray[np.float32]
S = TypeVar("S", bound=HistorySettings)

#: Histories encoded at once: memory is this many times the longest history times the network's width.
_BLOCK = 256


class HistoryNetwork(nn.Module, ABC):
    """A network that reads a history as the vectors of its items.

    Attributes:
        tower: gives the vectors v that users' vectors are multiplied with.
    """

    tower: ItemTower

    @abstractmethod
    def read(self, known: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """What the encoder reads of each of n items; float32 (n, any width). See `ItemTower` for the arguments."""

    @abstractmethod
    def encode(self, events: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Users as vectors; float32 (n_users, dim).

        Args:
            events: float32 (n_users, length, width), what `read` gave for the items of the histories.
            weight: float32 (n_users, length); 0 is no event, and what `events` holds there does not matter.
        """


@dataclass(frozen=True)
class _Fitted:
    network: HistoryNetwork
    features: FusionInput
    item_ids: IdMap  # the training items that have an embedding, in the order of their numbers
    centre: Matrix  # (dim,), mean vector of the training items


@dataclass(frozen=True)
class _Table:
    """Items ready to be read and scored."""

    read: torch.Tensor  # (n_items, any width)
    parts: Mapping[str, Matrix]  # source -> (n_items, dim)


class HistoryModel(ABC, Generic[S]):
    """score(u, i) = (encode(H) - push Σ_d |w_d| (v_d - v̄) / Σ_h |w_h|) · v_i, with v_i a sum of named parts.

    H are the newest liked items of the history, d its disliked ones, h both, and v̄ the mean vector of the training
    items: a dislike lowers what resembles d more than the average item does, and lowers it the more, the more of the
    history is dislikes. Without any event the network encodes an empty history, the same taste for everybody.

    A subclass names its settings and gives a network and the loss that it is trained by.

    Attributes:
        fusion_shares: block -> its learned share in the items' vectors; {} before `fit` and without features.
    """

    id: str
    settings_type: type[S]
    capabilities = Capabilities()

    def __init__(self, settings: S | None = None) -> None:
        self.settings = settings or self.settings_type()
        self.fusion_shares: dict[str, float] = {}
        self._fitted: _Fitted | None = None
        self._table = PerItems(self._tabulate)

    @abstractmethod
    def _network(self, n_known: int, slices: Mapping[str, slice]) -> HistoryNetwork:
        """An untrained network for n_known items with an embedding, and these blocks -> columns."""

    @abstractmethod
    def _loss(self, network: Any, items: TrainingItems, likes: Histories, histories: Histories) -> BatchLoss:
        """The loss of a batch of `likes`, which are the newest likes of `histories`."""

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Train.

        Raises:
            UnsupportedError: when nobody liked anything.
        """
        settings = self.settings
        likes = recent_likes(dataset.histories, settings.max_length)
        if not likes.n_events:
            raise UnsupportedError(f"{self.id} needs likes: the log holds no positive interaction.")
        items = TrainingItems.of(dataset.items, likes, settings)
        with deterministic(settings.seed):
            network = self._network(len(items.rows), items.features.slices)
            loss = self._loss(network, items, likes, dataset.histories)
            train_on_histories(network, likes, loss, settings, label=self.id, progress=progress)
        with torch.no_grad():
            centre = network.tower(items.known, items.inputs).mean(dim=0).numpy()
        self._become(_Fitted(network, items.features, items.item_ids, centre))
        fusion = network.tower.fusion
        self.fusion_shares = {} if fusion is None else fusion.shares(items.inputs)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        fitted, table = self._ready(), self._table(items)
        users = _encode(fitted.network, recent_likes(histories, self.settings.max_length), table)
        users -= self._pushed(histories, table, fitted.centre)
        return Scores({source: users @ part.T for source, part in table.parts.items()})

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, item ids and fusion shares; weights and the features' statistics."""
        fitted = self._ready()
        features, arrays = fitted.features.state()
        settings = {
            "settings": asdict(self.settings),
            "item_ids": list(fitted.item_ids),
            "features": features,
            "fusion_shares": self.fusion_shares,
        }
        return settings, {**arrays, **weights_of(fitted.network), "centre": fitted.centre}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = settings["settings"]
        self.settings = self.settings_type(**{**saved, "blocks": tuple(saved["blocks"])})
        features = FusionInput.load_state(settings["features"], arrays)
        item_ids = IdMap(settings["item_ids"])
        network = self._network(len(item_ids), features.slices)
        load_weights(network, arrays)
        self._become(_Fitted(network, features, item_ids, np.array(arrays["centre"])))
        self.fusion_shares = dict(settings["fusion_shares"])
        return self

    def _become(self, fitted: _Fitted) -> None:
        self._fitted = fitted
        self._table = PerItems(self._tabulate)

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        return self._fitted

    def _tabulate(self, items: ItemFeatures) -> _Table:
        fitted = self._ready()
        known = torch.from_numpy(fitted.item_ids.rows(list(items.item_ids)) + 1)
        inputs = torch.from_numpy(fitted.features(items))
        sources = fitted.features.sources
        with torch.no_grad():
            read = fitted.network.read(known, inputs)
            parts = fitted.network.tower.parts(known, inputs)
        return _Table(read, {sources.get(name, name): part.numpy() for name, part in parts.items()})

    def _pushed(self, histories: Histories, table: _Table, centre: Matrix) -> Matrix:
        """What dislikes take from the users' vectors; float32 (n_users, dim)."""
        weights = histories.matrix()
        total = np.asarray(abs(weights).sum(axis=1), dtype=np.float32).reshape(-1, 1)
        weights.data = np.maximum(-weights.data, np.float32(0.0))
        weights.eliminate_zeros()
        amount = np.asarray(weights.sum(axis=1), dtype=np.float32).reshape(-1, 1)
        vectors = np.sum([weights @ part for part in table.parts.values()], axis=0) - amount * centre
        return np.float32(self.settings.push) * vectors / np.maximum(total, np.float32(1e-12))


def _encode(network: HistoryNetwork, likes: Histories, table: _Table) -> Matrix:
    """Users in blocks of about the same length, back in their own order; float32 (n_users, dim)."""
    users = np.zeros((len(likes), network.tower.own.shape[1]), dtype=np.float32)
    order = np.diff(likes.indptr).argsort(kind="stable")
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        dense = dense_rows(likes, block)
        # Where there is no event any item may stand, but there must be one.
        events = table.read[torch.from_numpy(dense.item_index)]
        with torch.no_grad():
            users[block] = network.encode(events, torch.from_numpy(dense.weight)).numpy()
    return users
