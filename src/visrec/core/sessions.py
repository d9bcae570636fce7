"""Histories cut where a user paused."""

from __future__ import annotations

import numpy as np

from visrec.core.histories import Histories
from visrec.core.ids import IdMap

__all__ = ["sessions"]


def sessions(histories: Histories, pause: float) -> Histories:
    """Cut each history where more than `pause` seconds pass between two events; each piece is a history of its own.

    Left out are pieces of one event, and pieces that are a whole history (as where no times are known): they say
    nothing of what goes together that the histories themselves do not.

    Args:
        histories: n_users histories.
        pause: seconds, at least 0.

    Returns:
        Histories of n_sessions nameless users, by user, then by time.
    """
    user = histories.user_index
    begins = np.ones(histories.n_events, dtype=np.bool_)
    begins[1:] = (user[1:] != user[:-1]) | (np.diff(histories.timestamp) > pause)
    session = np.cumsum(begins) - 1
    length = np.bincount(session)
    tells = (length[session] > 1) & (length[session] < np.diff(histories.indptr)[user])
    kept = histories.select(tells)
    _, counts = np.unique(session[tells], return_counts=True)
    return Histories(
        IdMap([str(number) for number in range(len(counts))]),
        kept.n_items,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        kept.item_index,
        kept.weight,
        kept.timestamp,
        kept.rating,
    )
