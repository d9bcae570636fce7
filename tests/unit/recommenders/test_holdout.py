"""Held-out data: what is kept, what is asked for, and that nothing is in both."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.recommenders.holdout import hold_out

DAY = 86_400


@pytest.fixture
def returning(items_of, histories_of):
    """50 customers that come back on 20 days, with items that appear with time."""
    generator = np.random.default_rng(5)
    users = [
        [(int(generator.integers(0, 20 + 10 * day)), 1.0, (day + 1) * DAY) for day in range(20)] for _ in range(50)
    ]
    return Dataset(histories_of(users, 220), items_of({}, 220))


@pytest.fixture
def once(items_of, histories_of):
    """60 people who come on one day each."""
    generator = np.random.default_rng(6)
    users = [
        [(int(item), 1.0, (user + 1) * DAY) for item in generator.choice(30, 12, replace=False)] for user in range(60)
    ]
    return Dataset(histories_of(users, 30), items_of({}, 30))


def test_of_people_who_return_the_newest_events_are_held_out(returning):
    found = hold_out(returning)
    assert found.kind == "time"
    assert found.train.histories.timestamp.max() == 18 * DAY
    assert found.history.timestamp.max() == 18 * DAY


def test_of_people_who_come_once_a_tenth_of_each_history_is_held_out(once):
    found = hold_out(once)
    assert found.kind == "random"
    assert found.hidden.sum() == 3
    # 11 of 12 events stay, less those on hidden items.
    assert np.diff(found.train.histories.indptr).max() == 11


def test_what_is_asked_for_was_never_seen(once, returning):
    for data in (once, returning):
        found = hold_out(data)
        seen = found.history.matrix().toarray() != 0
        liked = found.liked.toarray() > 0
        assert liked.any(axis=1).all()
        assert not (seen & liked).any()
        rows = data.histories.user_ids.rows(list(found.history.user_ids))
        everything = data.histories.take(rows).liked().toarray() > 0
        np.testing.assert_array_equal(seen | liked, everything)


def test_hidden_items_are_gone_from_training_and_stand_for_new_ones(once):
    found = hold_out(once)
    hidden = {once.items.item_ids[row] for row in np.flatnonzero(found.hidden)}
    assert not hidden & set(found.train.items.item_ids)
    assert not np.isin(found.history.item_index, np.flatnonzero(found.hidden)).any()
    counted = np.bincount(found.train.histories.liked().indices, minlength=27)
    np.testing.assert_array_equal(found.n_likes[~found.hidden], counted)


def test_it_is_the_same_every_time_and_another_with_another_seed(once):
    first, second, other = hold_out(once, seed=1), hold_out(once, seed=1), hold_out(once, seed=2)
    np.testing.assert_array_equal(first.liked.toarray(), second.liked.toarray())
    assert (first.hidden != other.hidden).any()


def test_as_many_users_are_asked_as_is_said(once):
    everybody, some = hold_out(once), hold_out(once, max_users=7)
    assert len(some.history) == some.liked.shape[0] == 7
    assert some.train.histories.n_events == everybody.train.histories.n_events
    rows = everybody.history.user_ids.rows(list(some.history.user_ids))
    np.testing.assert_array_equal(everybody.liked[rows].toarray(), some.liked.toarray())


def test_what_was_seen_before_is_not_asked_for_again(items_of, histories_of):
    users = [[(0, 1.0, DAY)] * 6 + [(1, 1.0, DAY), (2, 1.0, DAY), (0, 1.0, 2 * DAY)]] * 5
    found = hold_out(Dataset(histories_of(users, 3), items_of({}, 3)))
    assert found is None


def test_nothing_to_hold_out(items_of, histories_of):
    assert hold_out(Dataset(histories_of([[(0, 1.0)], [(1, 1.0)]], 2), items_of({}, 2))) is None
    assert hold_out(Dataset(histories_of([[]], 2), items_of({}, 2))) is None
