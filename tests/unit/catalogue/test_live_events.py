from __future__ import annotations

import sqlite3
import threading

import pytest

from visrec.catalogue import events
from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.events import EventLog
from visrec.catalogue.interactions import Interaction
from visrec.catalogue.live_database import LiveDatabase
from visrec.catalogue.report import EventsRemoved
from visrec.core.errors import InputError, NotFoundError

from .toy_images import toy_inspect


@pytest.fixture
def filled(shop, write, live_url, monkeypatch):
    """A catalogue of three items, its live events in SQLite, and once more in PostgreSQL."""
    shop.ingest(items=write("items.csv", "item_id\n1\n2\na/b\n"), inspect=toy_inspect)
    if live_url is not None:
        monkeypatch.setenv("VISREC_EVENTS_URL", live_url)
    return Catalogue.open(shop._root)


@pytest.fixture
def in_file(shop, write):
    """The same, with SQLite alone."""
    shop.ingest(items=write("items.csv", "item_id\n1\n2\n"), inspect=toy_inspect)
    return shop


def test_events_are_unique_by_user_item_kind_and_time(filled):
    event = Interaction("u", "1", "view", None, 5)
    assert filled.add_events([event, event]) == 1
    assert (
        filled.add_events([event, Interaction("u", "1", "view", None, 6), Interaction("u", "1", "buy", None, 5)]) == 2
    )
    assert filled.add_events([Interaction("u", "1"), Interaction("u", "1")]) == 1
    assert filled.add_events([]) == 0
    assert len(Catalogue.open(filled._root).interactions()) == 4


def test_the_first_value_is_kept(filled):
    filled.add_events([Interaction("u", "1", "rate", 3, 5)])
    assert filled.add_events([Interaction("u", "1", "rate", 4, 5)]) == 0
    assert filled.interactions()["value"].to_pylist() == [3.0]


def test_a_read_makes_no_database(in_file):
    assert len(in_file.interactions()) == 0
    assert not (in_file._root / "events.db").exists()
    assert not (in_file._root / "live.json").exists()


def test_an_unknown_item_stores_nothing(filled):
    with pytest.raises(NotFoundError, match="'none'"):
        filled.add_events([Interaction("u", "1"), Interaction("u", "none")])
    assert len(filled.interactions()) == 0


@pytest.mark.parametrize(
    "event",
    [
        Interaction("", "1"),
        Interaction("u", ""),
        Interaction("u", "1", " "),
        Interaction("u\ud800", "1"),
        Interaction("u\0", "1"),
        Interaction("u", "1", value=float("nan")),
        Interaction("u", "1", timestamp=10**12),
    ],
)
def test_what_is_no_event(filled, event):
    with pytest.raises(InputError, match="No event was stored"):
        filled.add_events([event])
    assert len(filled.interactions()) == 0


def test_kinds_are_stored_in_lower_case(filled):
    filled.add_events([Interaction("u", "1", " Like ", timestamp=1)])
    assert filled.add_events([Interaction("u", "1", "like", timestamp=1)]) == 0
    assert filled.interactions()["kind"].to_pylist() == ["like"]


def test_the_database_is_durable(in_file):
    in_file.add_events([Interaction("u", "1")])
    with in_file.live._engine().connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() > 1000


