"""A history as one vector: a weighted mean of its events, the weights learned."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["AttentionPooling", "attention_shares"]

#: Places counted back from the newest event share a learned bias by powers of two: 1, 2-3, 4-7, … 128 and more.
_N_AGES = 8


def attention_shares(logits: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """How the attention is shared out among the events, α_l = w_l exp(a_l) / (1 + Σ_m w_m exp(a_m)).

    An event of weight 2 counts like two of weight 1. The 1 stands for a resting place that holds nothing: the
    more events there are and the more they attract, the less is left to it, so a long history speaks louder than a
    short one, and an empty one says nothing.

    Args:
        logits: float32 (n_users, length, …), a.
        weight: float32 (n_users, length); 0 is no event.

    Returns:
        float32 as `logits`, 0 or more, adding up to less than 1 over the events; 0 where there is none.
    """
    weight = weight.reshape(*weight.shape, *[1] * (logits.dim() - 2))
    there = weight > 0
    logits = logits + torch.where(there, weight, 1.0).log()
    logits = logits.masked_fill(~there, float("-inf"))
    rest = torch.zeros_like(logits[:, :1])
    return torch.softmax(torch.cat([rest, logits], dim=1), dim=1)[:, 1:]


class AttentionPooling(nn.Module):
    """Per head: the events' values, weighed by how well their keys meet a learned query, and by their age.

    a_l = q · tanh(K x_l) + b(place of l counted back from the newest), u = concat over heads of Σ_l α_l V x_l.

    Args:
        dim: width of the events; a multiple of n_heads.
        n_heads: number of queries.
    """

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Parameter(torch.randn(dim, n_heads) * dim**-0.5)
        self.age = nn.Parameter(torch.zeros(_N_AGES, n_heads))
        self.values = nn.Linear(dim, dim, bias=False)

    def forward(self, events: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Pool float32 (n_users, length, dim), weight (n_users, length), 0 for no event, into (n_users, dim)."""
        place = (weight > 0).flip(1).cumsum(1).flip(1).clamp_min(1)
        age = torch.log2(place.float()).long().clamp_max(_N_AGES - 1)
        logits = torch.tanh(self.keys(events)) @ self.query + self.age[age]
        shares = attention_shares(logits, weight)
        values = self.values(events).unflatten(2, (self.n_heads, -1))
        return torch.einsum("blh,blhd->bhd", shares, values).flatten(1)
