"""SASRec: no look ahead, the order counts, and the next item is learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.history_rows import dense_rows
from visrec.recommenders.history_training import TrainingItems, event_weights
from visrec.recommenders.sasrec import SASRec, SASRecNetwork, SASRecSettings, ahead
from visrec.training.deterministic import deterministic

QUICK = {"dim": 8, "n_epochs": 1, "min_updates": 20}
N = 8


@pytest.fixture
def network():
    with deterministic(0):
        return SASRecNetwork(5, {}, SASRecSettings(**QUICK)).eval()


@pytest.fixture
def circle(histories_of):
    """Users walk round a circle of 8 items, each from another place: after item i comes i + 1."""
    users = [[((start + step) % N, 1.0) for step in range(5)] for start in range(N)] * 4
    return Dataset(histories_of(users, N), ItemFeatures(IdMap(f"i{row}" for row in range(N))))


@pytest.mark.parametrize("horizon", [1, 2, 9])
def test_what_is_asked_for_lies_ahead_and_near(horizon):
    there = np.arange(6) < np.array([[6], [1], [3], [0]])
    found = set()
    for seed in range(200):
        row, column, target = ahead(there, horizon, np.random.default_rng(seed))
        assert list(zip(row.tolist(), column.tolist(), strict=True)) == [
            (r, c) for r, c in zip(*there.nonzero(), strict=True)
        ]
        found |= set(zip(row.tolist(), column.tolist(), target.tolist(), strict=True))
    lengths = [6, 1, 3, 0]
    assert found == {
        (r, c, t) for r in range(4) for c in range(lengths[r]) for t in range(c, min(c + horizon, lengths[r]))
    }


def test_no_state_sees_a_later_event(network):
    events = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    changed = events.clone()
    # Not the whole vector: normalisation takes a common shift away.
    changed[:, 3, 0] += 5.0
    with torch.no_grad():
        before, after = network.states(events).numpy(), network.states(changed).numpy()
    assert before.shape == (2, 7, 8)
    # State 3 has read events 0, 1 and 2; event 3 is what it is asked for.
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert (np.abs(after[:, 4:] - before[:, 4:]).max(axis=2) > 1e-4).all()


def test_attention_agrees_with_a_plain_loop(network):
    block = network.blocks[0]
    x = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        out = block(x).numpy()[0]
        joint = block.query_key_value(block.before_attention(x))[0].numpy()
        for place in range(4):
            heads = []
            for head in range(2):
                query, key, value = (joint[:, part * 8 + head * 4 : part * 8 + head * 4 + 4] for part in range(3))
                force = np.exp([query[place] @ key[other] / 2.0 for other in range(place + 1)])
                heads.append((force / force.sum()) @ value[: place + 1])
            middle = x[0, place] + block.merge(torch.from_numpy(np.concatenate(heads)))
            expected = middle + block.dense(block.before_dense(middle))
            np.testing.assert_allclose(out[place], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_a_history_ends_at_its_last_event(network):
    events = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    weight = torch.tensor([[1.0, 0.3, 0.0, 0.0, 0.0], [0.0] * 5])
    with torch.no_grad():
        users = network.encode(events, weight).numpy()
        np.testing.assert_allclose(users[0], network.states(events[:1, :2])[0, 2].numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(users[1], network.states(events[1:, :0])[0, 0].numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_negatives", [512, 4])
def test_the_next_item_is_learned(n_negatives, circle, histories_of):
    settings = {"dim": 16, "horizon": 1, "id_dropout": 0.0, "dropout": 0.1, "min_updates": 200}
    model = SASRec(SASRecSettings(n_negatives=n_negatives, **settings)).fit(circle)
    strangers = histories_of([[((start + step) % N, 1.0) for step in range(3)] for start in range(N)], N)
    best = model.score(strangers, circle.items).values.argmax(axis=1)
    assert best.tolist() == [(start + 3) % N for start in range(N)]


def test_the_loss_agrees_with_a_plain_loop(shop):
    settings = SASRecSettings(id_dropout=0.0, horizon=1, half_life_days=None, **QUICK)
    likes = shop.histories.select(shop.histories.weight > 0)
    items = TrainingItems.of(shop.items, likes, settings)
    with deterministic(0):
        network = SASRecNetwork(len(items.rows), items.features.slices, settings).eval()
    users = np.flatnonzero(np.diff(likes.indptr))[:5]
    weights, losses = event_weights(likes, None), []
    with torch.no_grad():
        make_loss = SASRec(settings)._loss(network, items, likes, shop.histories)
        loss = make_loss(dense_rows(likes, users), np.random.default_rng(0)).item()
        vectors = network.tower(items.known, items.inputs)
        for user in users:
            history = likes.item_index[likes.indptr[user] : likes.indptr[user + 1]].tolist()
            for place, item in enumerate(history):
                # From what came before, and nothing else, one at a time.
                state = network.states(vectors[history[:place]].unsqueeze(0))[0, place]
                scores = {int(candidate): math.exp(float(state @ vectors[candidate])) for candidate in items.rows}
                weight = float(weights[likes.indptr[user] + place])
                losses.append(-math.log(scores[item] / sum(scores.values())) * weight)
    assert len(losses) > 8
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_time_makes_the_order_and_without_it_the_log(shop, histories_of):
    model = SASRec(SASRecSettings(**QUICK)).fit(shop)
    users = [[(1, 1.0, 5), (2, 1.0, 6)], [(2, 1.0, 6), (1, 1.0, 5)], [(1, 1.0), (2, 1.0)], [(2, 1.0), (1, 1.0)]]
    timed, timed_too, log, log_reversed = model.score(histories_of(users, 15), shop.items).values
    np.testing.assert_array_equal(timed, timed_too)
    np.testing.assert_array_equal(timed, log)
    assert np.abs(log - log_reversed).max() > 1e-4


def test_what_was_only_seen_is_not_read(shop, histories_of):
    model = SASRec(SASRecSettings(**QUICK)).fit(shop)
    plain, seen = model.score(histories_of([[(1, 1.0)], [(1, 1.0), (2, 0.0)]], 15), shop.items).values
    np.testing.assert_allclose(plain, seen, atol=1e-6)


def test_parts_are_those_of_the_blocks(shop):
    model = SASRec(SASRecSettings(**QUICK)).fit(shop)
    assert set(model.score(shop.histories, shop.items).parts) == {"collaborative", "visual", "text"}
    assert set(model.fusion_shares) == {"image", "text"}


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="multiple of n_heads"):
        SASRecSettings(dim=9)
    with pytest.raises(InputError, match="horizon"):
        SASRecSettings(horizon=0)
