"""Two towers: a history read with attention, and an item with its features, meet in one space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from visrec.core.errors import InputError
from visrec.core.histories import Histories
from visrec.recommenders.attention_pooling import AttentionPooling
from visrec.recommenders.history_model import HistoryModel, HistoryNetwork
from visrec.recommenders.history_rows import DenseHistories, hide
from visrec.recommenders.history_training import BatchLoss, HistorySettings, TrainingItems, event_weights
from visrec.recommenders.item_tower import ItemTower
from visrec.recommenders.sampled_softmax import CandidateSampler, softmax_loss

__all__ = ["TwoTower", "TwoTowerNetwork", "TwoTowerSettings"]


@dataclass(frozen=True)
class TwoTowerSettings(HistorySettings):
    """Settings of `TwoTower`, and those of `HistorySettings`.

    Attributes:
        n_heads: queries of the attention; dim is a multiple of it.
        hidden: width of the layer between the pooled history and the user's vector.
        n_negatives: items that a positive is compared with; all liked ones where they are no more.
    """

    batch_size: int = 64
    id_dropout: float = 0.3
    n_heads: int = 4
    hidden: int = 128
    n_negatives: int = 2048

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.n_heads, self.hidden, self.n_negatives) < 1 or self.dim % self.n_heads:
            raise InputError(
                "Expected hidden and n_negatives of 1 or more and dim as a multiple of n_heads, "
                f"got {self.hidden}, {self.n_negatives}, {self.dim} and {self.n_heads}."
            )


class TwoTowerNetwork(HistoryNetwork):
    """u = u0 + c m + A p + MLP(p), with p the attention-pooled history and m the mean of its v; v as in `ItemTower`.

    For p the history reads items through a tower of its own: what an item says of its reader need not be what it has
    to offer. With m, what resembles the history scores well before anything is learned; c starts at 1. u0 is the
    taste of an empty history, and carries popularity.

    Args:
        n_known: items with an embedding.
        slices: block -> its columns; may be empty.
        settings: sizes and dropout.
    """

    def __init__(self, n_known: int, slices: Mapping[str, slice], settings: TwoTowerSettings) -> None:
        super().__init__()
        dim = settings.dim
        self.tower = ItemTower(n_known, slices, dim)
        self.reader = ItemTower(n_known, slices, dim)
        self.start = nn.Parameter(torch.zeros(dim))
        self.likeness = nn.Parameter(torch.ones(()))
        self.pooling = AttentionPooling(dim, settings.n_heads)
        self.dropout = nn.Dropout(settings.dropout)
        self.straight = nn.Linear(dim, dim, bias=False)
        self.deep = nn.Sequential(nn.Linear(dim, settings.hidden), nn.GELU(), nn.Linear(settings.hidden, dim))

    def read(self, known: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """See `HistoryNetwork`; what the reader and the tower make of each item, float32 (n, 2 dim)."""
        return torch.cat([self.reader(known, inputs), self.tower(known, inputs)], dim=1)

    def encode(self, events: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """See `HistoryNetwork`."""
        read, own = events.chunk(2, dim=2)
        pooled = self.dropout(self.pooling(read, weight))
        # With 1 more than the weights' sum a short history says less, as in the attention.
        mean = torch.einsum("bl,bld->bd", weight / (1 + weight.sum(dim=1, keepdim=True)), own)
        user: torch.Tensor = self.start + self.likeness * mean + self.straight(pooled) + self.deep(pooled)
        return user


class TwoTower(HistoryModel[TwoTowerSettings]):
    """score(u, i) = u(H) · v(i): deep collaborative filtering by a history encoder and an item encoder.

    After Covington, Adams & Sargin (2016), Deep Neural Networks for YouTube Recommendations,
    doi:10.1145/2959100.2959190 (a user is the pooled embeddings of what they watched), and Yi et al. (2019),
    Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, doi:10.1145/3298689.3346996
    (sampled softmax with logQ correction). At each update a random part of each history is hidden, and its items are
    what the rest must find: an event is never in its own input.

        u(H) = u0 + c Σ_h w_h v(h) / (1 + Σ_h w_h) + A p + MLP(p),   p = Σ_h α_h V r(h)
        v(i) = e_i + Σ_b g_b W_b x_b(i),   r likewise with weights of its own
        loss = -log softmax over items of u · v, at the hidden items

    α is the attention of `AttentionPooling`. Dislikes: see `HistoryModel`. Deviations:

    * Attention in place of the mean over the history; no other user features, for a user is their history.
    * Candidates are drawn in proportion to likes^0.75 and not taken from the batch, so Q is known and not estimated
      on the way; up to `n_negatives` liked items, all are compared and nothing needs correcting.
    * u and v are not normalised, so that popularity can show in their lengths; v is linear in the features, which
      splits each score exactly into parts.
    * Items that nobody has liked are no negatives, for they may be new.

    Complexity: an epoch costs n_events dim² + n_users n_known dim (with a sample: n_events n_negatives dim);
    memory n_items (dim + width), and batch_size x longest history x (dim + n_negatives). Scoring: n_users x length x
    dim² and one product n_users x n_items x dim a part. Parts: "collaborative" from e, and one a block.

    Limits: learns tastes from a few ten thousand events on; on smaller logs neighbours of features are better. The
    order of the history counts only through how far back an event lies. On held-out events within the training parts it
    beats `popular` on MovieLens-100k, by random and by time, and with new items of both real sets; on hm-fashion by
    time, where most bought items have hardly been bought before, it does not.
    """

    id = "two-tower"
    settings_type = TwoTowerSettings

    def _network(self, n_known: int, slices: Mapping[str, slice]) -> TwoTowerNetwork:
        return TwoTowerNetwork(n_known, slices, self.settings)

    def _loss(
        self, network: TwoTowerNetwork, items: TrainingItems, likes: Histories, histories: Histories
    ) -> BatchLoss:
        weights = event_weights(likes, self.settings.half_life_days)
        sampler = CandidateSampler(likes, items.rows, self.settings.n_negatives)

        def loss(batch: DenseHistories, generator: np.random.Generator) -> torch.Tensor:
            part = hide(batch, generator)
            candidates = sampler.draw(generator)
            visible = part.visible
            known, inputs, places = items.draw(visible.item_index, part.item_index, candidates.item_index)
            event, positive, candidate = places
            user = network.encode(network.read(known, inputs)[event], torch.from_numpy(visible.weight))
            vectors = network.tower(known, inputs)
            row = torch.from_numpy(part.row)
            losses = softmax_loss(user, row, part.item_index, vectors[positive], candidates, vectors[candidate])
            return (losses * weights[torch.from_numpy(part.event)]).mean()

        return loss
