"""Histories in dense rows: the newest likes against a plain loop; hidden events are found nowhere in the input."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.recommenders.history_rows import batches, dense_rows, hide, recent_likes


def by_loop(histories, max_length):
    kept = []
    for user in range(len(histories)):
        last = {}
        for event in range(histories.indptr[user], histories.indptr[user + 1]):
            last.pop(int(histories.item_index[event]), None)
            last[int(histories.item_index[event])] = float(histories.weight[event])
        liked = [(item, weight) for item, weight in last.items() if weight > 0]
        kept.append(liked[-max_length:])
    return kept


def as_lists(histories):
    return [
        [
            (int(histories.item_index[e]), float(histories.weight[e]))
            for e in range(histories.indptr[u], histories.indptr[u + 1])
        ]
        for u in range(len(histories))
    ]


@pytest.mark.parametrize("max_length", [1, 3, 100])
def test_agrees_with_a_plain_loop(max_length, histories_of):
    generator = np.random.default_rng(0)
    users = [
        [
            (int(item), float(generator.choice([1.0, 0.5, 0.0, -1.0])), int(generator.integers(4)))
            for item in generator.integers(6, size=generator.integers(9))
        ]
        for _ in range(30)
    ]
    histories = histories_of(users, 6)
    expected = by_loop(histories, max_length)
    assert as_lists(recent_likes(histories, max_length)) == expected
    assert [] in expected
    assert max(map(len, expected)) == min(max_length, max(map(len, by_loop(histories, 100))))


def test_an_item_that_was_disliked_after_all_is_not_liked(histories_of):
    histories = histories_of([[(0, 1.0, 1), (1, 1.0, 2), (0, -1.0, 3)], [(0, -1.0, 1), (0, 1.0, 2)]], 2)
    assert as_lists(recent_likes(histories, 5)) == [[(1, 1.0)], [(0, 1.0)]]


def test_rows_are_filled_from_the_left(histories_of):
    histories = histories_of([[(3, 1.0)], [], [(2, 0.5), (1, 2.0)]], 4)
    dense = dense_rows(histories, np.array([2, 1, 0]))
    assert dense.item_index.tolist() == [[2, 1], [0, 0], [3, 0]]
    assert dense.weight.tolist() == [[0.5, 2.0], [0.0, 0.0], [1.0, 0.0]]
    assert dense.event.tolist() == [[1, 2], [0, 0], [0, 0]]


def test_histories_without_any_event_have_one_empty_place(histories_of):
    dense = dense_rows(histories_of([[], []], 4), np.array([0, 1]))
    assert dense.weight.tolist() == [[0.0], [0.0]]
    assert dense.weight.dtype == np.float32
    assert dense.item_index.dtype == np.int64


@pytest.fixture
def histories(histories_of):
    return histories_of([[(item, 1.0 + item / 10) for item in range(n)] for n in (1, 2, 5, 10, 0, 20)], 20)


def test_each_event_is_either_visible_or_hidden(histories):
    users = np.array([0, 1, 2, 3, 5])
    dense = dense_rows(histories, users)
    part = hide(dense, np.random.default_rng(0))
    for row, user in enumerate(users):
        own = set(range(histories.indptr[user], histories.indptr[user + 1]))
        hidden = part.event[part.row == row].tolist()
        visible = part.visible.event[row][part.visible.weight[row] > 0].tolist()
        assert len(hidden) == len(set(hidden)) >= 1
        assert set(hidden) | set(visible) == own
        assert not set(hidden) & set(visible)
    assert part.item_index.tolist() == histories.item_index[part.event].tolist()


def test_the_share_lies_in_its_range(histories):
    dense = dense_rows(histories, np.array([3, 5]))
    counts = [np.bincount(hide(dense, np.random.default_rng(seed)).row).tolist() for seed in range(200)]
    assert {ten for ten, _ in counts} == {2, 3, 4, 5, 6}
    assert {twenty for _, twenty in counts} == set(range(4, 13))


def test_any_event_may_be_hidden(histories):
    dense = dense_rows(histories, np.array([5]))
    found = {item for s in range(50) for item in hide(dense, np.random.default_rng(s)).item_index}
    assert found == set(range(20))


def test_batches_hold_each_user_once(histories_of):
    users = [[(item, 1.0) for item in range(n)] for n in np.random.default_rng(3).integers(0, 30, size=100)]
    histories = histories_of(users, 30)
    able = np.flatnonzero(np.diff(histories.indptr))
    seen = list(batches(histories, able, 8, np.random.default_rng(0)))
    owners = [histories.user_index[batch.event[:, 0]].tolist() for batch in seen]
    assert sorted(sum(owners, [])) == able.tolist()
    assert max(map(len, owners)) == 8
    other = [batch.event[:, 0].tolist() for batch in batches(histories, able, 8, np.random.default_rng(1))]
    assert other != [batch.event[:, 0].tolist() for batch in seen]


def test_batches_are_of_about_the_same_length(histories_of):
    users = [[(item, 1.0) for item in range(n)] for n in (1, 30) * 32]
    histories = histories_of(users, 30)
    lengths = [batch.weight.shape[1] for batch in batches(histories, np.arange(64), 8, np.random.default_rng(0))]
    assert sorted(lengths) == [1] * 4 + [30] * 4
