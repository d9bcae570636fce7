"""Popular: likes, counted."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.popular import Popular


@pytest.fixture
def data(items_of, histories_of):
    """Item 0: 1 + 0.3; item 1: liked twice by one user and once by another; item 2: seen or disliked; item 3: none."""
    users = [
        [(0, 1.0, 1), (1, 1.0, 2), (1, 0.5, 3)],
        [(0, 0.3, 1), (2, 0.0, 2)],
        [(1, 1.0, 1), (2, 1.0, 2), (2, -1.0, 3)],
    ]
    return Dataset(histories_of(users, 4), items_of({}, 4))


def test_counts_by_hand_the_same_for_everybody(data, histories_of):
    scores = Popular().fit(data).score(data.histories, data.items)
    assert list(scores.parts) == ["popular"]
    np.testing.assert_allclose(scores.values, [[1.3, 1.5, 0.0, 0.0]] * 3, rtol=1e-6)
    np.testing.assert_allclose(
        Popular().fit(data).score(histories_of([[]], 4), data.items).values, [[1.3, 1.5, 0.0, 0.0]], rtol=1e-6
    )


def test_items_are_known_by_id_and_new_ones_score_zero(data, histories_of):
    items = ItemFeatures(IdMap(["new", "i1", "i3", "i0", "newer"]))
    scores = Popular().fit(data).score(histories_of([[(0, 1.0)]], 5), items).values
    np.testing.assert_allclose(scores, [[0.0, 1.5, 0.0, 1.3, 0.0]], rtol=1e-6)


def test_a_log_without_likes_makes_everything_equally_popular(items_of, histories_of):
    data = Dataset(histories_of([[(0, -1.0)], [(1, 0.0)]], 2), items_of({}, 2))
    assert Popular().fit(data).score(data.histories, data.items).values.tolist() == [[0.0, 0.0]] * 2


def test_it_says_that_new_items_are_beyond_it():
    assert not Popular().capabilities.new_items
    assert Popular().capabilities.new_users
