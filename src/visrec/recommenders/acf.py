"""ACF: how much each item of a history matters is learned, and differs from user to user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from visrec.core.errors import InputError
from visrec.core.histories import Histories
from visrec.recommenders.attention_pooling import attention_shares
from visrec.recommenders.history_model import HistoryModel, HistoryNetwork
from visrec.recommenders.history_rows import DenseHistories, hide
from visrec.recommenders.history_training import BatchLoss, HistorySettings, TrainingItems, event_weights
from visrec.recommenders.item_tower import ItemTower
from visrec.recommenders.negatives import NegativeSampler

__all__ = ["ACF", "ACFNetwork", "ACFSettings"]


@dataclass(frozen=True)
class ACFSettings(HistorySettings):
    """Settings of `ACF`, and those of `HistorySettings`.

    Attributes:
        hidden: width of the layer in each attention.
        n_negatives: items, not liked by the user, that each hidden item is compared with.
    """

    hidden: int = 32
    n_negatives: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.hidden, self.n_negatives) < 1:
            raise InputError(f"Expected hidden and n_negatives of 1 or more, got {self.hidden} and {self.n_negatives}.")


class ACFNetwork(HistoryNetwork):
    """u = u0 + U m + Σ_l α(u, l) p_l, with m the mean of the history's p; see `ACF`.

    What depends on an item alone is computed once an item, in `read`: beside p, what v and p give to the attention
    over items, and what each block gives to the attention over components and through it.

    Args:
        n_known: items with an embedding.
        slices: block -> its columns; may be empty.
        settings: sizes and dropout.
    """

    def __init__(self, n_known: int, slices: Mapping[str, slice], settings: ACFSettings) -> None:
        super().__init__()
        self.dim, self.hidden, self.n_blocks = settings.dim, settings.hidden, len(slices)
        self.tower = ItemTower(n_known, slices, self.dim)
        self.auxiliary = ItemTower(n_known, slices, self.dim)
        self.start = nn.Parameter(torch.zeros(self.dim))
        self.user = nn.Linear(self.dim, self.dim, bias=False)
        self.items_of_user = nn.Linear(self.dim, self.hidden, bias=False)
        self.items_of_item = nn.Linear(2 * self.dim, self.hidden)
        self.items_of_component = nn.Linear(self.dim, self.hidden, bias=False)
        self.items_out = nn.Linear(self.hidden, 1, bias=False)
        self.components_of_user = nn.Linear(self.dim, self.hidden, bias=False)
        self.components_of_component = nn.Linear(self.dim, self.hidden)
        self.components_out = nn.Linear(self.hidden, 1, bias=False)
        self.dropout = nn.Dropout(settings.dropout)

    def read(self, known: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """See `HistoryNetwork`; float32 (n, dim + hidden + n_blocks (2 hidden + 1))."""
        auxiliary = self.auxiliary(known, inputs)
        columns = [auxiliary, self.items_of_item(torch.cat([self.tower(known, inputs), auxiliary], dim=1))]
        if self.auxiliary.fusion is not None:
            blocks = torch.stack(list(self.auxiliary.fusion.parts(inputs).values()), dim=1)
            # A block that an item lacks is a row of zeros.
            present = torch.stack([inputs[:, s].any(dim=1) for s in self.auxiliary.fusion.slices.values()], dim=1)
            columns += [self.components_of_component(blocks).flatten(1), self.items_of_component(blocks).flatten(1)]
            columns += [present.to(inputs.dtype)]
        return torch.cat(columns, dim=1)

    def encode(self, events: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """See `HistoryNetwork`."""
        inner = self.n_blocks * self.hidden
        auxiliary, of_item, keys, values, present = events.split(
            [self.dim, self.hidden, inner, inner, self.n_blocks], dim=2
        )
        shares = weight / weight.sum(dim=1, keepdim=True).clamp_min(1e-12)
        mean = torch.einsum("bl,bld->bd", shares, auxiliary)
        meeting = of_item + self.items_of_user(mean).unsqueeze(1)
        if self.n_blocks:
            keys, values = (part.unflatten(2, (self.n_blocks, self.hidden)) for part in (keys, values))
            meeting = meeting + self._components(keys, values, present, mean)
        attended = attention_shares(self.items_out(torch.relu(meeting)).squeeze(2), weight)
        attentive = torch.einsum("bl,bld->bd", attended, auxiliary)
        user: torch.Tensor = self.start + self.user(self.dropout(mean)) + self.dropout(attentive)
        return user

    def _components(
        self, keys: torch.Tensor, values: torch.Tensor, present: torch.Tensor, mean: torch.Tensor
    ) -> torch.Tensor:
        """W_x x̄ of each event; float32 (n_users, length, hidden), zero for an item without any block.

        Args:
            keys: float32 (n_users, length, n_blocks, hidden), V_x x_b + c.
            values: of that shape, W_x x_b.
            present: (n_users, length, n_blocks), 1 where the item has the block, else 0.
            mean: float32 (n_users, dim), m.
        """
        meeting = torch.relu(keys + self.components_of_user(mean)[:, None, None])
        logits = self.components_out(meeting).squeeze(3).masked_fill(present == 0, -1e9)
        # Of an item without any block all logits are alike and all values are zero.
        shares = torch.softmax(logits, dim=2)
        return torch.einsum("blk,blkh->blh", shares, values)


class ACF(HistoryModel[ACFSettings]):
    """score(u, i) = (u(H) + Σ_l α(u, l) p_l) · v_i, over the items l of the history.

    Chen, Zhang, He, Nie, Liu & Chua (2017), Attentive Collaborative Filtering: Multimedia Recommendation with Item-
    and Component-Level Attention, doi:10.1145/3077136.3080797: the score, two attentions, and BPR:

        a(u, l) = w · relu(W_u u + W_v v_l + W_p p_l + W_x x̄_l + b),   α = softmax of a over the history
        x̄_l = Σ_b β(u, l, b) x_lb,   c(u, l, b) = w' · relu(V_u u + V_x x_lb + b'),   β = softmax of c over components b
        loss = mean over hidden items i, and items j that the user did not like, of -log sigmoid(score_ui - score_uj)

    Dislikes: see `HistoryModel`. Deviations:

    * The components of an item are its feature blocks (picture, text, category) as the fusion projects them, not
      regions of a picture or frames of a video: a feature set holds one vector an item.
    * The paper's user embedding u becomes u0 + U m, and in the attentions m, the mean of the history's p: a user is
      their history.
    * v and p are e + Σ_b g_b W_b x_b, so new items are scored and read.
    * The softmax over the history has a resting place (see `attention_shares`): an empty one has none to attend to.
    * The items to be found are hidden from the history, a random part at each update, lest the network
      find them by looking them up; and each has several negatives.

    Complexity: an epoch costs n_events n_blocks hidden + n_events dim + n_users n_known dim; memory n_items (2 dim +
    width) and batch_size x longest history x (dim + n_blocks hidden). Scoring: n_users x length x (dim + n_blocks
    hidden) and one product n_users x n_items x dim a part. Parts: "collaborative" from the e of the scored items, and
    one a block.

    Limits: the order of the history does not count, except that the newest `max_length` events are read. On held-out
    events within the training parts it beats `popular` on MovieLens-100k, by random and by time, and with new items of
    hm-fashion; on hm-fashion by time it does not. The attention over components changed nothing on MovieLens.
    """

    id = "acf"
    settings_type = ACFSettings

    def _network(self, n_known: int, slices: Mapping[str, slice]) -> ACFNetwork:
        return ACFNetwork(n_known, slices, self.settings)

    def _loss(self, network: ACFNetwork, items: TrainingItems, likes: Histories, histories: Histories) -> BatchLoss:
        weights = event_weights(likes, self.settings.half_life_days)
        user_of_event = likes.user_index
        # Also what lies too far back to be read is no negative.
        sampler = NegativeSampler(histories.liked()[:, items.rows])

        def loss(batch: DenseHistories, generator: np.random.Generator) -> torch.Tensor:
            part = hide(batch, generator)
            users = np.repeat(user_of_event[part.event][:, None], self.settings.n_negatives, axis=1)
            negatives = items.rows[sampler.draw(users, generator)]
            visible = part.visible
            known, inputs, places = items.draw(visible.item_index, part.item_index, negatives)
            event, positive, negative = places
            user = network.encode(network.read(known, inputs)[event], torch.from_numpy(visible.weight))
            # All scores of the batch at once are cheaper than gathering a vector for each negative.
            scores = user @ network.tower(known, inputs).T
            row = torch.from_numpy(part.row)
            losses = bpr_loss(scores[row, positive], scores[row.unsqueeze(1), negative])
            return (losses * weights[torch.from_numpy(part.event)]).mean()

        return loss


def bpr_loss(positive: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """-log sigmoid(positive - negative), the mean over each event's negatives.

    Rendle et al. (2009), BPR: Bayesian Personalized Ranking from Implicit Feedback, arXiv:1205.2618, eq. 4.

    Args:
        positive: float32 (n,), scores.
        negatives: float32 (n, m), scores.

    Returns:
        float32 (n,), 0 or more.
    """
    return functional.softplus(negatives - positive.unsqueeze(1)).mean(dim=1)
