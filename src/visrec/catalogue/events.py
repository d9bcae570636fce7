"""The live event log: the one table of a workspace that many processes write to.

SQLite by default; any database that SQLAlchemy opens and that knows ON CONFLICT DO NOTHING (PostgreSQL) by URL.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from visrec.catalogue.interactions import INTERACTION_KEY, INTERACTION_SCHEMA, Interaction
from visrec.core.errors import WorkspaceError

__all__ = ["EventLog", "open_engine"]

#: Stands for "unknown" in the database: NULLs would never be equal, and such an event never unique.
_UNKNOWN_TIME = -(2**63)
_BUSY_MILLISECONDS = 30_000

_METADATA = sql.MetaData()
_EVENTS = sql.Table(
    "events",
    _METADATA,
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("user_id", sql.Text, nullable=False),
    sql.Column("item_id", sql.Text, nullable=False, index=True),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("value", sql.Double, nullable=True),
    sql.Column("timestamp", sql.BigInteger, nullable=False),
    sql.UniqueConstraint("user_id", "item_id", "kind", "timestamp"),
    # The lowest and the highest rating are read with every recommendation.
    sql.Index("events_kind_value", "kind", "value"),
)
_INSERTS: dict[str, Callable[[sql.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


#: Made once: putting a statement together takes longer than SQLite takes to answer it.
_ALL = sql.select(*(_EVENTS.c[name] for name in INTERACTION_SCHEMA.names)).order_by(_EVENTS.c.id)
_OF_USERS = _ALL.where(_EVENTS.c.user_id.in_(sql.bindparam("user_ids", expanding=True)))
_VALUES = (
    sql.select(_EVENTS.c.value).where(_EVENTS.c.kind == sql.bindparam("kind"), _EVENTS.c.value.is_not(None)).limit(1)
)
_RANGE = sql.select(
    _VALUES.order_by(_EVENTS.c.value).scalar_subquery(), _VALUES.order_by(_EVENTS.c.value.desc()).scalar_subquery()
)


class EventLog:
    """Events since the last ingest, unique by user, item, kind and time.

    Args:
        url: SQLAlchemy URL of the database; its table is made when absent.

    Raises:
        WorkspaceError: when the database cannot be opened.
    """

    def __init__(self, url: str | sql.URL) -> None:
        self._engine = open_engine(sql.make_url(url))
        if self._engine.dialect.name not in _INSERTS:
            raise WorkspaceError(
                f"Expected an event log in {' or '.join(_INSERTS)}, got {self._engine.dialect.name}. Give another URL."
            )
        # Closes the pooled connections when the log is no longer used.
        weakref.finalize(self, self._engine.dispose)
        self._insert = _INSERTS[self._engine.dialect.name]
        try:
            # Not create_all(): two processes that both find no table would both make it.
            with self._engine.begin() as connection:
                connection.execute(sql.schema.CreateTable(_EVENTS, if_not_exists=True))
                for index in _EVENTS.indexes:
                    connection.execute(sql.schema.CreateIndex(index, if_not_exists=True))
        except sql.exc.SQLAlchemyError as error:
            raise WorkspaceError(f"The event log {self._engine.url} cannot be opened: {error}.") from error

    @classmethod
    def in_file(cls, path: Path) -> EventLog:
        """The log in a SQLite file."""
        return cls(sql.URL.create("sqlite", database=str(path)))

    def add(self, events: Sequence[Interaction], *, overwrite: bool = False) -> int:
        """Store events; they survive a power loss once this returns.

        Args:
            events: what was done; one that is already stored counts once.
            overwrite: it takes the new value; otherwise it keeps its first.

        Returns:
            How many were stored: new ones, and with `overwrite` those that were there too.

        Raises:
            WorkspaceError: when the database refuses them all; then none is stored.
        """
        if not events:
            return 0
        rows = [
            {
                "user_id": event.user_id,
                "item_id": event.item_id,
                "kind": event.kind,
                "value": event.value,
                "timestamp": _UNKNOWN_TIME if event.timestamp is None else event.timestamp,
            }
            for event in events
        ]
        insert = self._insert(_EVENTS)
        if overwrite:
            # Of repeats in one call the last counts: a statement may not change a row twice.
            rows = list({tuple(row[name] for name in INTERACTION_KEY): row for row in rows}.values())
            statement = insert.on_conflict_do_update(
                index_elements=list(INTERACTION_KEY), set_={"value": insert.excluded.value}
            )
        else:
            statement = insert.on_conflict_do_nothing()
        try:
            with self._engine.begin() as connection:
                return int(connection.execute(statement, rows).rowcount)
        except sql.exc.SQLAlchemyError as error:
            raise WorkspaceError(f"The event log did not take {len(rows)} events: {error}. None was stored.") from error

    def read(self, user_ids: Sequence[str] | None = None) -> pa.Table:
        """All events, or those of some users, in the order in which they came, as `INTERACTION_SCHEMA`."""
        with self._engine.connect() as connection:
            if user_ids is None:
                rows = connection.execute(_ALL).all()
            else:
                rows = connection.execute(_OF_USERS, {"user_ids": list(user_ids)}).all()
        if not rows:
            return INTERACTION_SCHEMA.empty_table()
        user_id, item_id, kind, value, timestamp = zip(*rows, strict=True)
        times = [None if time == _UNKNOWN_TIME else time for time in timestamp]
        return pa.table([user_id, item_id, kind, value, times], schema=INTERACTION_SCHEMA)

    def values_range(self, kind: str) -> tuple[float, float] | None:
        """The lowest and the highest value of the events of a kind; None where none has a value."""
        with self._engine.connect() as connection:
            lowest, highest = connection.execute(_RANGE, {"kind": kind}).one()
        return None if lowest is None else (float(lowest), float(highest))

    def count(self, *, user_id: str | None = None, item_id: str | None = None) -> int:
        """How many events there are; of one user, of one item, or of all."""
        query = sql.select(sql.func.count()).select_from(_EVENTS)
        with self._engine.connect() as connection:
            return int(connection.execute(_of(query, user_id, item_id)).scalar_one())

    def remove(self, *, user_id: str | None = None, item_id: str | None = None) -> int:
        """Delete the events of one user or of one item; returns how many there were."""
        if user_id is None and item_id is None:
            return 0
        with self._engine.begin() as connection:
            return int(connection.execute(_of(sql.delete(_EVENTS), user_id, item_id)).rowcount)


def _of(statement: Any, user_id: str | None, item_id: str | None) -> Any:
    if user_id is not None:
        statement = statement.where(_EVENTS.c.user_id == user_id)
    if item_id is not None:
        statement = statement.where(_EVENTS.c.item_id == item_id)
    return statement


def open_engine(url: sql.URL) -> sql.Engine:
    """A database for many processes: in SQLite, writers wait for each other, and what is acknowledged is on disk."""
    # Pooled connections make an event 14 times faster than opening the file for each.
    engine = sql.create_engine(url)
    if url.get_backend_name() != "sqlite":
        return engine

    @sql.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        # Waiting comes first: switching to WAL itself needs the lock.
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine
