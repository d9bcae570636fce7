"""Random: uniform, and the same wherever and whenever it is asked."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from scipy import stats

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.recommenders.random import Random, RandomSettings


def nobody(names):
    return Histories(
        IdMap(names),
        0,
        np.zeros(len(names) + 1, np.int64),
        np.zeros(0, np.int32),
        np.zeros(0, np.float32),
        np.zeros(0, np.int64),
    )


def scores(users, items, seed=42):
    return Random(RandomSettings(seed)).score(nobody(users), ItemFeatures(IdMap(items))).values


USERS = [f"user {n}" for n in range(150)]
ITEMS = [f"{n:05d}" for n in range(200)]


def test_a_pair_has_its_score_in_any_batch_and_any_order():
    everything = scores(USERS, ITEMS)
    some = scores(["user 90", "stranger", "user 3"], ["00150", "另", "00002"])
    np.testing.assert_array_equal(some[[0, 2]][:, [0, 2]], everything[[90, 3]][:, [150, 2]])


def splitmix64(state):
    """The next output of SplitMix64, in Python's own integers."""
    mask = 2**64 - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


def test_the_plain_generator_gives_the_published_value():
    assert splitmix64(1234567) == 6457827717110365317


@pytest.mark.parametrize("seed", [42, 0, -3])
def test_a_pair_has_the_same_score_on_any_machine(seed):
    users, items = ["u", "用户"], ["a", "007", ""]
    start = zlib.crc32(str(seed).encode())
    expected = [
        [
            (splitmix64(splitmix64(zlib.crc32(user.encode(), start) << 32 ^ zlib.crc32(item.encode(), start))) >> 40)
            / 2**24
            for item in items
        ]
        for user in users
    ]
    assert scores(users, items, seed).tolist() == expected


def test_another_seed_is_another_order():
    first, second = scores(USERS, ITEMS, 1), scores(USERS, ITEMS, 2)
    assert (first != second).mean() > 0.999
    assert abs(stats.spearmanr(first.ravel(), second.ravel()).statistic) < 0.03


def test_a_loaded_model_has_the_saved_seed():
    items = ItemFeatures(IdMap(ITEMS))
    loaded = Random(RandomSettings(5))
    loaded.score(nobody(USERS), items)
    loaded.load_state(*Random(RandomSettings(7)).state())
    np.testing.assert_array_equal(loaded.score(nobody(USERS), items).values, scores(USERS, ITEMS, 7))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_scores_are_uniform_over_all_over_users_and_over_items(axis):
    sample = scores(USERS, ITEMS)
    assert sample.min() >= 0
    assert sample.max() < 1
    groups = [sample.ravel()] if axis is None else (list(sample.T) if axis == 0 else list(sample))
    p_values = [stats.kstest(group, "uniform").pvalue for group in groups]
    # Of 200 honest tests the smallest p is below 1e-5 once in 500 seeds; this seed is fixed.
    assert min(p_values) > 1e-5
    assert 0.3 < np.mean(p_values) < 0.7 or axis is None


def test_users_and_items_do_not_resemble_each_other():
    sample = scores(USERS, ITEMS)
    for matrix in (sample, sample.T):
        correlations = np.corrcoef(matrix)[np.triu_indices(len(matrix), 1)]
        assert abs(correlations.mean()) < 0.01
        # Independent rows of n have correlations of deviation 1 / √n.
        assert correlations.std() == pytest.approx(1 / np.sqrt(matrix.shape[1]), rel=0.1)


def test_the_same_name_as_user_and_item_is_no_fixed_point():
    same = np.diagonal(scores(ITEMS, ITEMS))
    assert stats.kstest(same, "uniform").pvalue > 1e-3
