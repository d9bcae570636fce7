"""Sampled Shapley values of past items, against games whose values are known."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Scores
from visrec.recommenders.history_shapley import history_shapley

N_ITEMS = 60


class Game:
    """Scores every item by a function of the set of past items."""

    def __init__(self, value):
        self.value = value

    def score(self, histories, items):
        rows = np.zeros((len(histories), len(items)), dtype=np.float32)
        for user in range(len(histories)):
            events = histories.item_index[histories.indptr[user] : histories.indptr[user + 1]]
            rows[user] = self.value(frozenset(events.tolist()))
        return Scores({"visual": rows})


def history(*rows):
    n = len(rows)
    return Histories.from_events(
        IdMap(["u"]), N_ITEMS, np.zeros(n, np.int64), np.array(rows, np.int32), np.ones(n, np.float32), np.arange(n)
    )


def values(value, past):
    items = ItemFeatures(IdMap(f"i{row}" for row in range(N_ITEMS)))
    found = history_shapley(Game(value), history(*past), items, np.array([7]))
    assert not found.exact
    np.testing.assert_allclose(found.scores, value(frozenset(past)), rtol=1e-5)
    np.testing.assert_allclose(found.base, value(frozenset()), rtol=1e-5)
    return found.parts[0]


def test_a_sum_gives_each_its_own():
    np.testing.assert_allclose(values(lambda s: 3 + sum(s), (1, 5, 2)), [1, 5, 2], atol=1e-5)


def test_two_that_count_only_together_share_and_a_third_gets_nothing():
    np.testing.assert_allclose(values(lambda s: 4.0 * ({1, 2} <= s), (1, 9, 2)), [2, 0, 2], atol=1e-5)


def test_of_few_items_all_orders_are_walked():
    game = {frozenset(s): float(np.random.default_rng(sum(2**i for i in s)).normal()) for s in _subsets(range(4))}
    expected = np.zeros(4)
    for order in permutations(range(4)):
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            expected[player] += (game[before | {player}] - game[before]) / factorial(4)
    np.testing.assert_allclose(values(game.__getitem__, (0, 1, 2, 3)), expected, atol=1e-5)


def test_of_more_items_the_sample_comes_near():
    weight = np.array([9.0, 4.0, 1.0, 1.0, 0.0, 1.0])
    expected = np.zeros(6)
    for order in permutations(range(6)):
        roots = np.sqrt(np.concatenate([[0], np.cumsum(weight[list(order)])]))
        expected[list(order)] += np.diff(roots) / factorial(6)
    found = values(lambda s: float(np.sqrt(sum(weight[row] for row in s))), (0, 1, 2, 3, 4, 5))
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_of_a_long_history_those_that_matter_are_told_apart_and_the_sum_holds():
    past = tuple(range(50))
    found = values(lambda s: 10.0 * (3 in s) - 5.0 * (44 in s) + 0.1 * len(s), past)
    assert found[3] == pytest.approx(10.1, abs=1e-4)
    assert found[44] == pytest.approx(-4.9, abs=1e-4)
    np.testing.assert_allclose(np.delete(found, [3, 44]), 0.1, atol=1e-4)


def test_a_repeated_item_is_one_player():
    found = values(lambda s: float(len(s)), (4, 8, 4))
    assert found.tolist() == pytest.approx([0, 1, 1])


def test_no_history_is_all_base():
    assert values(lambda s: 2.5 + len(s), ()).shape == (0,)


def _subsets(players):
    players = list(players)
    return [[p for i, p in enumerate(players) if mask >> i & 1] for mask in range(2 ** len(players))]
