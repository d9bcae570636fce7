"""Items as vectors: what is known of an item by its id, plus what its features say."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from visrec.recommenders.fusion import Fusion

__all__ = ["ItemTower"]


class ItemTower(nn.Module):
    """v(i) = e_i + Σ_b g_b W_b x_b(i): an embedding of known items plus the fusion of the features.

    A new item has no e_i. So that it is scored well all the same, training takes random items for new ones, and their
    features must then answer for them alone (see `TrainingItems.draw`).

    Args:
        n_known: items with an embedding of their own; `known` is their number from 1, and 0 for a new item.
        slices: block -> its columns, from `FusionInput.slices`; may be empty.
        dim: length of v(i).
        scale: standard deviation of the first e.
    """

    def __init__(self, n_known: int, slices: Mapping[str, slice], dim: int, scale: float = 0.05) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.randn(n_known, dim) * scale)
        self.fusion = Fusion(slices, dim) if slices else None

    def forward(self, known: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Vectors of n items; float32 (n, dim).

        Args:
            known: int64 (n,); number of the item from 1, 0 for a new one.
            inputs: float32 (n, width), from `FusionInput`.
        """
        own = self.embedded(known)
        return own if self.fusion is None else own + self.fusion(inputs)

    def embedded(self, known: torch.Tensor) -> torch.Tensor:
        """The e of n items, zero for new ones; float32 (n, dim)."""
        padded = torch.cat([self.own.new_zeros(1, self.own.shape[1]), self.own])
        return padded[known]

    def parts(self, known: torch.Tensor, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """The word "collaborative" -> e, and block -> its summand of the fusion; float32 (n, dim), they add up to v."""
        fused = {} if self.fusion is None else self.fusion.parts(inputs)
        return {"collaborative": self.embedded(known), **fused}
