"""From histories to users' vectors: by hand, and against what training would have given."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.recommenders.history_map import HistoryMap


def plain(weights, vectors, mean, matrix):
    """u = h M, by loops."""
    users = np.zeros((weights.shape[0], vectors.shape[1]))
    for user, row in enumerate(weights):
        total = np.abs(row).sum()
        h = sum((w * (v - mean) for w, v in zip(row, vectors, strict=True)), np.zeros(vectors.shape[1]))
        if total:
            users[user] = h / total**0.7 @ matrix
    return users


@pytest.fixture
def weights():
    generator = np.random.default_rng(1)
    dense = np.where(generator.random((80, 12)) < 0.4, generator.choice([1.0, 0.5, -1.0], (80, 12)), 0.0)
    dense[7] = 0.0
    return dense


def test_users_that_are_a_linear_map_of_their_histories_are_found_again(weights):
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(12, 3)) + 5.0
    root = generator.normal(size=(3, 3))
    truth = root @ root.T + np.eye(3)
    users = plain(weights, vectors, vectors.mean(axis=0), truth)
    history = HistoryMap.fit(csr_matrix(weights), vectors, users)
    found = history(csr_matrix(weights), vectors.astype(np.float32))
    assert found.dtype == np.float32
    # The ridge is a hundredth of the mean variance of a direction.
    np.testing.assert_allclose(found, users, atol=0.05 * np.abs(users).max())
    assert (found[7] == 0).all()


def test_the_map_by_hand():
    # One user who likes the first of two items: h = v_0 - μ = (1, 0), u = (3, 0), so M has 3 / (1 + ridge) at 0, 0.
    vectors = np.array([[2.0, 1.0], [0.0, 1.0]])
    history = HistoryMap.fit(csr_matrix([[1.0, 0.0]]), vectors, np.array([[3.0, 0.0]]))
    state = history.state()
    np.testing.assert_allclose(state["history.mean"], [1.0, 1.0])
    np.testing.assert_allclose(state["history.matrix"], [[3.0 / (1 + 0.01 / 2), 0.0], [0.0, 0.0]], rtol=1e-6)


def test_a_like_never_lowers_and_a_dislike_never_raises_the_items_own_score(weights):
    generator = np.random.default_rng(4)
    vectors = generator.normal(size=(12, 5)).astype(np.float32)
    # Users at odds with their histories: the free regression would have negative directions.
    history = HistoryMap.fit(csr_matrix(weights), vectors, generator.normal(size=(80, 5)))
    matrix = history.state()["history.matrix"]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-7)
    assert np.linalg.eigvalsh(matrix.astype(np.float64)).min() > -1e-6
    for sign in (1.0, -1.0):
        users = history(csr_matrix(sign * np.eye(12)), vectors)
        own = np.einsum("id,id->i", users, vectors - history.state()["history.mean"])
        assert (sign * own >= -1e-6).all()


def test_a_loaded_map_is_the_same(weights):
    vectors = np.random.default_rng(4).normal(size=(12, 5)).astype(np.float32)
    history = HistoryMap.fit(csr_matrix(weights), vectors, weights @ vectors)
    loaded = HistoryMap.load_state(history.state())
    np.testing.assert_array_equal(loaded(csr_matrix(weights), vectors), history(csr_matrix(weights), vectors))
