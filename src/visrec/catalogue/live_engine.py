"""The differences between SQLite and PostgreSQL: how each is opened, locked, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from visrec.core.errors import MissingExtraError, StorageFullError, UnavailableError, VisrecError, WorkspaceError

__all__ = [
    "INSERTS",
    "in_file",
    "is_conflict",
    "lock_schema",
    "open_engine",
    "parse_url",
    "reading",
    "shown",
    "translated",
    "writing",
]

#: Inserts that know ON CONFLICT, by dialect.
INSERTS: dict[str, Callable[[sql.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

#: Option of a connection that is about to write.
_WRITES = "visrec_writes"

_BUSY_MILLISECONDS = 30_000
#: Any number will do, as long as every visrec takes the same: "visrec" in ASCII.
_SCHEMA_LOCK = 0x766973726563
#: Of libpq, where the URL does not say otherwise. A server that vanished is noticed after seconds, not hours, and what
#: is acknowledged is on disk even where the server's own setting is laxer.
_POSTGRESQL = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "visrec",
    "options": "-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=20000",
}
_EXPECTED = "Expected postgresql://USER:PASSWORD@HOST/DATABASE"


def in_file(path: str) -> sql.URL:
    """The URL of a SQLite file."""
    return sql.URL.create("sqlite", database=path)


def parse_url(text: str) -> sql.URL:
    """A URL as it is given, with the driver that is used.

    Raises:
        WorkspaceError: when it is none, or of another database; it is not repeated, for it may hold a password.
    """
    try:
        url = sql.make_url(text)
    except (exc.ArgumentError, ValueError):
        # The cause would show the URL.
        raise WorkspaceError(f"{_EXPECTED} in VISREC_EVENTS_URL, got something that is no such URL.") from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database:
        return url
    raise WorkspaceError(f"{_EXPECTED} in VISREC_EVENTS_URL, got a URL of {url.drivername}.")


def shown(url: sql.URL) -> str:
    """A URL as it may be shown: without passwords."""
    secret = {name: "***" for name in url.query if "password" in name}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def open_engine(url: sql.URL) -> sql.Engine:
    """A database for many threads of many processes.

    In SQLite, writers wait for each other, and what is acknowledged is on disk.

    Raises:
        MissingExtraError: when the driver of PostgreSQL is not installed.
    """
    # Pooled connections make an event 14 times faster than opening the file for each.
    if url.get_backend_name() == "sqlite":
        engine = sql.create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})
        sql.event.listen(engine, "connect", _set_up_sqlite)
        sql.event.listen(engine, "begin", _begin_sqlite)
        return engine
    settings = {name: value for name, value in _POSTGRESQL.items() if name not in url.query}
    try:
        return sql.create_engine(
            url, hide_parameters=True, connect_args=settings, pool_pre_ping=True, pool_timeout=10, pool_recycle=1800
        )
    except ImportError as error:
        raise MissingExtraError("Live events in PostgreSQL (VISREC_EVENTS_URL)", "postgres") from error


def reading(engine: sql.Engine) -> sql.Engine:
    """For single statements that read, without the round trips of a transaction around each."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="AUTOCOMMIT")


def writing(engine: sql.Engine) -> sql.Engine:
    """For transactions that write, and tell how many rows they inserted."""
    return engine.execution_options(preserve_rowcount=True, **{_WRITES: True})


def lock_schema(connection: sql.Connection) -> None:
    """Until the end of the transaction nobody else makes tables; SQLite's writers exclude each other as it is."""
    if connection.dialect.name == "postgresql":
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # Transactions begin where we say so, tables included: the driver would leave CREATE out of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Waiting comes first: switching to WAL itself needs the lock.
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: sql.Connection) -> None:
    # A statement that reads is a transaction of its own. One that writes asks for the lock at once: a transaction that
    # begins by reading and then cannot write does not wait, but fails.
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


# --------------------------------------------------------------------- errors


def is_conflict(error: exc.SQLAlchemyError) -> bool:
    """Whether two transactions got in each other's way, and this one was undone to let the other go on."""
    return _state(error) in ("40001", "40P01")


def translated(error: exc.SQLAlchemyError, where: str, so: str) -> VisrecError:
    """What went wrong in a database, as one of our errors.

    Args:
        error: what SQLAlchemy raised.
        where: the database, as it may be shown.
        so: what follows from it for the caller, a sentence.
    """
    reason = " ".join(str(getattr(error, "orig", None) or error).split()).rstrip(".")
    if _is_full(error):
        return StorageFullError(f"{where} has no room left: {reason}. {so} Free space on its disk.")
    if _may_pass(error):
        return UnavailableError(f"{where} is not reached or busy: {reason}. {so} Try again later.")
    return WorkspaceError(f"{where} cannot be used: {reason}. {so} Check the database and what may be done in it.")


def _state(error: exc.SQLAlchemyError) -> str | None:
    """SQLSTATE, five characters; None where the database does not give one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _sqlite_code(error: exc.SQLAlchemyError) -> int:
    return getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) or 0


def _is_full(error: exc.SQLAlchemyError) -> bool:
    # A disk that is full while the shared memory of the WAL grows, or that fails, is told as an I/O error of a write.
    return _state(error) == "53100" or _sqlite_code(error) in _SQLITE_FULL


def _may_pass(error: exc.SQLAlchemyError) -> bool:
    if isinstance(error, exc.TimeoutError):
        # All connections are in use.
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    state = _state(error)
    if state is not None:
        return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_code(error) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
    # No answer came from the server, or none that says more.
    return error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError)


_SQLITE_FULL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)
#: Connections, undone transactions, a lack of memory or connections, an operator's hand, the system below.
_PASSING_CLASSES = frozenset({"08", "40", "53", "57", "58"})
#: Locked for too long; a standby that takes no writes yet.
_PASSING_STATES = frozenset({"55P03", "25006"})
