"""Items that a user has not liked, drawn at random."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.recommenders import negatives
from visrec.recommenders.negatives import NegativeSampler


@pytest.fixture(params=["flags", "search"])
def liked(request, monkeypatch):
    """Six users, 40 items; user 5 likes nothing, user 4 all but item 7."""
    if request.param == "search":
        monkeypatch.setattr(negatives, "_FLAGS", 0)
    dense = np.random.default_rng(0).random((6, 40)) < 0.2
    dense[5] = False
    dense[4] = True
    dense[4, 7] = False
    return csr_matrix(dense.astype(np.float32))


def test_liked_items_are_never_drawn_where_there_are_others(liked):
    users = np.repeat(np.arange(6), 500).reshape(6, 500)
    users = users[[0, 1, 2, 3, 5]]
    items = NegativeSampler(liked).draw(users, np.random.default_rng(1))
    assert items.shape == users.shape
    assert items.dtype == np.int64
    assert not liked.toarray()[users, items].any()
    for row, user in enumerate(users[:, 0]):
        assert set(items[row]) == set(np.flatnonzero(liked.toarray()[user] == 0))


def test_a_user_who_likes_nearly_everything_mostly_gets_the_rest(liked):
    items = NegativeSampler(liked).draw(np.full(2000, 4), np.random.default_rng(2))
    # One of 40 items, eleven tries.
    assert abs((items == 7).mean() - (1 - (39 / 40) ** 11)) < 0.03


def test_the_exponent_says_how_often_popular_items_are_drawn():
    liked = csr_matrix(np.repeat([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]], 1, axis=0).astype(float))
    sampler = NegativeSampler(liked, exponent=0.5)
    expected = np.sqrt([4.0, 3.0, 1.0, 1.0])
    np.testing.assert_allclose(sampler.probability, expected / expected.sum())
    nobody = csr_matrix((1, 4))
    free = NegativeSampler(nobody)
    assert np.bincount(free.draw(np.zeros(8000, np.int64), np.random.default_rng(3)), minlength=4).min() > 1800
    drawn = sampler.draw(np.zeros(9000, np.int64), np.random.default_rng(3))
    share = np.bincount(drawn, minlength=4) / 9000
    np.testing.assert_allclose(share, [0, *(expected[1:] / expected[1:].sum())], atol=0.02)


def test_the_same_seed_draws_the_same(liked):
    users = np.arange(6).repeat(10)
    first, second = (NegativeSampler(liked).draw(users, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
