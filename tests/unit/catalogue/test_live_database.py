"""The database for what is written while serving: opened late, shared by processes, honest when it fails."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
import traceback

import psycopg
import pytest
import sqlalchemy as sql

from postgres_server import PASSWORD
from visrec.catalogue import live_engine
from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.events import EventLog
from visrec.catalogue.interactions import Interaction
from visrec.catalogue.live_database import LiveDatabase
from visrec.catalogue.live_tables import EVENTS, METADATA
from visrec.core.errors import MissingExtraError, StorageFullError, UnavailableError, VisrecError, WorkspaceError

ROW = {"user_id": "u", "item_id": "1", "value": None, "timestamp": 5}
WRONG = "s3" + "cret"
EVENT = Interaction("u", "1", timestamp=5)
_KILL = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
    "WHERE datname = '{}' AND application_name = 'visrec' AND pid <> pg_backend_pid()"
)
WRITER = """
import sys
from pathlib import Path
from visrec.catalogue.events import EventLog
from visrec.catalogue.interactions import Interaction
from visrec.catalogue.live_database import LiveDatabase
root, url, name = sys.argv[1:]
log = EventLog(LiveDatabase(Path(root), url or None))
for time in range(40):
    # In opposite orders, so that transactions can get in each other's way.
    users = ["u", "v", "w", name] if name > "2" else [name, "w", "v", "u"]
    log.add([Interaction(user, "1", timestamp=time) for user in users])
