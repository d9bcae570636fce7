"""Two towers: what the network computes, what it never sees, and what it learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from visrec.core.errors import InputError
from visrec.recommenders.history_rows import dense_rows, hide
from visrec.recommenders.history_training import TrainingItems, event_weights
from visrec.recommenders.two_tower import TwoTower, TwoTowerNetwork, TwoTowerSettings
from visrec.training.deterministic import deterministic

QUICK = {"dim": 8, "n_heads": 2, "hidden": 8, "n_epochs": 1, "min_updates": 20}


def test_the_user_is_computed_as_written():
    with deterministic(0):
        network = TwoTowerNetwork(3, {}, TwoTowerSettings(**QUICK)).eval()
        torch.nn.init.normal_(network.start)
        torch.nn.init.constant_(network.likeness, 0.7)
        events, weight = torch.randn(2, 3, 16), torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
        with torch.no_grad():
            users = network.encode(events, weight).numpy()
            pooled = network.pooling(events[..., :8], weight).numpy()
    first, last = network.deep[0], network.deep[2]
    as_array = {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}
    for user in range(2):
        hidden = first.weight.detach().numpy() @ pooled[user] + first.bias.detach().numpy()
        gelu = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in hidden])
        deep = last.weight.detach().numpy() @ gelu + last.bias.detach().numpy()
        total = sum(weight[user, e].item() * events[user, e, 8:].numpy() for e in range(3))
        mean = total / (1 + weight[user].sum().item())
        expected = as_array["start"] + 0.7 * mean + as_array["straight.weight"] @ pooled[user] + deep
        np.testing.assert_allclose(users[user], expected, rtol=1e-4, atol=1e-6)
    assert not pooled[1].any()


def test_the_loss_agrees_with_a_plain_loop(shop, histories_of):
    settings = TwoTowerSettings(id_dropout=0.0, half_life_days=None, **QUICK)
    model = TwoTower(settings)
    # Liked ones of the fixture's events, each item once.
    likes = shop.histories.select(shop.histories.weight > 0)
    items = TrainingItems.of(shop.items, likes, settings)
    with deterministic(0):
        network = TwoTowerNetwork(len(items.rows), items.features.slices, settings).eval()
    batch = dense_rows(likes, np.flatnonzero(np.diff(likes.indptr))[:6])
    with torch.no_grad():
        loss = model._loss(network, items, likes, shop.histories)(batch, np.random.default_rng(5)).item()
        part = hide(batch, np.random.default_rng(5))
        vectors = network.tower(items.known, items.inputs)
        read = network.read(items.known, items.inputs)
        weights, losses = event_weights(likes, None), []
        for row, item, event in zip(part.row, part.item_index, part.event, strict=True):
            there = np.flatnonzero(part.visible.weight[row])
            seen, loud = part.visible.item_index[row, there], part.visible.weight[row, there]
            user = network.encode(read[seen].unsqueeze(0), torch.from_numpy(loud).unsqueeze(0))[0]
            scores = {int(candidate): math.exp(float(user @ vectors[candidate])) for candidate in items.rows}
            losses.append(-math.log(scores[int(item)] / sum(scores.values())) * float(weights[event]))
    assert len(losses) > 6
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


@pytest.mark.parametrize("settings", [{}, {"n_negatives": 6}])
def test_likes_of_one_kind_bring_the_rest_of_that_kind(settings, tastes):
    model = TwoTower(TwoTowerSettings(dim=16, n_epochs=60, min_updates=120, **settings)).fit(tastes)
    scores = model.score(tastes.histories, tastes.items).values
    for user in range(30):
        own, other = scores[user, user % 2 :: 2], scores[user, 1 - user % 2 :: 2]
        assert own.min() > other.max()


def test_the_network_never_reads_what_is_hidden(tastes):
    with deterministic(0):
        network = TwoTowerNetwork(12, {}, TwoTowerSettings(**QUICK)).eval()
    part = hide(dense_rows(tastes.histories, np.arange(30)), np.random.default_rng(0))
    events = torch.randn(30, part.visible.item_index.shape[1], 16, generator=torch.Generator().manual_seed(0))
    weight = torch.from_numpy(part.visible.weight)
    hidden = torch.from_numpy(np.isin(part.visible.event, part.event))
    changed = events.clone()
    changed[hidden] = 100.0
    with torch.no_grad():
        np.testing.assert_array_equal(network.encode(changed, weight).numpy(), network.encode(events, weight).numpy())
    assert int(hidden.sum()) == len(part.event)


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="multiple of n_heads"):
        TwoTowerSettings(dim=10, n_heads=4)
    with pytest.raises(InputError, match="n_negatives of 1"):
        TwoTowerSettings(n_negatives=0)
