"""Stacking: weights are found again, what does not help is dropped, and lists are judged by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.core.dataset import Dataset
from visrec.recommenders.holdout import Holdout
from visrec.recommenders.stacking import KINDS, Weights, kinds, learn_weights, surprise

TRUE = np.array([[1.5, 0.5, 2.0], [0.5, 1.5, 0.0], [0.0, 0.0, 0.0]])


def holdout_of(items_of, histories_of, liked, n_likes, hidden=None, seen=None):
    """A holdout of users who have seen nothing but `seen`."""
    n_users, n_items = liked.shape
    history = histories_of(seen or [[]] * n_users, n_items)
    hidden = np.zeros(n_items, dtype=bool) if hidden is None else hidden
    inner = Dataset(history, items_of({}, n_items))
    return Holdout("random", inner, history, csr_matrix(liked.astype(np.float32)), np.asarray(n_likes), hidden)


@pytest.fixture(scope="module")
def simulated():
    """Choices of 3 out of 60 items by 400 users, made with the weights TRUE and 1 more for a new item."""
    generator = np.random.default_rng(3)
    n_likes = np.repeat([0, 1, 10_000], 20)
    scores = generator.normal(size=(3, 400, 60)).astype(np.float32)
    utility = np.einsum("mui,mi->ui", scores, TRUE @ kinds(n_likes, 10.0).T) + (n_likes == 0)
    # The highest of utilities with Gumbel noise are a draw without replacement from their softmax.
    best = np.argsort(-(utility + generator.gumbel(size=utility.shape)), axis=1)[:, :3]
    liked = np.zeros(utility.shape, dtype=bool)
    np.put_along_axis(liked, best, True, axis=1)
    return scores, liked, n_likes


def test_kinds_by_hand():
    np.testing.assert_allclose(
        kinds(np.array([0, 1, 3, 11, 10**9]), 10.0),
        [[1, 0, 0], [0, 1, 0], [0, 10 / 12, 2 / 12], [0, 0.5, 0.5], [0, 0, 1]],
        atol=1e-6,
    )


def test_weights_of_items_and_what_a_new_one_gets_besides():
    weights = Weights(np.array([[1.0, 2.0, 4.0], [0.5, 0.0, 1.0]]), -0.7, 10.0)
    np.testing.assert_allclose(weights.of_items(np.array([0, 1, 11])), [[1, 2, 3], [0.5, 0, 0.5]], atol=1e-6)
    np.testing.assert_allclose(weights.offset(np.array([0, 1, 11])), [-0.7, 0, 0], atol=1e-6)
    assert KINDS == ("new", "few likes", "many likes")


def test_surprise_is_the_plain_loop_and_its_gradient_is_right():
    generator = np.random.default_rng(8)
    columns = generator.normal(size=(12, 3)).astype(np.float32)
    copies, chosen = generator.uniform(0, 2, 12), generator.choice([0.0, 0.5, 1.0], 12)
    weights, starts = np.array([0.5, -0.25, 1.5]), np.array([0, 5, 7])
    expected = 0.0
    for user in ([0, 1, 2, 3, 4], [5, 6], [7, 8, 9, 10, 11]):
        total = sum(np.exp(columns[j] @ weights + copies[j]) for j in user)
        expected += sum(chosen[i] * (np.log(total) - columns[i] @ weights) for i in user)
    value, gradient = surprise(weights, columns, copies, chosen, starts)
    assert value == pytest.approx(expected, rel=1e-5)
    for column in range(3):
        step = np.eye(3)[column] * 2**-6
        up, down = (surprise(weights + sign * step, columns, copies, chosen, starts)[0] for sign in (1, -1))
        assert gradient[column] == pytest.approx((up - down) * 2**5, abs=2e-3)


def test_the_weights_that_choices_were_made_with_are_found(simulated, items_of, histories_of):
    scores, liked, n_likes = simulated
    prior = Weights(np.full((3, 3), 0.3), 0.0, 10.0)
    stack = learn_weights(holdout_of(items_of, histories_of, liked, n_likes), scores, ["a", "b", "c"], prior, 1.0)
    np.testing.assert_allclose(stack.weights.members, TRUE, atol=0.35)
    assert stack.weights.new == pytest.approx(1.0, abs=0.35)
    assert stack.contributions["a"].all_items > 0.05
    assert stack.contributions["a"].new_items > stack.contributions["b"].new_items > 0.01
    assert abs(stack.contributions["c"].all_items) < 0.02
    assert 0.3 < stack.ndcg[0] < 1


def test_a_sample_of_candidates_stands_for_all(items_of, histories_of):
    # Half of the users choose item 0, the others one of 1,000 alike: e^w / (e^w + 1000) = 1/2.
    scores = np.zeros((1, 40, 1001), dtype=np.float32)
    scores[:, :, 0] = 1
    liked = np.zeros((40, 1001), dtype=bool)
    liked[np.arange(40), np.where(np.arange(40) % 4 < 2, 0, 500 + np.arange(40))] = True
    found = holdout_of(items_of, histories_of, liked, np.ones(1001, dtype=int))
    stack = learn_weights(found, scores, ["a"], Weights(np.zeros((1, 3)), 0.0, 10.0), 1e-6)
    assert stack.weights.members[0, 1] == pytest.approx(np.log(1000), abs=0.05)


def test_with_a_strong_prior_nothing_is_learned(simulated, items_of, histories_of):
    scores, liked, n_likes = simulated
    prior = Weights(np.full((1, 3), 0.3), 0.0, 10.0)
    stack = learn_weights(holdout_of(items_of, histories_of, liked, n_likes), scores[:1], ["a"], prior, 1e7)
    np.testing.assert_allclose(stack.weights.members, 0.3, atol=0.01)


def test_a_source_that_spoils_lists_is_dropped(items_of, histories_of):
    """Users like what "good" says; "bad" agreed with the likes of the one half and not of the other."""
    generator = np.random.default_rng(4)
    scores = generator.normal(size=(2, 60, 30)).astype(np.float32)
    liked = scores[0] >= np.minimum(scores[0].max(axis=1, keepdims=True), 1.2)
    scores[1, ::2] += 3 * liked[::2]
    scores[1, 1::2] -= 3 * liked[1::2]
    prior = Weights(np.full((2, 3), 0.5), 0.0, 10.0)
    found = holdout_of(items_of, histories_of, liked, np.full(30, 5))
    stack = learn_weights(found, scores, ["good", "bad"], prior, 1.0)
    assert stack.contributions["bad"].all_items < 0
    assert not stack.weights.members[1, 1:].any()
    assert stack.weights.members[0, 1:].min() > 0
    assert stack.ndcg[0] == pytest.approx(1.0)


def test_lists_are_judged_without_what_was_seen_and_new_items_apart(items_of, histories_of):
    # Two users alike; item 0 is seen, 3 and 4 are hidden. Known: 1 and 2, of which 2 is liked and comes second.
    # New: 3 and 4, of which 3 is liked and comes first.
    scores = np.tile(np.array([9, 2, 1, 6, 5], dtype=np.float32), (1, 2, 1))
    liked = np.tile(np.array([False, False, True, True, False]), (2, 1))
    hidden = np.array([False, False, False, True, True])
    found = holdout_of(items_of, histories_of, liked, [9, 9, 9, 0, 0], hidden, [[(0, 1.0)], [(0, 1.0)]])
    stack = learn_weights(found, scores, ["a"], Weights(np.ones((1, 3)), 0.0, 10.0), 1e7)
    assert stack.ndcg == pytest.approx((1 / np.log2(3), 1.0))
    # Nothing can be said of the offset of items that are new by nature: there are none.
    assert stack.weights.new == pytest.approx(0.0)


def test_likes_of_one_kind_only_leave_the_other_unmeasured(items_of, histories_of):
    scores = np.ones((1, 2, 3), dtype=np.float32)
    liked = np.array([[True, False, False], [False, True, False]])
    found = holdout_of(items_of, histories_of, liked, [4, 4, 4])
    stack = learn_weights(found, scores, ["a"], Weights(np.ones((1, 3)), 0.0, 10.0), 1.0)
    assert np.isnan(stack.ndcg[1])
    assert np.isnan(stack.contributions["a"].new_items)
    assert np.isfinite(stack.weights.members).all()
