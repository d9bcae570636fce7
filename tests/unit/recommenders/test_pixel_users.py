"""Users as ridge regressions on vectors of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.recommenders.pixel_users import UserPrior

MEAN, RIDGE = np.array([0.3, -0.2, 0.5]), np.array([2.0, 7.0, 7.0])


@pytest.mark.parametrize("background", [0.0, 0.25])
def test_they_minimise_what_they_say(background):
    generator = np.random.default_rng(0)
    trained, here = generator.normal(size=(9, 2)), generator.normal(size=(6, 2))
    dense = np.where(generator.random((4, 6)) < 0.5, generator.normal(size=(4, 6)), 0.0)
    dense[3] = 0.0
    targets = csr_matrix(dense)
    found = UserPrior.over(trained, MEAN, RIDGE, background).fold_in(targets, here)
    for user in range(4):
        row = targets[user].tocoo()
        rows = [np.append(1.0, here[item]) for item in row.col]
        right = row.data.tolist()
        for x in trained:
            rows.append(np.sqrt(background) * np.append(1.0, x))
            right.append(0.0)
        for column in range(3):
            rows.append(np.sqrt(RIDGE[column]) * np.eye(3)[column])
            right.append(np.sqrt(RIDGE[column]) * MEAN[column])
        expected = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
        np.testing.assert_allclose(found[user], expected, atol=1e-10)


def test_by_hand_with_one_event():
    """Ridge 1, mean 0: the event t = 3 at x = 1 has inputs (1, 1), so (b, p) = 3 / (1 + 2) each."""
    prior = UserPrior(np.zeros(2), np.ones(2), np.zeros((2, 2)))
    np.testing.assert_allclose(prior.fold_in(csr_matrix([[3.0]]), np.array([[1.0]])), [[1.0, 1.0]])


def test_without_events_a_user_is_the_mean():
    prior = UserPrior(MEAN, RIDGE, np.zeros((3, 3)))
    np.testing.assert_allclose(prior.fold_in(csr_matrix((2, 5)), np.ones((5, 2))), [MEAN, MEAN])
