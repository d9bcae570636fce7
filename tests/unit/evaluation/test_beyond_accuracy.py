import itertools
from unittest import mock

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.core.features import FeatureBlock
from visrec.evaluation import beyond_accuracy
from visrec.evaluation.beyond_accuracy import (
    coverage,
    directions,
    gini,
    gini_without_each,
    intra_list_diversity,
    liked_popularity,
    most_popular,
    n_users_of_items,
    novelty,
    popularity_lift,
    popularity_share,
    recommended_once,
)


def block(matrix, present=None):
    matrix = np.asarray(matrix, dtype=np.float32)
    return FeatureBlock("image", matrix, np.ones(len(matrix), bool) if present is None else np.array(present), "test")


def test_users_of_items_counts_a_repeated_pair_once_and_any_weight(dataset_of):
    rows = [(0, 0, 1, 1), (0, 0, 1, 2), (1, 0, 0, 1), (2, 0, -1, 1), (2, 2, 1, 1)]
    assert n_users_of_items(dataset_of(rows, 3, 4).histories).tolist() == [3, 0, 1, 0]


def test_most_popular():
    counts = np.array([1, 5, 3, 3, 0])
    assert most_popular(counts, 2).tolist() == [False, True, True, False, False]
    assert most_popular(counts, 5).tolist() == [True, True, True, True, False]
    assert most_popular(counts, 0).tolist() == [False] * 5


def test_coverage_and_recommended_once_against_plain_loop():
    generator = np.random.default_rng(0)
    top = generator.integers(-1, 40, (25, 4))
    shown = {item for row in top.tolist() for item in row} - {-1}
    assert coverage(top, np.ones(50, bool)) == len(shown) / 50
    flat = [item for row in top.tolist() for item in row]
    expected = [sum(item != -1 and flat.count(item) == 1 for item in row) for row in top.tolist()]
    assert recommended_once(top).tolist() == expected
    assert sum(expected) > 0
    assert recommended_once(np.full((2, 3), -1)).tolist() == [0, 0]
    assert recommended_once(np.array([[0, -1], [1, -1]])).tolist() == [1, 1]


def test_novelty_against_plain_loop():
    generator = np.random.default_rng(1)
    counts, top = generator.integers(0, 30, 20), generator.integers(-1, 20, (15, 6))
    expected = [np.mean([-np.log2((counts[i] + 1) / 31) for i in row if i >= 0]) for row in top.tolist()]
    np.testing.assert_allclose(novelty(top, counts, 30), expected)
    assert novelty(np.array([[0]]), np.array([30]), 30).tolist() == [0.0]


def test_popularity_share_of_filled_places_only():
    top = np.array([[0, 1, 2], [1, -1, -1], [-1, -1, -1]])
    np.testing.assert_equal(popularity_share(top, np.array([True, True, False])), [2 / 3, 1.0, np.nan])


@pytest.mark.parametrize("block_values", [1, 64, 1 << 20])
def test_diversity_against_all_pairs(block_values):
    generator = np.random.default_rng(2)
    present = generator.random(30) > 0.2
    matrix = np.where(present[:, None], generator.normal(3, 1, (30, 5)), 0)
    top = np.stack([generator.permutation(30)[:6] for _ in range(12)])
    top[3, 2:] = -1
    centred = matrix - matrix[present].mean(axis=0)
    expected = []
    for row in top:
        kept = [item for item in row if item >= 0 and present[item]]
        distances = [
            1 - centred[a] @ centred[b] / np.linalg.norm(centred[a]) / np.linalg.norm(centred[b])
            for a, b in itertools.combinations(kept, 2)
        ]
        expected.append(np.mean(distances) if distances else np.nan)
    with mock.patch.object(beyond_accuracy, "_BLOCK_VALUES", block_values):
        found = intra_list_diversity(top, directions(block(matrix, present)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_diversity_undefined_below_two_pictures():
    unit = directions(block([[1, 0], [0, 1], [0, 0]], [True, True, False]))
    np.testing.assert_equal(intra_list_diversity(np.array([[0, 2], [0, -1], [-1, -1], [2, -1]]), unit), [np.nan] * 4)


def test_diversity_of_one_picture_repeated_is_zero():
    unit = directions(block([[1, 2], [1, 2], [5, 1]]))
    assert intra_list_diversity(np.array([[0, 1]]), unit) == pytest.approx([0.0], abs=1e-6)


def test_directions():
    unit = directions(block([[2, 1], [4, 1], [3, 1], [9, 9]], [True, True, True, False]))
    # The mean of the present ones is (3, 1): the third points nowhere and the absent one counts for nothing.
    np.testing.assert_allclose(unit, [[-1, 0], [1, 0], [0, 0], [0, 0]])
    assert unit.dtype == np.float32
    assert not directions(block([[1, 2]], [False])).any()


def test_identical_pictures_point_nowhere_rather_than_at_rounding_noise():
    row = np.random.default_rng(0).random(64, dtype=np.float32)
    next_to_it = np.nextafter(row, np.float32(2))
    assert not directions(block(np.stack([row, next_to_it, row]))).any()


def plain_gini(counts):
    """Mean absolute difference of all pairs over twice the mean: the definition without sorting."""
    return np.abs(np.subtract.outer(counts, counts)).mean() / 2 / np.mean(counts)


def test_gini_is_half_the_relative_mean_difference():
    generator = np.random.default_rng(0)
    candidates = generator.random(40) < 0.7
    top = generator.choice(np.flatnonzero(candidates), (25, 4))
    top[3, 2:] = top[5] = -1
    counts = np.bincount(top[top >= 0], minlength=40)[candidates]
    assert gini(top, candidates) == pytest.approx(plain_gini(counts))
    assert 0.2 < plain_gini(counts) < 0.8


def test_gini_at_its_ends():
    everything = np.ones(10, bool)
    assert gini(np.arange(10).reshape(5, 2), everything) == 0
    assert gini(np.full((7, 1), 3), everything) == pytest.approx(0.9)
    assert np.isnan(gini(np.full((2, 3), -1), everything))


@pytest.mark.parametrize("n_items", [6, 40])
def test_gini_without_each_list_by_leaving_it_out(n_items):
    # Few items: many equal counts, and several items of one list among them.
    generator = np.random.default_rng(n_items)
    top = np.stack([generator.permutation(n_items)[:4] for _ in range(30)])
    top[2, 1:] = top[4] = -1
    everything = np.ones(n_items, bool)
    expected = [gini(np.delete(top, row, axis=0), everything) for row in range(30)]
    np.testing.assert_allclose(gini_without_each(top, everything), expected)
    assert np.isnan(gini_without_each(top[:1], everything)).all()


def test_popularity_lift_by_plain_loop():
    generator = np.random.default_rng(1)
    counts, top = generator.integers(0, 30, 20), generator.integers(-1, 20, (15, 6))
    top[4] = -1
    liked = generator.random((15, 20)) < 0.2
    liked[7] = False
    profile = liked_popularity(csr_matrix(liked.astype(np.float32) * 0.3), counts)
    found = popularity_lift(top, profile, counts)
    for row in range(15):
        list_, own = [np.log2(counts[i] + 1) for i in top[row] if i >= 0], np.log2(counts[liked[row]] + 1)
        if row in (4, 7):
            assert np.isnan(found[row])
        else:
            assert found[row] == pytest.approx(np.mean(list_) - np.mean(own))


def test_popularity_lift_of_twice_as_known_items_is_one():
    assert (
        popularity_lift(np.array([[1]]), liked_popularity(csr_matrix([[1, 0]]), np.array([7, 15])), np.array([7, 15]))
        == 1
    )
