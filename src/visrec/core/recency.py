"""How much an old event still counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.histories import Histories

__all__ = ["check_half_life", "decayed"]

_SECONDS_PER_DAY = 86_400
_LEAST = 1e-6


def check_half_life(half_life_days: float | None) -> None:
    """Refuse a half-life that is not above 0.

    Raises:
        InputError: saying so.
    """
    if half_life_days is not None and not half_life_days > 0:
        raise InputError(f"Expected half_life_days above 0, or none, got {half_life_days}.")


def decayed(histories: Histories, half_life_days: float | None, *, per_user: bool) -> Histories:
    """The same events with weights that halve with every `half_life_days` of age, down to a millionth.

    An event without a timestamp (0) is older than any other: it counts, but hardly.

    Args:
        histories: n_users histories.
        half_life_days: above 0; None: nothing changes.
        per_user: count age from the user's own newest event; else from the newest of all.
    """
    if half_life_days is None or not histories.n_events:
        return histories
    moment = histories.timestamp
    newest = _newest_of_user(histories) if per_user else moment.max()
    age_days = (newest - moment) / _SECONDS_PER_DAY
    # An old like stays a like.
    decay = np.maximum(np.exp2(-age_days / half_life_days), _LEAST).astype(np.float32)
    return replace(histories, weight=histories.weight * decay)


def _newest_of_user(histories: Histories) -> npt.NDArray[np.int64]:
    """The newest moment of the user of each event; int64 (n_events,)."""
    # The last event of a history is its newest.
    lengths = np.diff(histories.indptr)
    active = lengths > 0
    return np.repeat(histories.timestamp[histories.indptr[1:][active] - 1], lengths[active])
