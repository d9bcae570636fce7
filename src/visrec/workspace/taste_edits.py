"""What users took out of their taste profiles: kept with the live events, and by no retraining undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from visrec.catalogue.interactions import is_text
from visrec.catalogue.live_database import LiveDatabase
from visrec.core.histories import Histories
from visrec.core.ids import IdMap

__all__ = ["EVERYTHING", "TasteEdits"]

#: Stands for all items in place of an item's id, which is never empty.
EVERYTHING = ""


class TasteEdits:
    """For a user and an item (or all items) the time until which events are left out.

    A left-out event is one that was seen and nothing more: weight 0, no rating. So the item is still known as seen,
    and an event after that time counts again.

    Args:
        database: where that is kept; made at the first edit.
    """

    def __init__(self, database: LiveDatabase) -> None:
        self._database = database

    def leave_out(self, user_id: str, left_out: Mapping[str, int]) -> None:
        """From now on leave out the user's events with these items until the given times; on disk when this returns.

        Raises:
            WorkspaceError: when the database refuses; and as `LiveDatabase.write`.
        """
        if not left_out:
            return
        import sqlalchemy as sql

        from visrec.catalogue.live_tables import LEFT_OUT

        rows = [{"user_id": user_id, "item_id": item_id, "until": until} for item_id, until in left_out.items()]
        added = self._database.insert(LEFT_OUT)
        # The greater of the two is max() in one database and greatest() in another.
        later = sql.case((LEFT_OUT.c.until > added.excluded.until, LEFT_OUT.c.until), else_=added.excluded.until)
        self._database.write(
            added.on_conflict_do_update(index_elements=list(LEFT_OUT.primary_key), set_={"until": later}), rows
        )

    def of(self, user_id: str) -> dict[str, int]:
        """Item -> until when the user's events with it are left out; `EVERYTHING` -> those with any item."""
        return self._read([user_id]).get(user_id, {})

    def forget(self, user_id: str) -> int:
        """Leave nothing out any more; returns how many entries there were."""
        if not is_text(user_id) or not self._database.exists():
            return 0
        from visrec.catalogue.live_tables import LEFT_OUT

        return self._database.write(LEFT_OUT.delete().where(LEFT_OUT.c.user_id == user_id))

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
        if not self._database.exists():
            return {}
        from visrec.catalogue.live_tables import LEFT_OUT

        query = LEFT_OUT.select()
        if len(user_ids) == 1:
            if not is_text(user_ids[0]):
                return {}
            query = query.where(LEFT_OUT.c.user_id == user_ids[0])
        wanted = frozenset(user_ids)
        edits: dict[str, dict[str, int]] = {}
        for user_id, item_id, until in self._database.read(query):
            if user_id in wanted:
                edits.setdefault(user_id, {})[item_id] = until
        return edits
