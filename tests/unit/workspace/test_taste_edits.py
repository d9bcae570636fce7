"""What users took out of their profiles."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.catalogue.live_database import LiveDatabase
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.workspace.taste_edits import EVERYTHING, TasteEdits

ITEMS = IdMap(["a", "b", "c"])


@pytest.fixture
def database(tmp_path, live_url):
    return LiveDatabase(tmp_path, live_url)


@pytest.fixture
def histories():
    """u: a at 1, b at 2, a at 9; v: a at 1, c at 0 (unknown)."""
    return Histories.from_events(
        IdMap(["u", "v"]),
        3,
        np.array([0, 0, 0, 1, 1]),
        np.array([0, 1, 0, 0, 2], dtype=np.int32),
        np.array([1, -1, 0.5, 1, 1], dtype=np.float32),
        np.array([1, 2, 9, 1, 0]),
        np.array([5, np.nan, 4, 3, 2], dtype=np.float32),
    )


def test_left_out_events_are_seen_and_nothing_more(histories, database):
    edits = TasteEdits(database)
    assert edits.apply(histories, ITEMS) is histories
    assert not list(database._root.glob("*.db"))
    edits.leave_out("u", {"a": 5, "gone": 5})
    edited = edits.apply(histories, ITEMS)
    # v's events come in the order of time: c, then a.
    assert edited.weight.tolist() == [0, -1, 0.5, 1, 1]
    np.testing.assert_array_equal(edited.rating, np.array([np.nan, np.nan, 4, 2, 3], dtype=np.float32))
    assert edited.item_index.tolist() == histories.item_index.tolist()
    assert histories.weight.tolist() == [1, -1, 0.5, 1, 1]
    one = histories.take(np.array([1]))
    assert edits.apply(one, ITEMS) is one


def test_everything_until_a_time(histories, database):
    edits = TasteEdits(database)
    edits.leave_out("u", {EVERYTHING: 2})
    edits.leave_out("v", {EVERYTHING: 0})
    assert edits.apply(histories, ITEMS).weight.tolist() == [0, 0, 0.5, 0, 1]
    edits.leave_out("u", {"a": 9})
    assert edits.apply(histories, ITEMS).weight.tolist() == [0, 0, 0, 0, 1]


def test_they_are_kept_and_the_later_time_counts(database, tmp_path, live_url):
    edits = TasteEdits(database)
    edits.leave_out("u", {"a": 5, "b": 5})
    edits.leave_out("u", {"a": 3, "b": 8})
    edits.leave_out("u", {})
    again = TasteEdits(LiveDatabase(tmp_path, live_url))
    assert again.of("u") == edits.of("u") == {"a": 5, "b": 8}
    assert again.of("v") == {}
    assert again.forget("u") == 2
    assert edits.of("u") == {}
    assert edits.forget("u") == edits.forget("\0") == 0
    assert edits.of("\0") == {}
