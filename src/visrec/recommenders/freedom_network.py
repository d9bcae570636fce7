"""The network of FREEDOM, and its training on a graph of likes that is thinned out anew in every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from visrec.recommenders.fusion import Fusion
from visrec.recommenders.negatives import NegativeSampler
from visrec.recommenders.sparse_graph import Edges, nearest_items, normalised

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["FreedomNetwork", "FreedomTraining"]

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class FreedomNetwork(nn.Module):
    """v = z + Σ_m (a_m S_m e + g_m W_m x_m); see `Freedom`.

    Args:
        slices: block -> its columns of `inputs`; may be empty.
        inputs: x, float32 (n_items, width).
        dim: length of v.
        layers: steps from items over users to items that z averages over, beside e itself.
        neighbours: of each item in each S.
    """

    def __init__(self, slices: Mapping[str, slice], inputs: Matrix, dim: int, layers: int, neighbours: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(len(inputs), dim) * 0.1)
        self.fusion = Fusion(slices, dim) if slices else None
        self.graph_logits = nn.Parameter(torch.zeros(len(slices)))
        self.graphs = {
            n: Edges(nearest_items(inputs[:, s], inputs[:, s], neighbours, same=True)) for n, s in slices.items()
        }
        self._layers = layers
        self._inputs = torch.from_numpy(inputs)

    def spread(self, likes: Edges) -> torch.Tensor:
        """The z of every item, along normalised likes (n_users, n_items); float32 (n_items, dim)."""
        step = total = self.embedding
        for _ in range(self._layers):
            step = likes.T @ (likes @ step)
            total = total + step
        return total / (self._layers + 1)

    def near(self) -> dict[str, torch.Tensor]:
        """Block -> a S e of every item, float32 (n_items, dim)."""
        weights = torch.softmax(self.graph_logits, dim=0)
        return {
            n: weight * (graph @ self.embedding)
            for (n, graph), weight in zip(self.graphs.items(), weights, strict=True)
        }

    def projected(self) -> dict[str, torch.Tensor]:
        """Block -> g W x of every item, float32 (n_items, dim)."""
        return {} if self.fusion is None else self.fusion.parts(self._inputs)

    def fitted(self, likes: Edges) -> dict[str, Matrix]:
        """What scoring needs, as arrays: z, e + z, the parts a S e one behind the other, a, and g W."""
        empty = torch.zeros(0, self.embedding.shape[1])
        z = self.spread(likes)
        tensors = {
            "z": z,
            "lent": self.embedding + z,
            "near": torch.cat([empty, *self.near().values()]),
            "graph_weights": torch.softmax(self.graph_logits, dim=0),
            "projection": empty if self.fusion is None else self.fusion.weighted(),
        }
        return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


class FreedomTraining:
    """The epochs of a `FreedomNetwork`.

    Args:
        network: to be trained.
        liked: CSR (n_users, n_items) of weights above 0, at least one for each item.
        kept_edges: share, above 0 to 1, of the likes that an epoch's graph has.
        modality_weight: weight of each block's own loss.
        decay: weight of the squared embeddings of a step's items.
        learning_rate: of Adam.
        batch_size: likes a step.
        seed: of the draws.
    """

    def __init__(
        self,
        network: FreedomNetwork,
        liked: csr_matrix,
        *,
        kept_edges: float,
        modality_weight: float,
        decay: float,
        learning_rate: float,
        batch_size: int,
        seed: int,
    ) -> None:
        self._network = network
        self._liked = liked
        self._kept = kept_edges
        self._modality_weight, self._decay = modality_weight, decay
        self._batch_size = batch_size
        self._generator = np.random.default_rng(seed)
        self._sampler = NegativeSampler(liked)
        self._optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
        self._users = np.repeat(np.arange(liked.shape[0], dtype=np.int64), np.diff(liked.indptr))
        #: Sum of the weights of each item's likes; float32 (n_items,).
        self.degree: Matrix = np.asarray(liked.sum(axis=0), dtype=np.float32).ravel()
        #: All likes, as the graph that items are scored with.
        self.likes = Edges(normalised(liked))

    @property
    def n_steps(self) -> int:
        """Steps an epoch."""
        return -(-len(self._users) // self._batch_size)

    def epoch(self) -> float:
        """One pass over all likes; the mean loss."""
        graph = self.thinned()
        order = self._generator.permutation(len(self._users))
        losses = []
        for start in range(0, len(order), self._batch_size):
            likes = order[start : start + self._batch_size]
            loss = self.loss(graph, likes, self._sampler.draw(self._users[likes], self._generator))
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def thinned(self) -> Edges:
        """The graph of an epoch: likes kept in proportion to 1 / √(d_u d_i), without replacement; eq. 5."""
        if self._kept >= 1:
            return self.likes
        liked = self._liked
        busy = np.diff(liked.indptr)[self._users] * np.bincount(liked.indices)[liked.indices]
        chance = 1 / np.sqrt(busy)
        n_kept = max(1, round(self._kept * liked.nnz))
        kept = self._generator.choice(liked.nnz, n_kept, replace=False, p=chance / chance.sum())
        graph = liked.copy()
        graph.data = np.zeros_like(liked.data)
        graph.data[kept] = liked.data[kept]
        graph.eliminate_zeros()
        return Edges(normalised(graph))

    def loss(self, graph: Edges, likes: Rows, negatives: Rows) -> torch.Tensor:
        """-mean log σ(u · v_i - u · v_j), the same for each block's projection (eq. 13), and the decay.

        Args:
            graph: the epoch's.
            likes: int64 (n,), places in the stored likes.
            negatives: int64 (n,), an item j each.
        """
        network = self._network
        projected = network.projected()
        vectors = network.spread(graph)
        for part in (*network.near().values(), *projected.values()):
            vectors = vectors + part
        liked, other = torch.from_numpy(self._liked.indices[likes].astype(np.int64)), torch.from_numpy(negatives)
        users = self._users_without(vectors, likes, liked)
        loss = _bpr(users, vectors, liked, other)
        for part in projected.values():
            loss = loss + self._modality_weight * _bpr(users, part, liked, other)
        lengths = network.embedding[liked].square().sum() + network.embedding[other].square().sum()
        return loss + self._decay * lengths / len(likes)

    def _users_without(self, vectors: torch.Tensor, likes: Rows, items: torch.Tensor) -> torch.Tensor:
        """The user of each like, from all their likes but this one; (n, dim), zero for a user with one like."""
        read = vectors / torch.from_numpy(self.degree).sqrt().unsqueeze(1)
        users, place = np.unique(self._users[likes], return_inverse=True)
        histories = self._liked[users]
        own = self._liked.data[likes]
        rest = np.asarray(histories.sum(axis=1)).ravel()[place] - own
        scale = np.where(np.diff(histories.indptr)[place] > 1, 1 / np.sqrt(np.maximum(rest, 1e-12)), 0)
        summed = (Edges(histories) @ read)[torch.from_numpy(place)]
        others = summed - torch.from_numpy(own).unsqueeze(1) * read[items]
        return others * torch.from_numpy(scale.astype(np.float32)).unsqueeze(1)


def _bpr(users: torch.Tensor, vectors: torch.Tensor, liked: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-(users * (vectors[liked] - vectors[other])).sum(dim=1)).mean()