"""


@pytest.fixture
def log(tmp_path, live_url):
    return EventLog(LiveDatabase(tmp_path, live_url))


def test_a_shop_without_live_events_imports_no_sqlalchemy(tmp_path):
    Catalogue.create(tmp_path / "shop")
    code = (
        "import sys, visrec; from visrec.catalogue.catalogue import Catalogue; from pathlib import Path\n"
        f"shop = Catalogue.open(Path({str(tmp_path / 'shop')!r})); shop.interactions(); shop.live.where\n"
        "assert not shop.live.exists(); sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["catalogue"]


def test_many_processes_begin_and_write_at_once(tmp_path, live_url):
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, live_url or "", str(number)], stderr=subprocess.PIPE)
        for number in range(4)
    ]
    assert [process.communicate()[1] for process in started] == [b""] * 4
    log = EventLog(LiveDatabase(tmp_path, live_url))
    assert log.count() == len(log.read()) == 40 * (3 + 4)
    assert log.count(user_id="u") == 40


def test_what_one_writes_the_other_reads_at_once(tmp_path, live_url):
    one, other = (EventLog(LiveDatabase(tmp_path, live_url)) for _ in range(2))
    assert one.count() == other.count() == 0
    one.add([EVENT])
    assert other.read().to_pylist() == one.read().to_pylist()
    assert other.remove(user_id="u") == 1
    assert one.count() == 0


def test_a_further_table_is_made_in_a_database_that_is_there(tmp_path, live_url, log):
    log.add([EVENT])
    more = sql.Table("more", METADATA, sql.Column("id", sql.Integer, primary_key=True))
    try:
        database = LiveDatabase(tmp_path, live_url)
        assert database.write(database.insert(more).on_conflict_do_nothing(), [{"id": 1}, {"id": 2}, {"id": 1}]) == 2
        assert [row.id for row in database.read(more.select().where(more.c.id > sql.bindparam("n")), {"n": 1})] == [2]
    finally:
        METADATA.remove(more)
    assert log.count() == 1


def test_a_statement_is_stored_for_all_rows_or_for_none(log):
    bad = [{**row, "kind": kind} for row, kind in ((ROW, "like"), (ROW, None))]
    with pytest.raises(WorkspaceError, match="Nothing was acknowledged"):
        log._database.write(sql.insert(EVENTS), bad)
    assert log.count() == 0


# ---------------------------------------------------------------------- files


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "events.db").write_bytes(b"not a database, but long enough to be taken for one" * 20)
    with pytest.raises(WorkspaceError, match=r"events\.db cannot be used: file is not a database"):
        EventLog(LiveDatabase(tmp_path)).count()


def test_a_full_disk_stores_nothing_and_says_so(tmp_path):
    log = EventLog(LiveDatabase(tmp_path))
    log.add([EVENT])

    @sql.event.listens_for(log._database._engine(), "begin")
    def _fill(connection):
        # SQLite then answers as it does on a full disk.
        connection.connection.execute("PRAGMA max_page_count=1")

    many = [Interaction("u" * 1000, "1", timestamp=time) for time in range(100)]
    with pytest.raises(StorageFullError, match=r"events\.db has no room left: database or disk is full"):
        log.add(many)
    assert log.count() == 1


def test_a_disk_that_takes_no_more_bytes(tmp_path):
    log = EventLog(LiveDatabase(tmp_path))
    log.add([EVENT])
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from visrec.catalogue.events import EventLog; from visrec.catalogue.live_database import LiveDatabase\n"
        "from visrec.catalogue.interactions import Interaction; from visrec.core.errors import StorageFullError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        f"log = EventLog(LiveDatabase(Path({str(tmp_path)!r})))\n"
        "try: log.add([Interaction('u' * 1000, '1', timestamp=time) for time in range(200)])\n"
        "except StorageFullError as error: print(error, log.count()); sys.exit(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert done.stdout.endswith(" 1\n")
    assert log.add([EVENT, Interaction("v", "1")]) == 1


def test_a_file_that_stays_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(live_engine, "_BUSY_MILLISECONDS", 100)
    log = EventLog(LiveDatabase(tmp_path))
    log.add([EVENT])
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="not reached or busy: database is locked"):
        log.add([Interaction("v", "1")])
    assert log.count() == 1
    other.execute("COMMIT")
    other.close()
    assert log.add([Interaction("v", "1")]) == 1


def test_a_file_that_is_locked_while_it_is_opened_is_waited_for(tmp_path):
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    assert EventLog(LiveDatabase(tmp_path)).add([EVENT]) == 1
    release.join()
    other.close()


# ------------------------------------------------------------ databases by URL


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _told(error: pytest.ExceptionInfo[VisrecError]) -> str:
    """A message, which never holds the password; and neither does what a log would show of it."""
    shown = "".join(traceback.format_exception(error.value))
    for secret in (PASSWORD, PASSWORD.replace(" ", "%20"), WRONG):
        assert secret not in shown
    return str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@host/shop",
        "s3cret",
        "postgresql://u:s3cret@host:port/shop",
        "sqlite://",
        "postgresql+pg8000://",
    ],
)
def test_a_url_of_no_database_that_is_known(tmp_path, url):
    database = LiveDatabase(tmp_path, url)
    for used in (database.connect, lambda: database.where, lambda: EventLog(database).count()):
        with pytest.raises(WorkspaceError) as error:
            used()
        assert "Expected postgresql://USER:PASSWORD@HOST/DATABASE in VISREC_EVENTS_URL" in _told(error)


def test_where_it_is_hides_every_password(tmp_path):
    url = "postgres://u:s3cret@host/shop?sslpassword=s3cret&sslmode=require"
    shown = LiveDatabase(tmp_path, url).where
    assert "s3cret" not in shown
    assert shown.startswith("postgresql+psycopg://u:***@host/shop?")
    assert LiveDatabase(tmp_path).where == str(tmp_path / "events.db")


def test_a_server_that_is_not_there(tmp_path):
    database = LiveDatabase(tmp_path, "postgresql://u:s3cret@127.0.0.1:1/shop")
    with pytest.raises(UnavailableError) as error:
        EventLog(database).count()
    assert re.search(r"u:\*\*\*@127.0.0.1:1/shop is not reached or busy: .*refused", _told(error))
    # Nothing was begun there, so the shop's own file is still in use.
    assert EventLog(LiveDatabase(tmp_path)).add([EVENT]) == 1


def test_who_waits_behind_a_failed_opening_fails_with_it(tmp_path, monkeypatch):
    database, opened, inside = LiveDatabase(tmp_path, "postgresql://u@127.0.0.1:1/shop"), [], threading.Event()

    def fail():
        opened.append(1)
        inside.set()
        # Until the others stand in line.
        threading.Event().wait(0.3)
        raise UnavailableError("down")

    monkeypatch.setattr(database, "_open", fail)
    told = []

    def ask():
        with pytest.raises(UnavailableError, match="down"):
            database.connect()
        told.append(1)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    threads[0].start()
    inside.wait()
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(told), len(opened)) == (5, 1)
    with pytest.raises(UnavailableError):
        database.connect()
    assert len(opened) == 2


def test_the_driver_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'visrec\[postgres\]'"):
        LiveDatabase(tmp_path, "postgresql://u@host/shop").connect()


def test_a_wrong_password_and_an_unknown_database(tmp_path, postgres):
    with pytest.raises(UnavailableError) as error:
        LiveDatabase(tmp_path, postgres.url("postgres", WRONG)).connect()
    assert "password authentication failed" in _told(error)
    with pytest.raises(UnavailableError) as error:
        LiveDatabase(tmp_path, postgres.url("nowhere")).connect()
    assert 'database "nowhere" does not exist' in _told(error)


def test_another_shops_database_is_refused(tmp_path, postgres_url):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    EventLog(LiveDatabase(tmp_path / "one", postgres_url)).add([EVENT])
    with pytest.raises(WorkspaceError) as error:
        EventLog(LiveDatabase(tmp_path / "two", postgres_url)).count()
    assert "holds the live events of another shop" in _told(error)
    # The refusal left no mark: the second shop goes on with its own file.
    assert EventLog(LiveDatabase(tmp_path / "two")).add([EVENT]) == 1


def test_tables_are_made_by_one_at_a_time(tmp_path, postgres, postgres_url):
    name, waiting = _name(postgres_url), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    database = LiveDatabase(tmp_path, postgres_url)
    opening = threading.Thread(target=database.connect)
    with psycopg.connect(postgres_url) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({live_engine._SCHEMA_LOCK})")
        opening.start()
        until = time.monotonic() + 10
        while postgres.execute(name, waiting) != [(1,)]:
            assert time.monotonic() < until
        assert postgres.execute(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    opening.join()
    assert EventLog(database).count() == 0


def test_tables_of_somebody_else_are_left_alone(tmp_path, postgres, postgres_url):
    name = _name(postgres_url)
    postgres.execute(name, "CREATE TABLE events (id int)")
    with pytest.raises(WorkspaceError, match="has tables of somebody else: events"):
        LiveDatabase(tmp_path, postgres_url).connect()
    assert postgres.execute(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_what_the_file_held_moves_in_once(tmp_path, postgres_url):
    before = EventLog(LiveDatabase(tmp_path))
    events = [Interaction("u", "2", "rate", 3, 9), Interaction("v", "1"), Interaction("u", "1", "view", None, 3)]
    before.add(events)
    rows = before.read().to_pylist()
    after = EventLog(LiveDatabase(tmp_path, postgres_url))
    assert after.read().to_pylist() == rows
    assert after.add([events[0], EVENT]) == 1
    assert after.remove(user_id="v") == 1
    assert EventLog(LiveDatabase(tmp_path, postgres_url)).count() == 3


def test_no_command_writes_past_the_database(tmp_path, postgres_url):
    file = EventLog(LiveDatabase(tmp_path))
    assert file.count() == 0
    EventLog(LiveDatabase(tmp_path, postgres_url)).add([EVENT])
    database = LiveDatabase(tmp_path)
    for used in (database.exists, database.connect, lambda: database.where, lambda: EventLog(database).add([EVENT])):
        with pytest.raises(WorkspaceError) as error:
            used()
        assert re.search(r"are kept in postgresql.*u?:\*\*\*@.*, and VISREC_EVENTS_URL is not set", _told(error))
    # Nor does one that opened the file before.
    with pytest.raises(WorkspaceError, match="VISREC_EVENTS_URL is not set"):
        file.add([EVENT])


def test_a_damaged_claim(tmp_path):
    for content in ("{", "[]", json.dumps({"database": "x"})):
        (tmp_path / "live.json").write_text(content)
        with pytest.raises(WorkspaceError, match=r"live\.json is damaged"):
            LiveDatabase(tmp_path).exists()


def test_a_server_that_restarts(tmp_path, postgres, postgres_url):
    log = EventLog(LiveDatabase(tmp_path, postgres_url))
    log.add([EVENT])
    postgres.stop("immediate")
    try:
        with pytest.raises(UnavailableError, match="no answer"):
            log.read()
        with pytest.raises(UnavailableError, match="Nothing was acknowledged"):
            log.add([Interaction("v", "1")])
    finally:
        postgres.start()
    assert log.read()["user_id"].to_pylist() == ["u"]
    assert log.add([EVENT, Interaction("v", "1")]) == 1
    # Restarted between two uses: neither notices.
    postgres.stop()
    postgres.start()
    assert log.remove(user_id="v") == 1


def test_a_read_is_tried_again_where_its_connection_dies_under_it(tmp_path, postgres, postgres_url):
    log = EventLog(LiveDatabase(tmp_path, postgres_url))
    log.add([EVENT])
    name, n_killed = _name(postgres_url), 0

    @sql.event.listens_for(log._database._engine(), "before_cursor_execute")
    def _kill(*_):
        nonlocal n_killed
        if n_killed == 0:
            n_killed += len(postgres.execute("postgres", _KILL.format(name)))

    assert log.count() == 1
    assert n_killed == 1
    n_killed = 0
    with pytest.raises(UnavailableError, match="Nothing was acknowledged"):
        log.add([Interaction("v", "1")])
    assert log.count() == 1


def test_a_read_is_tried_again_once(tmp_path, postgres, postgres_url):
    log, tried = EventLog(LiveDatabase(tmp_path, postgres_url)), []
    log.add([EVENT])

    @sql.event.listens_for(log._database._engine(), "before_cursor_execute")
    def _kill(*_):
        tried.append(postgres.execute("postgres", _KILL.format(_name(postgres_url))))

    with pytest.raises(UnavailableError, match="there is no answer"):
        log.count()
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("state", "kind"),
    [("53100", StorageFullError), ("55P03", UnavailableError), ("25006", UnavailableError), ("42501", WorkspaceError)],
)
def test_what_the_servers_errors_become(tmp_path, postgres, postgres_url, state, kind):
    log = EventLog(LiveDatabase(tmp_path, postgres_url))
    log.add([EVENT])
    name = _name(postgres_url)
    postgres.execute(
        name,
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$",
    )
    postgres.execute(name, "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()")
    with pytest.raises(kind, match="refused") as error:
        log.add([Interaction("v", "1")])
    assert type(error.value) is kind
    assert log.count() == 1


def test_a_deadlock_is_tried_again(tmp_path, postgres, postgres_url):
    log = EventLog(LiveDatabase(tmp_path, postgres_url))
    log.add([EVENT])
    name = _name(postgres_url)
    postgres.execute(name, "CREATE SEQUENCE n")
    postgres.execute(
        name,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('n') < 3 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$",
    )
    postgres.execute(name, "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()")
    assert log.add([Interaction("v", "1")]) == 1
    assert postgres.execute(name, "SELECT last_value FROM n") == [(3,)]


def test_what_is_acknowledged_is_on_disk_and_no_call_lasts_for_ever(tmp_path, postgres, postgres_url):
    name = _name(postgres_url)
    postgres.execute("postgres", f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    database = LiveDatabase(tmp_path, postgres_url)
    for setting, expected in (("synchronous_commit", "on"), ("statement_timeout", "30s"), ("lock_timeout", "20s")):
        assert database.read(sql.text(f"SHOW {setting}"))[0][0] == expected
