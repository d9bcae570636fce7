"""What users took out of their taste profiles: kept beside the event log, and by no retraining undone."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visrec.core.errors import WorkspaceError
from visrec.core.histories import Histories
from visrec.core.ids import IdMap

if TYPE_CHECKING:
    import sqlalchemy as sql

__all__ = ["EVERYTHING", "TasteEdits"]

#: Stands for all items in place of an item's id, which is never empty.
EVERYTHING = ""


class TasteEdits:
    """SHOP/taste.db: for a user and an item (or all items) the time until which events are left out.

    A left-out event is one that was seen and nothing more: weight 0, no rating. So the item is still known as seen,
    and an event after that time counts again.

    Args:
        file: a SQLite database; made at the first edit.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._opened: tuple[sql.Engine, sql.Table] | None = None

    def leave_out(self, user_id: str, left_out: Mapping[str, int]) -> None:
        """From now on leave out the user's events with these items until the given times; on disk when this returns.

        Raises:
            WorkspaceError: when the database refuses.
        """
        from sqlalchemy import exc, func
        from sqlalchemy.dialects.sqlite import insert

        if not left_out:
            return
        rows = [{"user_id": user_id, "item_id": item_id, "until": until} for item_id, until in left_out.items()]
        try:
            engine, table = self._open()
            added = insert(table)
            later = func.max(table.c.until, added.excluded.until)
            with engine.begin() as connection:
                connection.execute(
                    added.on_conflict_do_update(index_elements=table.primary_key, set_={"until": later}), rows
                )
        except exc.SQLAlchemyError as error:
            raise WorkspaceError(f"{self._file} did not take the change: {error}. The profile is as it was.") from error

    def of(self, user_id: str) -> dict[str, int]:
        """Item -> until when the user's events with it are left out; `EVERYTHING` -> those with any item."""
        return self._read([user_id]).get(user_id, {})

    def forget(self, user_id: str) -> int:
        """Leave nothing out any more; returns how many entries there were."""
        if not self._file.exists():
            return 0
        engine, table = self._open()
        with engine.begin() as connection:
            return int(connection.execute(table.delete().where(table.c.user_id == user_id)).rowcount)

    def apply(self, histories: Histories, item_ids: IdMap) -> Histories:
        """The histories, with left-out events as seen and nothing more; the same object where there is no edit."""
        edits = self._read(list(histories.user_ids))
        if not edits:
            return histories
        left_out = np.zeros(histories.n_events, dtype=np.bool_)
        for user_id, until in edits.items():
            user = histories.user_ids.index(user_id)
            events = slice(int(histories.indptr[user]), int(histories.indptr[user + 1]))
            never = np.iinfo(np.int64).min
            limit = np.full(histories.n_items, until.get(EVERYTHING, never), dtype=np.int64)
            rows = item_ids.rows(list(until))
            known = rows >= 0
            limit[rows[known]] = np.maximum(limit[rows[known]], np.array(list(until.values()), dtype=np.int64)[known])
            left_out[events] = histories.timestamp[events] <= limit[histories.item_index[events]]
        weight = np.where(left_out, np.float32(0), histories.weight)
        return replace(histories, weight=weight, rating=np.where(left_out, np.float32("nan"), histories.rating))

    def _read(self, user_ids: list[str]) -> dict[str, dict[str, int]]:
        """User -> item -> until when, of those among the users who have an edit."""
        if not self._file.exists():
            return {}
        engine, table = self._open()
        query = table.select()
        if len(user_ids) == 1:
            query = query.where(table.c.user_id == user_ids[0])
        wanted = frozenset(user_ids)
        edits: dict[str, dict[str, int]] = {}
        with engine.connect() as connection:
            for user_id, item_id, until in connection.execute(query):
                if user_id in wanted:
                    edits.setdefault(user_id, {})[item_id] = until
        return edits

    def _open(self) -> tuple[sql.Engine, sql.Table]:
        if self._opened is None:
            import sqlalchemy as sql

            from visrec.catalogue.events import open_engine

            table = sql.Table(
                "left_out",
                sql.MetaData(),
                sql.Column("user_id", sql.Text, primary_key=True),
                sql.Column("item_id", sql.Text, primary_key=True),
                sql.Column("until", sql.BigInteger, nullable=False),
            )
            engine = open_engine(sql.URL.create("sqlite", database=str(self._file)))
            # Closes the pooled connections when the edits are no longer used.
            weakref.finalize(self, engine.dispose)
            try:
                with engine.begin() as connection:
                    connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
            except sql.exc.SQLAlchemyError as error:
                raise WorkspaceError(f"{self._file} cannot be opened: {error}.") from error
            self._opened = (engine, table)
        return self._opened
