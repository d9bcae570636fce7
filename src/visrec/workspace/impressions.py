"""Lists that users of an experiment were shown, in the live database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from visrec.catalogue.interactions import is_text
from visrec.catalogue.live_database import LiveDatabase

__all__ = ["Impression", "Impressions"]


@dataclass(frozen=True)
class Impression:
    """One list that a user was shown, or one page of it.

    Attributes:
        experiment: name of the experiment.
        variant: the variant that the user got.
        user_id: who.
        timestamp: epoch seconds UTC.
        item_ids: what was shown, best first.
    """

    experiment: str
    variant: str
    user_id: str
    timestamp: int
    item_ids: tuple[str, ...]


class Impressions:
    """Every method raises as `LiveDatabase.read` and `LiveDatabase.write` do.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: LiveDatabase) -> None:
        self._database = database

    def add(self, impressions: Sequence[Impression]) -> None:
        """Store what was shown; on disk when this returns. Nobody is shown an id that is no text in UTF-8."""
        from visrec.catalogue.live_tables import IMPRESSIONS

        rows = [
            {**vars(one), "item_ids": json.dumps(one.item_ids, ensure_ascii=False)}
            for one in impressions
            if is_text(one.user_id)
        ]
        if rows:
            self._database.write(IMPRESSIONS.insert(), rows)

    def of(self, experiment: str) -> list[Impression]:
        """Everything that was shown in an experiment, in the order in which it was stored."""
        return self._read(experiment=experiment)

    def shown_to(self, user_id: str) -> list[Impression]:
        """Everything that a user was shown in any experiment."""
        return self._read(user_id=user_id) if is_text(user_id) else []

    def forget(self, user_id: str) -> int:
        """Take out what a user was shown; returns how many lists there were."""
        if not is_text(user_id) or not self._database.exists():
            return 0
        from visrec.catalogue.live_tables import IMPRESSIONS

        return self._database.write(IMPRESSIONS.delete().where(IMPRESSIONS.c.user_id == user_id))

    def _read(self, **wanted: str) -> list[Impression]:
        if not self._database.exists():
            return []
        from visrec.catalogue.live_tables import IMPRESSIONS

        query = IMPRESSIONS.select().order_by(IMPRESSIONS.c.id)
        for column, value in wanted.items():
            query = query.where(IMPRESSIONS.c[column] == value)
        return [
            Impression(row.experiment, row.variant, row.user_id, row.timestamp, tuple(json.loads(row.item_ids)))
            for row in self._database.read(query)
        ]