def test_a_locked_database_is_waited_for(in_file):
    in_file.add_events([Interaction("u", "1")])
    other = sqlite3.connect(in_file._root / "events.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    assert in_file.add_events([Interaction("u", "2")]) == 1
    release.join()
    other.close()


def test_threads_write_at_the_same_time(filled):
    new = []

    def add():
        new.extend(filled.add_events([Interaction("u", "1", "view", None, second)]) for second in range(20))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(new) == 20
    assert len(filled.interactions()) == 20


def test_remove_and_count(tmp_path, live_url):
    log = EventLog(LiveDatabase(tmp_path, live_url))
    log.add([Interaction("u", "1"), Interaction("u", "2"), Interaction("v", "1")])
    assert (log.count(), log.count(user_id="u"), log.count(item_id="1")) == (3, 2, 2)
    assert log.remove() == 0
    assert log.remove(item_id="1") == 2
    assert [row["item_id"] for row in log.read().to_pylist()] == ["2"]
    assert log.remove(user_id="u") == 1
    assert len(log.read()) == 0
    log.add([Interaction("u", "1", kind) for kind in ("like", "buy")] + [Interaction("v", "1"), Interaction("u", "2")])
    assert log.remove(user_id="u", item_id="1", kind="buy") == 1
    assert log.remove(user_id="u", item_id="1") == 1
    assert [(row["user_id"], row["item_id"]) for row in log.read().to_pylist()] == [("v", "1"), ("u", "2")]


def test_events_of_users(tmp_path, live_url, monkeypatch):
    log = EventLog(LiveDatabase(tmp_path, live_url))
    log.add([Interaction("u", "2", timestamp=9), Interaction("v", "1"), Interaction("u", "1", timestamp=3)])
    theirs = [("2", 9), ("1", 3)]
    assert [(row["item_id"], row["timestamp"]) for row in log.read(["u"]).to_pylist()] == theirs
    assert len(log.read([])) == len(log.read(["nobody", "\0", "\ud800"])) == 0
    monkeypatch.setattr(events, "_MANY_USERS", 1)
    assert [(row["item_id"], row["timestamp"]) for row in log.read(["x", "\0", "u"]).to_pylist()] == theirs


def test_the_range_of_values(tmp_path, live_url):
    log = EventLog(LiveDatabase(tmp_path, live_url))
    log.add([Interaction("u", "1", "rate", value) for value in (3.5, None)])
    log.add([Interaction("v", "1", "rate", 1), Interaction("u", "1", "buy", 99)])
    assert log.values_range("rate") == (1.0, 3.5)
    assert log.values_range("view") is None


def test_overwriting_takes_the_new_value(tmp_path, live_url):
    log = EventLog(LiveDatabase(tmp_path, live_url))
    first, second = Interaction("u", "1", "rate", 1, 5), Interaction("u", "1", "rate", 2, 5)
    assert log.add([first, second], overwrite=True) == 1
    assert log.read()["value"].to_pylist() == [2]
    assert log.add([first], overwrite=True) == 1
    assert log.read()["value"].to_pylist() == [1]


def test_remove_item(filled, write, tmp_path):
    filled.ingest(interactions=write("x.csv", "user_id,item_id\nu,1\nu,2\nv,1\n"), inspect=toy_inspect)
    filled.add_events([Interaction("w", "1"), Interaction("w", "2")])
    removed = filled.remove_item("1")
    assert (removed.items, removed.images, removed.interactions) == (1, 0, 3)
    reopened = Catalogue.open(filled._root)
    assert reopened.items()["item_id"].to_pylist() == ["2", "a/b"]
    assert set(reopened.interactions()["item_id"].to_pylist()) == {"2"}
    with pytest.raises(NotFoundError):
        reopened.add_events([Interaction("u", "1")])
    with pytest.raises(NotFoundError, match="no item '1'"):
        reopened.remove_item("1")
    reopened.ingest(items=write("items.csv", "item_id\n1\n"), inspect=toy_inspect)
    assert set(reopened.interactions()["item_id"].to_pylist()) == {"2"}


def test_events_are_taken_back_and_ingested_ones_stay(filled, write):
    filled.ingest(
        interactions=write("x.csv", "user_id,item_id,kind,value,timestamp\nu,1,rate,3,5\nu,2,like,,\n"),
        inspect=toy_inspect,
    )
    filled.add_events([Interaction("u", "1", "rate", 1, 5), Interaction("u", "1"), Interaction("v", "1")])
    assert len(filled.interactions()) == 4
    assert filled.remove_events("u", "1", " Like ") == EventsRemoved(removed=1, kept=0)
    assert filled.remove_events("u", "1", "like") == EventsRemoved(removed=0, kept=0)
    # The file's value counts again.
    assert filled.remove_events("u", "1") == EventsRemoved(removed=1, kept=1)
    assert filled.remove_events("u", "2") == EventsRemoved(removed=0, kept=1)
    rows = [(row["user_id"], row["item_id"], row["value"]) for row in filled.interactions().to_pylist()]
    assert rows == [("u", "1", 3), ("u", "2", None), ("v", "1", None)]
    for ids in (("nobody", "1"), ("u", "nothing"), ("\ud800", "1"), ("u", "\0")):
        assert filled.remove_events(*ids) == EventsRemoved(removed=0, kept=0)


def test_taking_back_makes_no_database(in_file):
    assert in_file.remove_events("u", "1") == EventsRemoved(removed=0, kept=0)
    assert not (in_file._root / "events.db").exists()


def test_remove_user(filled, write):
    filled.ingest(interactions=write("x.csv", "user_id,item_id\nu,1\nu,2\nv,1\n"), inspect=toy_inspect)
    filled.add_events([Interaction("u", "a/b"), Interaction("live", "2")])
    assert filled.remove_user("u").interactions == 3
    assert sorted(Catalogue.open(filled._root).interactions()["user_id"].to_pylist()) == ["live", "v"]
    assert filled.remove_user("live").interactions == 1
    for unknown in ("u", "nobody", "\ud800", ""):
        with pytest.raises(NotFoundError):
            filled.remove_user(unknown)


def test_remove_item_that_is_no_text(filled):
    with pytest.raises(NotFoundError):
        filled.remove_item("\ud800")


def test_an_event_that_comes_during_a_removal_goes_too(filled, monkeypatch):
    filled.add_events([Interaction("u", "1")])
    switch = filled._switch

    def switch_late(old, new):
        filled._events.add([Interaction("late", "1")])
        switch(old, new)

    monkeypatch.setattr(filled, "_switch", switch_late)
    assert filled.remove_item("1").interactions == 2
    assert filled._events.count() == 0


def test_an_unknown_time_is_not_the_epoch(filled):
    filled.add_events([Interaction("u", "1", timestamp=None), Interaction("u", "1", timestamp=0)])
    assert filled.interactions()["timestamp"].to_pylist() == [None, 0]
