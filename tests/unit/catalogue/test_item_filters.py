from __future__ import annotations

import json

import pytest

from visrec.core.errors import FilterError

from .toy_images import toy_inspect

ITEMS = [
    {"item_id": "1", "price": 10.5, "category": "Dress", "group": "a", "two words": 1, "since": "2020-01-01"},
    {"item_id": "2", "price": 60.0, "category": 'O\'Neil "x"; --', "group": "b", "two words": 2, "since": "2021-01-01"},
    {"item_id": "3", "price": None, "category": "鞋", "group": "a", "two words": 3, "since": None},
]


@pytest.fixture
def filled(shop, write):
    lines = ["item_id,price,category,group,two words,since"]
    for item in ITEMS:
        values = ["" if value is None else str(value).replace('"', '""') for value in item.values()]
        lines.append(",".join(f'"{value}"' for value in values))
    shop.ingest(items=write("items.csv", "\n".join(lines)), inspect=toy_inspect)
    return shop


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("price < 50 and category = 'Dress'", ["1"]),
        ("price < 50 or price is null", ["1", "3"]),
        ("category = 'O''Neil \"x\"; --'", ["2"]),
        ("category = '鞋'", ["3"]),
        ("category in ('鞋', 'Dress')", ["1", "3"]),
        ("category like 'D%'", ["1"]),
        ("group = 'a'", ["1", "3"]),
        ("`group` = 'a'", ["1", "3"]),
        ("`two words` >= 2", ["2", "3"]),
        ("since >= date '2020-06-01'", ["2"]),
        ("item_id = '2'", ["2"]),
        ("price > 1000", []),
        ("not (category = 'Dress')", ["2", "3"]),
        ("lower(category) = 'dress'", ["1"]),
    ],
)
def test_matching(filled, where, ids):
    assert filled.matching(where) == ids


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("colour = 'red'", "No field named colour"),
        ("price <", "Expected: an expression, found: EOF"),
        ("price + 1", "does not return a boolean"),
        ("price < 'cheap'", "could not convert to literal of type 'Float64'"),
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("price < 50; drop table items", "';' has no meaning here"),
        ("price < 50 -- and more", "'--' has no meaning here"),
        ("price < $1", "'$' has no meaning here"),
        ("price < ?", "'?' has no meaning here"),
        ("\"category\" = 'Dress'", "write the column as `category`"),
        ('category = "Dress"', "write the text as 'Dress'"),
        ("price / 0 = cast('x' as int)", ""),
        ("since > '2020-01-01'", "Dates are written date '2024-01-31'"),
        ("category = 'Dress", "Unterminated string literal"),
        ("price = (select 1)", "not supported"),
        ("count(*) > 1", ""),
    ],
)
def test_bad_filters_name_the_columns_and_an_example(filled, where, words):
    with pytest.raises(FilterError) as caught:
        filled.matching(where)
    message = str(caught.value)
    assert words in message
    assert "price (double), category (string), group (string), `two words` (int64), since (date32[day])" in message
    assert "Example: price < 50 and category = 'Dress'" in message
    assert ".rs:" not in message
    assert "\n" not in message


def test_an_empty_catalogue(shop):
    with pytest.raises(FilterError, match="is empty"):
        shop.matching("price < 50")


def test_only_ids(shop, write):
    shop.ingest(items=write("a.jsonl", json.dumps({"item_id": "1"})), inspect=toy_inspect)
    with pytest.raises(FilterError, match=r"Example: item_id in \('1', '2'\)"):
        shop.matching("price < 5")
