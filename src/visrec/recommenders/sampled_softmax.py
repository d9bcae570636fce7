"""Softmax over a catalogue that is too large for one: a sample of items, corrected for how it was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from visrec.core.histories import Histories
from visrec.recommenders.negatives import NegativeSampler

__all__ = ["CandidateSampler", "Candidates", "softmax_loss"]

#: Items are drawn in proportion to their number of likes to this power.
_EXPONENT = 0.75


@dataclass(frozen=True)
class Candidates:
    """The items that a positive is compared with.

    Attributes:
        item_index: int64 (m,), rows of the items.
        log_expected: float32 (m,), log of how often the sample holds the item on average: log(m q) for m draws
            with probability q. None: the sample is the whole catalogue, each item once.
    """

    item_index: npt.NDArray[np.int64]
    log_expected: npt.NDArray[np.float32] | None


class CandidateSampler:
    """Draws candidates among the liked items, or takes all of these where they are few.

    Args:
        likes: training histories.
        rows: int64 (n_known,), the items that are liked in them.
        n_candidates: draws; no fewer than the liked items: all of them are taken.
    """

    def __init__(self, likes: Histories, rows: npt.NDArray[np.int64], n_candidates: int) -> None:
        self._rows = rows
        self._n = n_candidates
        self._probability = NegativeSampler(likes.liked()[:, rows], _EXPONENT).probability

    def draw(self, generator: np.random.Generator) -> Candidates:
        """The candidates of one batch."""
        if self._n >= len(self._rows):
            return Candidates(self._rows, None)
        drawn = generator.choice(len(self._rows), size=self._n, p=self._probability)
        return Candidates(self._rows[drawn], np.log(self._n * self._probability[drawn]).astype(np.float32))


def softmax_loss(
    user: torch.Tensor,
    row: torch.Tensor,
    item_index: npt.NDArray[np.int64],
    positive: torch.Tensor,
    candidates: Candidates,
    vectors: torch.Tensor,
) -> torch.Tensor:
    """-log p(positive | user) of n events, the normaliser whole or estimated from a sample.

    With s the dot product, c_j a sampled item and E_j how often the sample holds it on average,

        loss = -s(positive) + log(exp s(positive) + Σ_j exp(s(c_j) - log E_j)),

    where the sum leaves out the c_j that are the positive itself. With log E_j taken away the sum is an unbiased
    estimate of the rest of the softmax's normaliser (Bengio & Senécal 2008, doi:10.1109/TNN.2007.912312); without,
    items that are drawn often, the popular ones, are pushed down. Yi et al. (2019), doi:10.1145/3298689.3346996,
    eq. 5, correct the positive too, since it is one of the batch that they sample from; here it is in the sum for
    certain, E = 1.

    Args:
        user: float32 (n_users, dim).
        row: int64 (n,), the user of each event.
        item_index: int64 (n,), the item of each event.
        positive: float32 (n, dim), its vector.
        candidates: m items, drawn independently of each other, or the whole catalogue.
        vectors: float32 (m, dim), their vectors.

    Returns:
        float32 (n,), 0 or more.
    """
    chosen = (user[row] * positive).sum(dim=1)
    logits = user @ vectors.T
    if candidates.log_expected is None:
        return torch.logsumexp(logits, dim=1)[row] - chosen
    logits = (logits - torch.from_numpy(candidates.log_expected))[row]
    is_positive = torch.from_numpy(item_index[:, None] == candidates.item_index)
    logits = logits.masked_fill(is_positive, float("-inf"))
    return torch.logsumexp(torch.cat([chosen.unsqueeze(1), logits], dim=1), dim=1) - chosen
