"""Training of networks that read histories: the settings they share, the items they learn, and the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.recency import check_half_life
from visrec.core.settings import SearchSpace
from visrec.recommenders.fusion_input import FusionInput
from visrec.recommenders.history_rows import DenseHistories, batches
from visrec.training.epochs import Trained, train_epochs
from visrec.training.threads import one_thread

__all__ = ["BatchLoss", "HistorySettings", "TrainingItems", "event_weights", "train_on_histories"]

#: The loss of one batch, a scalar; draws what it needs from the generator.
BatchLoss = Callable[[DenseHistories, np.random.Generator], torch.Tensor]

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class HistorySettings:
    """What all networks that read histories can be told.

    Attributes:
        dim: length of the users' and items' vectors.
        max_length: the newest so many liked items of a history are read, in training too.
        blocks: feature blocks that it reads.
        feature_dim: a block is reduced to at most so many principal components.
        n_epochs: passes over all users; the learning rate falls along half a cosine from its height to zero.
        min_updates: passes are added until there were so many updates: a small log needs them.
        batch_size: users an update.
        learning_rate: of AdamW, at its height.
        weight_decay: of AdamW, as a share of the learning rate.
        id_dropout: probability, at each update, that an item is learned as if it were new.
        dropout: of the network's layers.
        half_life_days: an event that is so much older than the newest of the log counts half as something to
            be found; None: age does not matter.
        push: how far a dislike pushes away, see `HistoryModel`.
        seed: of everything random.
    """

    dim: int = 64
    max_length: int = 500
    blocks: tuple[str, ...] = ("image", "text", "category")
    feature_dim: int = 64
    n_epochs: int = 45
    min_updates: int = 100
    batch_size: int = 32
    learning_rate: float = 0.003
    weight_decay: float = 0.1
    id_dropout: float = 0.1
    dropout: float = 0.3
    half_life_days: float | None = 180.0
    push: float = 1.0
    seed: int = 0

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(32, 64, 128)),
            "n_epochs": SearchSpace(choices=(10, 20, 40, 60)),
            "learning_rate": SearchSpace(0.0005, 0.01, log=True),
            "id_dropout": SearchSpace(0.0, 0.8),
            "dropout": SearchSpace(0.0, 0.6),
        }
    )

    def __post_init__(self) -> None:
        counts = (self.dim, self.max_length, self.feature_dim, self.n_epochs, self.batch_size)
        if min(counts) < 1:
            raise InputError(
                f"Expected dim, max_length, feature_dim, n_epochs and batch_size of 1 or more, got {counts}."
            )
        if not (0 <= self.id_dropout < 1 and 0 <= self.dropout < 1):
            raise InputError(
                f"Expected id_dropout and dropout from 0 to below 1, got {self.id_dropout} and {self.dropout}."
            )
        if not self.learning_rate > 0:
            raise InputError(f"Expected a learning_rate above 0, got {self.learning_rate}.")
        check_half_life(self.half_life_days)


@dataclass(frozen=True)
class TrainingItems:
    """The items of a training set as a network's tower reads them.

    Attributes:
        features: how features become `inputs`.
        rows: int64 (n_known,), rows of the items that somebody liked: only they get an embedding, and only they are
            ever taken as negatives. An item that nobody has liked yet may be one that nobody could have liked yet.
        item_ids: the ids of `rows`.
        known: int64 (n_items,), the item's number from 1 in `rows`, 0 for an item outside.
        inputs: float32 (n_items, width).
        id_dropout: probability that `draw` takes an item for a new one.
    """

    features: FusionInput
    rows: npt.NDArray[np.int64]
    item_ids: IdMap
    known: torch.Tensor
    inputs: torch.Tensor
    id_dropout: float

    @classmethod
    def of(cls, items: ItemFeatures, likes: Histories, settings: HistorySettings) -> Self:
        """Fit the features' reduction on all items and number the liked ones."""
        features = FusionInput.fit(items, settings.blocks, settings.feature_dim)
        rows = np.unique(likes.item_index).astype(np.int64)
        known = np.zeros(len(items), dtype=np.int64)
        known[rows] = np.arange(1, len(rows) + 1)
        inputs = torch.from_numpy(features(items))
        return cls(features, rows, items.item_ids.take(rows), torch.from_numpy(known), inputs, settings.id_dropout)

    def draw(self, *wanted: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """The items of one update, each once however often it is wanted, some of them taken for new ones at random.

        What is taken for new is new to all that read it in this update, as in Volkovs, Yu & Poutanen (2017),
        DropoutNet: Addressing Cold Start in Recommender Systems.

        Args:
            wanted: int64 of any shape, rows of the training items.

        Returns:
            int64 (n,) numbers and float32 (n, width) inputs of n different items, for an `ItemTower`; and for each
            array of `wanted` one of its shape with the places, 0 to n - 1, of its items among them.
        """
        needed, place = np.unique(np.concatenate([rows.ravel() for rows in wanted]), return_inverse=True)
        parts = torch.from_numpy(place).split([rows.size for rows in wanted])
        places = [part.reshape(rows.shape) for part, rows in zip(parts, wanted, strict=True)]
        kept = torch.rand(len(needed)) >= self.id_dropout
        return self.known[needed] * kept, self.inputs[needed], places


def event_weights(likes: Histories, half_life_days: float | None) -> torch.Tensor:
    """How much each event counts as something to be found; float32 (n_events,), 1 on average.

    An event without a timestamp counts like one of today.
    """
    weights = likes.weight.astype(np.float64)
    if half_life_days is not None:
        age = likes.timestamp.max() - likes.timestamp
        age[likes.timestamp == 0] = 0
        # An old event stays one: all may be old, but for one of today.
        weights *= np.maximum(np.exp2(-age / (_SECONDS_PER_DAY * half_life_days)), 1e-6)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def train_on_histories(
    network: nn.Module,
    likes: Histories,
    loss: BatchLoss,
    settings: HistorySettings,
    *,
    label: str,
    progress: ProgressFactory = silent,
) -> Trained:
    """Minimise a loss over batches of users with AdamW; call it inside `deterministic`.

    Args:
        network: what is trained.
        likes: from `recent_likes`; at least one event.
        loss: see `BatchLoss`.
        settings: see `HistorySettings`.
        label: for the progress.
        progress: shows epochs.
    """
    users = np.flatnonzero(np.diff(likes.indptr))
    n_batches = -(-len(users) // settings.batch_size)
    n_epochs = max(settings.n_epochs, -(-settings.min_updates // n_batches))
    generator = np.random.default_rng(settings.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_epochs * n_batches)

    def epoch() -> float:
        losses = []
        for histories in batches(likes, users, settings.batch_size, generator):
            value = loss(histories, generator)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
            losses.append(value.item())
        return float(np.mean(losses))

    with one_thread():
        return train_epochs(network, epoch, n_epochs, label=label, progress=progress)
