"""Sessions, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.sessions import sessions


def histories(users):
    """From one list of (item, time) a user; the weight is the item's number."""
    events = [(user, item, time) for user, history in enumerate(users) for item, time in history]
    user, item, time = np.array(events, dtype=np.int64).reshape(-1, 3).T
    ids = IdMap(f"u{row}" for row in range(len(users)))
    return Histories.from_events(
        ids, 9, user, item.astype(np.int32), item.astype(np.float32), time, item.astype(np.float32)
    )


def items_of_each(found):
    return [found.item_index[a:b].tolist() for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]


def test_a_history_is_cut_where_its_user_paused():
    log = histories([[(0, 100), (1, 160), (2, 221), (3, 222), (4, 999)], [(5, 1000), (6, 1001), (7, 2000)]])
    found = sessions(log, 60)
    # 60 seconds are no pause, 61 are. Item 4 and item 7 stand alone.
    assert items_of_each(found) == [[0, 1], [2, 3], [5, 6]]
    assert found.timestamp.tolist() == [100, 160, 221, 222, 1000, 1001]
    np.testing.assert_array_equal(found.weight, found.item_index)
    np.testing.assert_array_equal(found.rating, found.item_index)
    assert len(found.user_ids) == 3


@pytest.mark.parametrize("pause", [10, 10_000])
def test_neither_single_events_nor_whole_histories_are_sessions(pause):
    log = histories([[(0, 0), (1, 5000)], [(2, 0)], []])
    assert items_of_each(sessions(log, pause)) == []


def test_where_no_times_are_known_there_are_no_sessions():
    assert len(sessions(histories([[(0, 0), (1, 0)], [(1, 0), (2, 0)]]), 60)) == 0


def test_no_events_at_all():
    assert len(sessions(histories([[], []]), 60)) == 0
