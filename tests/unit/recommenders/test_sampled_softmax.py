"""The softmax and its sample's correction: by hand, by a plain loop, and on average."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from visrec.recommenders.sampled_softmax import Candidates, CandidateSampler, softmax_loss

USER = torch.tensor([[1.0, 0.0]])
ROW = torch.tensor([0])


def vectors(*scores: float) -> torch.Tensor:
    """Items whose dot products with the user are these."""
    return torch.tensor([[score, 9.0] for score in scores])


def log_of(*values: float) -> np.ndarray:
    return np.log(np.array(values, dtype=np.float32))


def test_the_correction_by_hand():
    # Two draws with q = 1/4 and 1/2 are expected 1/2 and 1 times: Z = e¹ + e⁰ / (1/2) + e² / 1 = 12.1073.
    candidates = Candidates(np.array([5, 6]), log_of(0.5, 1.0))
    loss = softmax_loss(USER, ROW, np.array([4]), vectors(1.0), candidates, vectors(0.0, 2.0))
    assert loss.item() == pytest.approx(math.log(12.107338) - 1.0, abs=1e-6)


def test_the_positive_in_the_sample_is_not_counted_twice():
    candidates = Candidates(np.array([4, 6, 4]), log_of(0.1, 1.0, 0.1))
    loss = softmax_loss(USER, ROW, np.array([4]), vectors(1.0), candidates, vectors(1.0, 2.0, 1.0))
    assert loss.item() == pytest.approx(math.log(math.e + math.e**2) - 1.0, abs=1e-6)


def test_the_whole_catalogue_is_the_plain_softmax():
    generator = torch.Generator().manual_seed(0)
    user, items = torch.randn(3, 4, generator=generator), torch.randn(6, 4, generator=generator)
    row, item = np.array([0, 0, 2, 1]), np.array([5, 1, 1, 0])
    losses = softmax_loss(user, torch.from_numpy(row), item, items[item], Candidates(np.arange(6), None), items)
    for n in range(4):
        scores = [math.exp(float(user[row[n]] @ items[j])) for j in range(6)]
        assert losses[n].item() == pytest.approx(-math.log(scores[item[n]] / sum(scores)), abs=1e-5)


@pytest.mark.parametrize("corrected", [True, False])
def test_the_normaliser_is_that_of_the_full_softmax_on_average(corrected):
    scores, q, m = np.array([0.3, -1.0, 2.0, 0.5]), np.array([0.1, 0.2, 0.6, 0.1]), 3
    # All samples of 3 draws, weighed by how likely they are.
    mean = 0.0
    for draws in np.ndindex(4, 4, 4):
        picked = np.array(draws)
        expected = m * q[picked] if corrected else np.ones(m)
        candidates = Candidates(picked, np.log(expected).astype(np.float32))
        loss = softmax_loss(USER, ROW, np.array([3]), vectors(0.5), candidates, vectors(*scores[picked].tolist()))
        mean += float(np.prod(q[picked])) * math.exp(loss.item() + 0.5)
    assert (mean == pytest.approx(float(np.exp(scores).sum()), rel=1e-5)) == corrected


def test_candidates_are_drawn_by_their_likes(histories_of):
    # Item 1 has one like, items 3 and 4 have sixteen, the others none: 16 to the power of 0.75 is 8.
    histories = histories_of([*[[(3, 1.0), (4, 0.3)]] * 15, [(3, 1.0), (1, 1.0)], [(4, 0.5), (0, 0.0)]], 6)
    sampler = CandidateSampler(histories, np.array([1, 3, 4]), 2)
    generator = np.random.default_rng(0)
    drawn = [sampler.draw(generator) for _ in range(3000)]
    share = np.mean([candidates.item_index == 4 for candidates in drawn])
    assert share == pytest.approx(8 / 17, abs=0.02)
    for candidates in drawn[:20]:
        expected = [2 * {1: 1 / 17, 3: 8 / 17, 4: 8 / 17}[item] for item in candidates.item_index.tolist()]
        np.testing.assert_allclose(candidates.log_expected, np.log(expected), rtol=1e-5)


def test_few_items_are_all_taken(histories_of):
    sampler = CandidateSampler(histories_of([[(3, 1.0), (1, 1.0)]], 5), np.array([1, 3]), 2)
    candidates = sampler.draw(np.random.default_rng(0))
    assert candidates.item_index.tolist() == [1, 3]
    assert candidates.log_expected is None
