"""What somebody did just now, given with the question and stored nowhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from visrec.catalogue.interactions import INTERACTION_SCHEMA, Interaction, check_interaction
from visrec.core.errors import NotFoundError
from visrec.core.ids import IdMap

__all__ = ["session_log"]


def session_log(sessions: Sequence[Sequence[Interaction]], item_ids: IdMap, root: Path) -> pa.Table:
    """The events of n sessions as a log; the user of each is the session's number.

    Args:
        sessions: events in the order in which they happened; their user_id is not looked at, and one without a time
            happened now.
        item_ids: the items.
        root: the workspace's folder, for messages.

    Raises:
        InputError: when an event has no kind, or numbers that are none.
        NotFoundError: for an unknown item.
    """
    now = int(time.time())
    rows = []
    for number, session in enumerate(sessions):
        for event in session:
            checked = check_interaction(replace(event, user_id=str(number)))
            if checked.item_id not in item_ids:
                raise NotFoundError(f"There is no item {checked.item_id!r} in {root}.")
            rows.append({**vars(checked), "timestamp": now if checked.timestamp is None else checked.timestamp})
    return pa.Table.from_pylist(rows, schema=INTERACTION_SCHEMA)
