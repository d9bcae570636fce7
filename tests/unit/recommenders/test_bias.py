"""Biases against a plain loop and hand-worked figures."""

from __future__ import annotations

import numpy as np
import pytest

from rating_shops import items_of_two_looks, rated, two_tastes
from visrec.core.dataset import Dataset
from visrec.recommenders.bias import Bias, BiasSettings


def test_by_hand_for_one_sweep():
    # mu = (5 + 3 + 1) / 3 = 3. Items, users at 0: b_0 = (2 + 0) / (1 + 2) = 2/3, b_1 = -2 / (1 + 1) = -1.
    # A = {0: 5, 1: 1}: b_A = (5 - 3 - 2/3 + 1 - 3 + 1) / (2 + 2) = 1/12; B = {0: 3}: (0 - 2/3) / (2 + 1) = -2/9.
    histories = rated([[(0, 5.0), (1, 1.0)], [(0, 3.0)], []], 3)
    items = items_of_two_looks(3)
    model = Bias(BiasSettings(item_regularisation=1.0, user_regularisation=2.0, sweeps=1)).fit(
        Dataset(histories, items)
    )
    users, things = np.array([0, 0, 1, 2, 2, 1]), np.array([0, 1, 1, 0, 2, 2])
    expected = [3 + 2 / 3 + 1 / 12, 3 - 1 + 1 / 12, 3 - 1 - 2 / 9, 3 + 2 / 3, 3, 3 - 2 / 9]
    np.testing.assert_allclose(model.predict(histories, items, users, things), expected, atol=1e-6)
    np.testing.assert_allclose(model.score(histories, items).values[0], [2 / 3, -1, 0], atol=1e-6)


def test_against_a_plain_loop():
    shop = two_tastes()
    ratings = {}
    h = shop.histories
    for user in range(len(h)):
        for event in range(h.indptr[user], h.indptr[user + 1]):
            ratings[user, int(h.item_index[event])] = float(h.rating[event])
    mean = sum(ratings.values()) / len(ratings)
    users, items = dict.fromkeys(range(len(h)), 0.0), dict.fromkeys(range(shop.n_items), 0.0)
    for _ in range(4):
        for item in items:
            left = [r - mean - users[u] for (u, i), r in ratings.items() if i == item]
            items[item] = sum(left) / (7.0 + len(left))
        for user in users:
            left = [r - mean - items[i] for (u, i), r in ratings.items() if u == user]
            users[user] = sum(left) / (3.0 + len(left))
    model = Bias(BiasSettings(7.0, 3.0, 4)).fit(shop)
    pairs = [(u, i) for u in range(0, 60, 7) for i in range(0, 40, 3)]
    found = model.predict(h, shop.items, np.array([u for u, _ in pairs]), np.array([i for _, i in pairs]))
    np.testing.assert_allclose(found, [np.clip(mean + users[u] + items[i], 1, 5) for u, i in pairs], atol=1e-5)


@pytest.mark.parametrize("rating", [0.0, -2.0])
def test_a_rating_of_zero_or_less_is_a_rating(rating):
    histories = rated([[(0, rating)], [(1, 2.0)]], 2)
    model = Bias().fit(Dataset(histories, items_of_two_looks(2)))
    assert model.scale == (rating, 2.0)
    assert model.score(histories, items_of_two_looks(2)).values[0, 0] < 0
