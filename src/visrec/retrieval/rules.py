"""A shop's own rules: boost, bury, pin or block items, for a while or for good.

A rules file is JSON:

    {"rules": [
      {"name": "coats in autumn", "action": "boost", "where": "category = 'Coat'", "strength": 0.5,
       "from": "2026-10-01", "until": "2026-11-30"},
      {"name": "slow sellers", "action": "bury", "where": "stock > 500"},
      {"name": "campaign", "action": "pin", "items": ["0156-lamp", "0012-vase"], "position": 1},
      {"name": "sold out", "action": "block", "where": "stock = 0"}
    ]}

* "boost" and "bury" add `strength` (1 unless given), or take it away, in units of a list's spread: the score of its
  best candidate less that of its 100th (or last). So a boost of 1 lifts the 100th to where the best is. Several rules
  of one item add up.
* "pin" puts the first of its items at `position`, the others behind it; it is left out where a filter, or what the user
  has seen, leaves it out. Of two pins at one position the first in the file has it, the other the next place.
* "block" leaves items out.
* A rule holds from the beginning of the day `from` to the end of the day `until`, in UTC; or give times, such as
  "2026-10-01T08:00:00+02:00", of which `until` no longer counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from visrec.core.errors import InputError

__all__ = ["ACTIONS", "Rule", "rules_from_json"]

ACTIONS = ("boost", "bury", "pin", "block")
#: Fields that a rule of each action may have besides name, action, from and until.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "boost": ("where", "items", "strength"),
    "bury": ("where", "items", "strength"),
    "pin": ("items", "position"),
    "block": ("where", "items"),
}
_COMMON = ("name", "action", "from", "until")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: unique; answers and errors name it.
        action: out of `ACTIONS`.
        where: SQL condition over items; "" where `items` are given.
        items: ids; () where a condition is given.
        strength: of boost and bury, above 0, in units of a list's spread.
        position: of pin, from 1.
        since: text of its beginning, "" for always.
        until: text of its end, "" for ever.
    """

    name: str
    action: str
    where: str = ""
    items: tuple[str, ...] = ()
    strength: float = 1.0
    position: int = 1
    since: str = ""
    until: str = ""

    def holds(self, moment: float) -> bool:
        """Whether it holds at a time, in epoch seconds."""
        begun = not self.since or moment >= _moment(self.since)
        return begun and (not self.until or moment < _moment(self.until, end=True))

    def to_json(self) -> dict[str, Any]:
        """As in a rules file."""
        line: dict[str, Any] = {"name": self.name, "action": self.action}
        line |= {"where": self.where} if self.where else {"items": list(self.items)}
        line |= {name: getattr(self, name) for name in ("strength", "position") if name in _FIELDS[self.action]}
        return line | {name: text for name, text in (("from", self.since), ("until", self.until)) if text}


def rules_from_json(text: str, name: str = "The rules") -> tuple[Rule, ...]:
    """Read a rules file; what it says of items is not checked here.

    Args:
        text: its content.
        name: of the file, for messages.

    Raises:
        InputError: naming the rule and what is wrong with it.
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name}: no JSON ({error}).") from error
    if not isinstance(body, dict) or list(body) != ["rules"] or not isinstance(body["rules"], list):
        raise InputError(f'{name}: expected {{"rules": [ … ]}} and nothing else.')
    rules: list[Rule] = []
    for number, given in enumerate(body["rules"], start=1):
        known = isinstance(given, dict) and isinstance(given.get("name"), str) and given["name"]
        place = f"{name}, rule {number}" + (f" ({given['name']!r})" if known else "")
        if not known:
            raise InputError(f"{place}: expected an object with a name, got {json.dumps(given)[:80]}.")
        if any(rule.name == given["name"] for rule in rules):
            raise InputError(f"{place}: there already is a rule of that name.")
        rules.append(_rule(place, given))
    return tuple(rules)


def _rule(place: str, given: Mapping[str, Any]) -> Rule:
    action = given.get("action")
    if action not in ACTIONS:
        raise InputError(f"{place}: expected as action one of {', '.join(ACTIONS)}, got {action!r}.")
    fields = (*_COMMON, *_FIELDS[action])
    unknown = [field for field in given if field not in fields]
    if unknown:
        raise InputError(f"{place}: {action} has no field {unknown[0]!r}. It has: {', '.join(fields)}.")
    since, until = _date(place, given, "from"), _date(place, given, "until")
    if since and until and _moment(since) >= _moment(until, end=True):
        raise InputError(f"{place}: it ends ({until}) before it begins ({since}).")
    where, items = _what(place, given)
    strength, position = given.get("strength", 1.0), given.get("position", 1)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 < strength < math.inf:
        raise InputError(f"{place}: expected a strength above 0, got {strength!r}.")
    if isinstance(position, bool) or not isinstance(position, int) or position < 1:
        raise InputError(f"{place}: expected a position of 1 or more, got {position!r}.")
    return Rule(given["name"], action, where, items, float(strength), position, since, until)


def _what(place: str, given: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Condition and ids, one of them empty."""
    there = [field for field in ("where", "items") if field in given]
    if len(there) != 1:
        wanted = " and ".join(there) or "neither"
        raise InputError(f"{place}: expected one of where and items, got {wanted}.")
    value = given[there[0]]
    if there == ["where"]:
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{place}: expected a condition as where, such as \"category = 'Coat'\", got {value!r}.")
        return value, ()
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InputError(f"{place}: expected a list of ids as items, got {value!r}.")
    if not all(isinstance(item_id, str) for item_id in value) or len(set(value)) < len(value):
        raise InputError(f"{place}: expected ids as text, each once, got {value!r}.")
    return "", tuple(value)


def _date(place: str, given: Mapping[str, Any], field: str) -> str:
    text = given.get(field, "")
    try:
        if text != "":
            _moment(text)
    except (TypeError, ValueError) as error:
        raise InputError(
            f'{place}: expected {field} as a date such as "2026-10-01" or a time with its zone, got {text!r}.'
        ) from error
    return text


def _moment(text: str, *, end: bool = False) -> float:
    """Epoch seconds of a time; of a date its beginning, or its end."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone") from None
        return moment.timestamp()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return (midnight + timedelta(days=1) if end else midnight).timestamp()
