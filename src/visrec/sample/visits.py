"""When the sample shop's customers come by, and what they do with what they look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Event", "visits_of"]

_OPENED = 1_735_776_000
"""2025-01-02 00:00 UTC, in epoch seconds."""
_DAY = 86_400
_DAYS = 180


@dataclass(frozen=True, order=True)
class Event:
    """One row of interactions.csv; sorts by time."""

    timestamp: int
    user_id: str
    item_id: str
    kind: str


def visits_of(user_id: str, item_ids: Sequence[str], match: Sequence[float], rng: np.random.Generator) -> list[Event]:
    """Spread a customer's picks over some visits, and act on each.

    Each pick is viewed. The better it matches the customer's taste, the likelier it is then liked, put into the
    cart, and, before the visit ends, bought; what matches badly may be skipped or disliked.

    Args:
        user_id: the customer.
        item_ids: the picks, in order.
        match: 0 to 1 for each pick.
        rng: source of chance.

    Returns:
        Events in order of time, each at its own second.
    """
    n_visits = max(1, round(len(item_ids) / float(rng.uniform(3, 6))))
    days = np.sort(rng.choice(_DAYS, size=min(n_visits, _DAYS), replace=False))
    visit_of = np.sort(rng.integers(len(days), size=len(item_ids)))
    clock, events, current = 0, [], -1
    to_buy: list[str] = []
    for item_id, fit, visit in zip(item_ids, match, visit_of.tolist(), strict=True):
        if visit != current:
            events += _checkout(user_id, to_buy, clock, rng)
            to_buy, current = [], visit
            clock = _OPENED + int(days[visit]) * _DAY + int(rng.integers(7 * 3600, 22 * 3600))
        clock += int(rng.integers(20, 240))
        events.append(Event(clock, user_id, item_id, "view"))
        for kind in _reactions(fit, rng):
            clock += int(rng.integers(5, 60))
            events.append(Event(clock, user_id, item_id, kind))
            if kind == "cart":
                to_buy.append(item_id)
    return events + _checkout(user_id, to_buy, clock, rng)


def _reactions(fit: float, rng: np.random.Generator) -> list[str]:
    """What follows a view, in order."""
    likes, carts, rejects = rng.random(3).tolist()
    if likes < 0.06 + 0.62 * fit:
        return ["like", "cart"] if carts < 0.35 else ["like"]
    if rejects < 0.30 * (1 - fit):
        return ["dislike"] if rejects < 0.06 * (1 - fit) else ["skip"]
    return []


def _checkout(user_id: str, cart: Sequence[str], clock: int, rng: np.random.Generator) -> list[Event]:
    bought = [item_id for item_id in cart if rng.random() < 0.7]
    first = clock + int(rng.integers(60, 400))
    return [Event(first + offset, user_id, item_id, "buy") for offset, item_id in enumerate(bought)]
