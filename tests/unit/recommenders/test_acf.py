"""ACF: both attentions by a plain loop, the loss by hand, and what is learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from visrec.core.errors import InputError
from visrec.recommenders import acf
from visrec.recommenders.acf import ACF, ACFNetwork, ACFSettings, bpr_loss
from visrec.training.deterministic import deterministic

QUICK = {"dim": 8, "hidden": 4, "n_epochs": 1, "min_updates": 20}


def test_the_loss_by_hand():
    loss = bpr_loss(torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 2.0], [0.0, 0.0]]))
    # -log sigmoid(1) and -log sigmoid(-1), and twice -log sigmoid(0).
    assert loss[0].item() == pytest.approx((0.3132617 + 1.3132617) / 2, abs=1e-6)
    assert loss[1].item() == pytest.approx(math.log(2), abs=1e-6)


def softmax(logits):
    force = np.exp(np.array(logits, dtype=np.float64))
    return force / force.sum()


@pytest.mark.parametrize("slices", [{}, {"image": slice(0, 3), "text": slice(3, 5)}])
def test_the_user_agrees_with_a_plain_loop(slices):
    with deterministic(0):
        network = ACFNetwork(4, slices, ACFSettings(**QUICK)).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        inputs = torch.randn(6, 5) if slices else torch.zeros(6, 0)
    # The second item has no text, the fourth (new) one no features at all.
    inputs[1, 3:], inputs[3] = 0.0, 0.0
    known, weight = torch.tensor([3, 1, 0, 0, 2, 0]), torch.tensor([[1.0, 0.5, 0.0], [0.7, 2.0, 0.0]])
    a = {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}
    with torch.no_grad():
        users = network.encode(network.read(known, inputs).unflatten(0, (2, 3)), weight).numpy()
        v, p = network.tower(known, inputs).numpy(), network.auxiliary(known, inputs).numpy()
        fusion = network.auxiliary.fusion
        blocks = [] if fusion is None else [part.numpy() for part in fusion.parts(inputs).values()]
    for user, (rows, weights) in enumerate([([0, 1], [1.0, 0.5]), ([3, 4], [0.7, 2.0])]):
        mean = sum(w * p[row] for row, w in zip(rows, weights, strict=True)) / sum(weights)
        force, total = [], np.zeros(8)
        for row, w in zip(rows, weights, strict=True):
            there = [part[row] for part in blocks if part[row].any()]
            assert len(there) == ({0: 2, 1: 1, 3: 0, 4: 2}[row] if slices else 0)
            keys = [a["components_of_component.weight"] @ x + a["components_of_component.bias"] for x in there]
            of_user = a["components_of_user.weight"] @ mean
            share = softmax([a["components_out.weight"][0] @ np.maximum(key + of_user, 0.0) for key in keys])
            inner = a["items_of_item.weight"] @ np.concatenate([v[row], p[row]]) + a["items_of_item.bias"]
            inner = inner + a["items_of_user.weight"] @ mean
            for part, x in zip(share, there, strict=True):
                inner = inner + part * (a["items_of_component.weight"] @ x)
            force.append(w * math.exp(float(a["items_out.weight"][0] @ np.maximum(inner, 0.0))))
            total += force[-1] * p[row]
        expected = a["start"] + a["user.weight"] @ mean + total / (1 + sum(force))
        np.testing.assert_allclose(users[user], expected, rtol=1e-3, atol=1e-4)


def test_an_empty_history_is_the_start():
    with deterministic(0):
        network = ACFNetwork(4, {}, ACFSettings(**QUICK)).eval()
        torch.nn.init.normal_(network.start)
    with torch.no_grad():
        users = network.encode(torch.randn(1, 2, 12), torch.zeros(1, 2))
    np.testing.assert_array_equal(users[0].numpy(), network.start.detach().numpy())


def test_likes_of_one_kind_bring_the_rest_of_that_kind(tastes):
    model = ACF(ACFSettings(dim=16, n_epochs=60, min_updates=120)).fit(tastes)
    scores = model.score(tastes.histories, tastes.items).values
    for user in range(30):
        own, other = scores[user, user % 2 :: 2], scores[user, 1 - user % 2 :: 2]
        assert own.min() > other.max()


def test_a_liked_item_is_never_a_negative(tastes, monkeypatch):
    pairs = []

    class Spy(acf.NegativeSampler):
        def draw(self, users, generator):
            items = super().draw(users, generator)
            pairs.extend(zip(users.ravel().tolist(), items.ravel().tolist(), strict=True))
            return items

    monkeypatch.setattr(acf, "NegativeSampler", Spy)
    # Only the two newest likes are read; the older ones are no negatives all the same.
    ACF(ACFSettings(max_length=2, **QUICK)).fit(tastes)
    liked = {(int(u), int(i)) for u, i in zip(*tastes.histories.liked().nonzero(), strict=True)}
    assert len(pairs) > 100
    assert not set(pairs) & liked


def test_parts_are_those_of_the_blocks(shop):
    model = ACF(ACFSettings(**QUICK)).fit(shop)
    scores = model.score(shop.histories, shop.items)
    assert set(scores.parts) == {"collaborative", "visual", "text"}
    assert set(model.fusion_shares) == {"image", "text"}


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="n_negatives"):
        ACFSettings(n_negatives=0)
