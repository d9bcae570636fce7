"""How attention is shared out: by hand and by a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from visrec.recommenders.attention_pooling import AttentionPooling, attention_shares


def test_shares_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0), 99.0]])
    weight = torch.tensor([[1.0, 2.0, 0.0]])
    # 1 for rest, 1 · 1 and 2 · 3 for the events; the third is none.
    np.testing.assert_allclose(attention_shares(logits, weight).numpy(), [[1 / 8, 6 / 8, 0.0]], rtol=1e-6)


def test_an_empty_history_attends_to_nothing():
    assert attention_shares(torch.zeros(1, 2), torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]


def test_pooling_agrees_with_a_plain_loop():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pooling = AttentionPooling(4, 2)
        torch.nn.init.normal_(pooling.age)
        events = torch.randn(2, 5, 4)
    weight = torch.tensor([[1.0, 0.5, 2.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0, 0.0]])
    with torch.no_grad():
        pooled = pooling(events, weight).numpy()
    keys, bias = pooling.keys.weight.detach().numpy(), pooling.keys.bias.detach().numpy()
    query, age = pooling.query.detach().numpy(), pooling.age.detach().numpy()
    values = pooling.values.weight.detach().numpy()
    for user in range(2):
        there = [e for e in range(5) if weight[user, e] > 0]
        for head in range(2):
            force, total = [], np.zeros(2)
            for number, event in enumerate(there):
                x = events[user, event].numpy()
                place = int(math.log2(len(there) - number))
                logit = query[:, head] @ np.tanh(keys @ x + bias) + age[place, head]
                force.append(float(weight[user, event]) * math.exp(logit))
                total += force[-1] * (values @ x)[2 * head : 2 * head + 2]
            expected = total / (1 + sum(force))
            np.testing.assert_allclose(pooled[user, 2 * head : 2 * head + 2], expected, rtol=1e-4, atol=1e-6)


def test_very_long_histories_share_the_last_age():
    pooling = AttentionPooling(2, 1)
    assert torch.isfinite(pooling(torch.zeros(1, 600, 2), torch.ones(1, 600))).all()


@pytest.mark.parametrize("filler", [0.0, 1e6])
def test_what_stands_where_there_is_no_event_does_not_matter(filler):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        pooling = AttentionPooling(4, 2)
        events = torch.randn(1, 2, 4)
    with torch.no_grad():
        alone = pooling(events, torch.ones(1, 2))
        filled = torch.cat([events, torch.full((1, 3, 4), filler)], dim=1)
        after = pooling(filled, torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(after.numpy(), alone.numpy(), rtol=1e-6)
