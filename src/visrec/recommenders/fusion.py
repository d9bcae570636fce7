"""The one way in which networks fuse picture, text and category: a sum of projected blocks with learned weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

__all__ = ["Fusion"]


class Fusion(nn.Module):
    """f(i) = Σ_b g_b W_b x_b(i): one linear map a block, and one learned weight g_b that all items share.

    g = n_blocks · softmax(a), so the weights start at 1 and add up to the number of blocks. The sum is kept apart
    by `parts`, which makes the share of each modality in any score u · f(i) exact.

    Args:
        slices: block -> its columns, from `FusionInput.slices`; at least one.
        dim: length of f(i).
    """

    def __init__(self, slices: Mapping[str, slice], dim: int) -> None:
        super().__init__()
        self.slices = dict(slices)
        width = max(s.stop for s in self.slices.values())
        self.projection = nn.Parameter(torch.randn(width, dim) * dim**-0.5)
        self.logits = nn.Parameter(torch.zeros(len(self.slices)))
        sizes = torch.tensor([s.stop - s.start for s in self.slices.values()])
        self.register_buffer("owner", torch.repeat_interleave(torch.arange(len(self.slices)), sizes), persistent=False)

    @property
    def gates(self) -> torch.Tensor:
        """The blocks' weights g; (n_blocks,), they add up to n_blocks."""
        return torch.softmax(self.logits, dim=0) * len(self.slices)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Fuse float32 (n, width) into (n, dim)."""
        return inputs @ self.weighted()

    def weighted(self) -> torch.Tensor:
        """W with each block's rows times its g; (width, dim): f(i) = x(i) · weighted."""
        return self.projection * self.gates[self.owner].unsqueeze(1)

    def parts(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Block -> its summand of f, (n, dim)."""
        weighted = self.weighted()
        return {name: inputs[:, s] @ weighted[s] for name, s in self.slices.items()}

    def shares(self, inputs: torch.Tensor) -> dict[str, float]:
        """Block -> its share, 0 to 1, of the summed squared lengths of all summands: what the fusion has learned."""
        with torch.no_grad():
            energy = {name: float(part.square().sum()) for name, part in self.parts(inputs).items()}
        total = max(sum(energy.values()), 1e-12)
        return {name: value / total for name, value in energy.items()}
