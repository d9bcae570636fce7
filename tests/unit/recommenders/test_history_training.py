"""What networks that read histories share in training: settings, weights, new items at random, when to stop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from visrec.core.errors import InputError
from visrec.recommenders.history_training import (
    HistorySettings,
    TrainingItems,
    event_weights,
    train_on_histories,
)
from visrec.training.deterministic import deterministic

DAY = 86_400


def test_weights_of_events_by_hand(histories_of):
    histories = histories_of([[(0, 1.0, 10 * DAY), (1, 2.0, 40 * DAY)], [(0, 1.0, 0)]], 2)
    # 30 days is one half-life: 1/2, 2, and 1 for the event of unknown age; their mean is 3.5 / 3.
    expected = np.array([0.5, 2.0, 1.0]) * 3 / 3.5
    np.testing.assert_allclose(event_weights(histories, 30.0).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(event_weights(histories, None).numpy(), np.array([1, 2, 1]) * 3 / 4, rtol=1e-6)


def test_items_that_nobody_liked_have_no_number(shop):
    items = TrainingItems.of(shop.items, shop.histories, HistorySettings())
    liked = sorted(set(shop.histories.item_index.tolist()))
    assert items.rows.tolist() == liked
    assert items.known.tolist() == [liked.index(i) + 1 if i in liked else 0 for i in range(15)]
    assert list(items.item_ids) == [f"i{i}" for i in liked]


def test_some_items_are_taken_for_new_ones(shop):
    items = TrainingItems.of(shop.items, shop.histories, HistorySettings(id_dropout=0.25))
    with deterministic(0):
        drawn = torch.stack([items.draw(items.rows)[0] for _ in range(400)])
    assert set((drawn - items.known[items.rows])[drawn != 0].tolist()) == {0}
    assert (drawn == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_each_item_of_an_update_is_drawn_once(shop):
    items = TrainingItems.of(shop.items, shop.histories, HistorySettings(id_dropout=0.0))
    first, second = np.array([[5, 2], [5, 5]]), np.array([9, 2])
    known, inputs, (of_first, of_second) = items.draw(first, second)
    assert known.tolist() == items.known[[2, 5, 9]].tolist()
    assert torch.equal(inputs, items.inputs[[2, 5, 9]])
    assert of_first.tolist() == [[1, 0], [1, 1]]
    assert of_second.tolist() == [2, 0]


@pytest.mark.parametrize(
    "wrong", [{"dim": 0}, {"id_dropout": 1.0}, {"dropout": -0.1}, {"half_life_days": 0.0}, {"learning_rate": 0.0}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        HistorySettings(**wrong)


class OneNumber(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(0.0))


def test_each_epoch_teaches_every_user_with_events_once(histories_of):
    histories = histories_of([[(0, 1.0), (1, 1.0)], [], [(1, 1.0)]] * 30, 2)
    users = []
    network = OneNumber()

    def loss(batch, generator):
        users.append(histories.user_index[batch.event[:, 0]].tolist())
        return (network.value - 1.0).square()

    settings = HistorySettings(n_epochs=7, min_updates=1, batch_size=16, weight_decay=0.0, learning_rate=0.1)
    trained = train_on_histories(network, histories, loss, settings, label="test")
    assert len(trained.losses) == 7
    assert len(users) == 7 * 4
    assert sorted(sum(users[:4], [])) == [user for user in range(90) if user % 3 != 1]
    assert network.value.item() == pytest.approx(1.0, abs=0.2)


def test_a_small_log_gets_enough_updates(histories_of):
    histories = histories_of([[(0, 1.0)]] * 3, 1)
    settings = HistorySettings(n_epochs=2, min_updates=20)
    network = OneNumber()
    trained = train_on_histories(network, histories, lambda b, g: network.value.square(), settings, label="test")
    assert len(trained.losses) == 20
