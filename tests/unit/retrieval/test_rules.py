"""Rules files: what they say, when they hold, and what is wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from visrec.core.errors import InputError
from visrec.retrieval.rules import Rule, rules_from_json


def read(*rules):
    return rules_from_json(json.dumps({"rules": list(rules)}), "shop.json")


def test_every_action():
    rules = read(
        {"name": "a", "action": "boost", "where": "price < 5", "strength": 0.5, "from": "2026-10-01"},
        {"name": "b", "action": "bury", "items": ["x", "三"]},
        {"name": "c", "action": "pin", "items": ["x"], "position": 3, "until": "2026-10-01T08:00:00+02:00"},
        {"name": "d", "action": "block", "where": "stock = 0"},
    )
    assert rules == (
        Rule("a", "boost", "price < 5", (), 0.5, since="2026-10-01"),
        Rule("b", "bury", items=("x", "三")),
        Rule("c", "pin", items=("x",), position=3, until="2026-10-01T08:00:00+02:00"),
        Rule("d", "block", "stock = 0"),
    )
    assert read(*(rule.to_json() for rule in rules)) == rules
    assert read() == ()


@pytest.mark.parametrize(
    ("since", "until", "moment", "holds"),
    [
        ("", "", "1970-01-01T00:00:00", True),
        ("2026-10-01", "", "2026-09-30T23:59:59", False),
        ("2026-10-01", "", "2026-10-01T00:00:00", True),
        ("", "2026-10-31", "2026-10-31T23:59:59", True),
        ("", "2026-10-31", "2026-11-01T00:00:00", False),
        ("2026-10-31", "2026-10-31", "2026-10-31T12:00:00", True),
        ("2026-10-01T08:00:00+02:00", "", "2026-10-01T05:59:59", False),
        ("2026-10-01T08:00:00+02:00", "", "2026-10-01T06:00:00", True),
        ("", "2026-10-01T08:00:00Z", "2026-10-01T07:59:59", True),
        ("", "2026-10-01T08:00:00Z", "2026-10-01T08:00:00", False),
    ],
)
def test_days_and_times(since, until, moment, holds):
    rule = Rule("a", "block", "x = 1", since=since, until=until)
    assert rule.holds(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) is holds


BLOCK = {"name": "a", "action": "block", "items": ["x"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"action": "hide"}, "expected as action one of boost, bury, pin, block, got 'hide'"),
        ({"action": ["pin"]}, "expected as action"),
        ({"strength": 2}, "block has no field 'strength'"),
        ({"action": "pin", "where": "x = 1"}, "pin has no field 'where'"),
        ({"where": "x = 1"}, "one of where and items, got where and items"),
        ({"items": []}, "expected a list of ids"),
        ({"items": "x"}, "expected a list of ids"),
        ({"items": ["x", 3]}, "ids as text, each once"),
        ({"items": ["x", "x"]}, "ids as text, each once"),
        ({"from": "1.10.2026"}, "expected from as a date"),
        ({"from": 20261001}, "expected from as a date"),
        ({"until": "2026-10-01T08:00:00"}, "a time with its zone"),
        ({"from": "2026-10-02", "until": "2026-10-01"}, "ends .* before it begins"),
        ({"action": "boost", "strength": 0}, "strength above 0, got 0"),
        ({"action": "boost", "strength": -1}, "strength above 0"),
        ({"action": "bury", "strength": "much"}, "strength above 0, got 'much'"),
        ({"action": "bury", "strength": True}, "strength above 0"),
        ({"action": "pin", "position": 0}, "position of 1 or more, got 0"),
        ({"action": "pin", "position": 1.5}, "position of 1 or more"),
    ],
)
def test_what_is_wrong_is_said_with_the_rule(changes, message):
    with pytest.raises(InputError, match=message) as raised:
        read({**BLOCK, "name": "first"}, {**BLOCK, **changes})
    assert str(raised.value).startswith("shop.json, rule 2 ('a'): ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[]", "nothing else"),
        ('{"rules": {}}', "nothing else"),
        ('{"rules": [], "more": 1}', "nothing else"),
        ('{"rules": [3]}', "rule 1: expected an object with a name"),
        ('{"rules": [{"action": "block"}]}', "rule 1: expected an object with a name"),
        ('{"rules": [{"name": "", "action": "block"}]}', "rule 1: expected an object with a name"),
        (
            '{"rules": [{"name": "a", "action": "block"}]}',
            r"rule 1 \('a'\): .* got neither",
        ),
        ('{"rules": [{"name": "a", "action": "block", "where": " "}]}', "expected a condition"),
        (json.dumps({"rules": [BLOCK, BLOCK]}), r"rule 2 \('a'\): there already is a rule of that name"),
        ('{"rules": [{"name": "a", "action": "boost", "items": ["x"], "strength": NaN}]}', "strength above 0"),
        ('{"rules": [{"name": "a", "action": "boost", "items": ["x"], "strength": Infinity}]}', "strength above 0"),
    ],
)
def test_wrong_files(text, message):
    with pytest.raises(InputError, match=message):
        rules_from_json(text, "shop.json")
