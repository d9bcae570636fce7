"""The live event log: what users did since the last ingest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sql

from visrec.catalogue.interactions import INTERACTION_KEY, INTERACTION_SCHEMA, Interaction, is_text
from visrec.catalogue.live_database import LiveDatabase
from visrec.catalogue.live_tables import EVENTS

__all__ = ["EventLog"]

#: Stands for "unknown" in the database: NULLs would never be equal, and such an event never unique.
_UNKNOWN_TIME = -(2**63)
#: Of more users than this, all events are read and theirs picked out: a statement takes so many parameters, no more.
_MANY_USERS = 10_000

#: Made once: putting a statement together takes longer than SQLite takes to answer it.
_ALL = sql.select(*(EVENTS.c[name] for name in INTERACTION_SCHEMA.names)).order_by(EVENTS.c.id)
_OF_USERS = _ALL.where(EVENTS.c.user_id.in_(sql.bindparam("user_ids", expanding=True)))
_VALUES = sql.select(EVENTS.c.value).where(EVENTS.c.kind == sql.bindparam("kind"), EVENTS.c.value.is_not(None)).limit(1)
_RANGE = sql.select(
    _VALUES.order_by(EVENTS.c.value).scalar_subquery(), _VALUES.order_by(EVENTS.c.value.desc()).scalar_subquery()
)


class EventLog:
    """Events since the last ingest, unique by user, item, kind and time.

    Every method raises as `LiveDatabase.read` and `LiveDatabase.write` do.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: LiveDatabase) -> None:
        self._database = database

    def add(self, events: Sequence[Interaction], *, overwrite: bool = False) -> int:
        """Store events, all or none; they survive a power loss once this returns.

        Args:
            events: what was done; one that is already stored counts once.
            overwrite: it takes the new value; otherwise it keeps its first.

        Returns:
            How many were stored: new ones, and with `overwrite` those that were there too.
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
        insert = self._database.insert(EVENTS)
        if not overwrite:
            return self._database.write(insert.on_conflict_do_nothing(), rows)
        # Of repeats in one call the last counts, and counts once.
        rows = list({tuple(row[name] for name in INTERACTION_KEY): row for row in rows}.values())
        newer = insert.on_conflict_do_update(
            index_elements=list(INTERACTION_KEY), set_={"value": insert.excluded.value}
        )
        return self._database.write(newer, rows)

    def read(self, user_ids: Sequence[str] | None = None) -> pa.Table:
        """All events, or those of some users, in the order in which they came, as `INTERACTION_SCHEMA`."""
        if user_ids is None or len(user_ids) > _MANY_USERS:
            rows = self._database.read(_ALL)
        else:
            # An id that is no text is nobody's, and no database can be asked for it.
            rows = self._database.read(_OF_USERS, {"user_ids": [user_id for user_id in user_ids if is_text(user_id)]})
        if not rows:
            return INTERACTION_SCHEMA.empty_table()
        user_id, item_id, kind, value, timestamp = zip(*rows, strict=True)
        times = [None if time == _UNKNOWN_TIME else time for time in timestamp]
        events = pa.table([user_id, item_id, kind, value, times], schema=INTERACTION_SCHEMA)
        if user_ids is not None and len(user_ids) > _MANY_USERS:
            wanted = pa.array([one for one in user_ids if is_text(one)], pa.string())
            return events.filter(pc.is_in(events.column("user_id"), wanted))
        return events

    def values_range(self, kind: str) -> tuple[float, float] | None:
        """The lowest and the highest value of the events of a kind; None where none has a value."""
        lowest, highest = self._database.read(_RANGE, {"kind": kind})[0]
        return None if lowest is None else (float(lowest), float(highest))

    def count(self, *, user_id: str | None = None, item_id: str | None = None) -> int:
        """How many events there are; of one user, of one item, or of all."""
        query = sql.select(sql.func.count()).select_from(EVENTS)
        return int(self._database.read(_of(query, user_id, item_id, None))[0][0])

    def remove(self, *, user_id: str | None = None, item_id: str | None = None, kind: str | None = None) -> int:
        """Delete the events of a user, of an item, or of a user with an item; of one kind, or of all.

        Returns:
            How many there were; 0 where neither a user nor an item is given.
        """
        if user_id is None and item_id is None:
            return 0
        return self._database.write(_of(sql.delete(EVENTS), user_id, item_id, kind))


def _of(statement: Any, user_id: str | None, item_id: str | None, kind: str | None) -> Any:
    for column, wanted in ((EVENTS.c.user_id, user_id), (EVENTS.c.item_id, item_id), (EVENTS.c.kind, kind)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return statement
