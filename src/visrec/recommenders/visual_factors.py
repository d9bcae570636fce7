"""The parameters of VBPR and its kin: factors of users and items, biases, and the fusion of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.recommenders.fusion import Fusion

__all__ = ["VisualFactors"]

Array = npt.NDArray[Any]

#: Deviation of the random factors at the start.
_START = 0.03


class VisualFactors(nn.Module):
    """x(u, i) = b_i + β · x_i + u · v_i, with v_i made of the factors γ_i and the fused features f(x_i).

    Args:
        n_users: users of the training data.
        n_items: items of the training data.
        slices: block -> its columns in the features; {} leaves features out.
        dim: length of γ_i.
        visual_dim: length of f(x_i); v_i is γ_i followed by f(x_i). 0: the two are added, and both have length dim.
    """

    def __init__(self, n_users: int, n_items: int, slices: Mapping[str, slice], dim: int, visual_dim: int) -> None:
        super().__init__()
        self.added = visual_dim == 0
        self.fusion = Fusion(slices, visual_dim or dim) if slices else None
        length = dim + (visual_dim if slices else 0)
        self.users = nn.Parameter(torch.randn(n_users, length) * _START)
        self.items = nn.Parameter(torch.randn(n_items, dim) * _START)
        self.bias = nn.Parameter(torch.zeros(n_items))
        width = max((s.stop for s in slices.values()), default=0)
        self.appeal = nn.Parameter(torch.zeros(width))

    def weighted(self) -> torch.Tensor:
        """E with the weights of the blocks, (width, length of f): f(x) = x E; (0, 0) without features."""
        return self.fusion.weighted() if self.fusion else torch.zeros((0, 0), dtype=self.bias.dtype)

    def vectors(self, fused: Array) -> Array:
        """Every item's vector v, (n_items, length), from its f(x_i)."""
        items = self.items.detach().numpy()
        if not fused.shape[1]:
            return items
        return items + fused if self.added else np.concatenate([items, fused], axis=1)

    def rows(self) -> tuple[Array, Array]:
        """All of it as two tables, with the bias in the last column: [v_i, b_i + β · x_i] = own_i + x_i link.

        Returns:
            own: (n_items, length + 1), γ_i and b_i; and link: (width, length + 1).
        """
        items, length = self.items.detach().numpy(), self.users.shape[1]
        own = np.zeros((len(items), length + 1), dtype=items.dtype)
        own[:, : items.shape[1]], own[:, -1] = items, self.bias.detach().numpy()
        projection = self.weighted().detach().numpy()
        link = np.zeros((len(projection), length + 1), dtype=items.dtype)
        link[:, length - projection.shape[1] : length], link[:, -1] = projection, self.appeal.detach().numpy()
        return own, link
