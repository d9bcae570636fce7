from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from visrec.catalogue.interactions import Interaction

from .toy_images import toy_inspect


@pytest.fixture
def ingest(shop, write):
    shop.ingest(items=write("items.csv", "item_id\n1\n2\n007\n"), inspect=toy_inspect)

    def run(name, content):
        path = write(name, content) if content is not None else name
        return shop.ingest(interactions=path, inspect=toy_inspect)

    return run


def rows(shop):
    return [tuple(row.values()) for row in shop.interactions().to_pylist()]


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        ("user_id,item_id", "u,1", ("u", "1", "interaction", None, None)),
        ("user_id,item_id,rating", "u,1,4", ("u", "1", "rate", 4.0, None)),
        ("user_id,item_id,value", "u,1,4.5", ("u", "1", "rate", 4.5, None)),
        ("user_id,item_id,value,rating", "u,1,1,2", ("u", "1", "rate", 1.0, None)),
        ("user_id,item_id,rating", "u,1,", ("u", "1", "interaction", None, None)),
        ("user_id,item_id,rating", "u,1,+3", ("u", "1", "rate", 3.0, None)),
        ("user_id,item_id,rating", "u,1, 3 ", ("u", "1", "rate", 3.0, None)),
        ("user_id,item_id,rating", "u,1,NaN", ("u", "1", "interaction", None, None)),
        ("user_id,item_id,kind", "u,1,View ", ("u", "1", "view", None, None)),
        ("user_id,item_id,kind,value", "u,1,,2", ("u", "1", "rate", 2.0, None)),
        ("item_id,timestamp,user_id", "007,2020-01-01T00:00:00Z,00", ("00", "007", "interaction", None, 1_577_836_800)),
        ("user_id,item_id,timestamp", "u,1,881250949", ("u", "1", "interaction", None, 881250949)),
        ("user_id,item_id,timestamp", "u,1,", ("u", "1", "interaction", None, None)),
    ],
)
def test_columns(shop, ingest, header, line, expected):
    ingest("x.csv", f"{header}\n{line}\n")
    assert rows(shop) == [expected]


def test_types(shop, ingest):
    ingest("x.csv", "user_id,item_id\nu,1\n")
    assert [str(field.type) for field in shop.interactions().schema] == [
        "string",
        "string",
        "string",
        "double",
        "int64",
    ]


def test_typed_files(shop, ingest, tmp_path):
    table = pa.table(
        {
            "user_id": [1, 2],
            "item_id": ["1", "2"],
            "value": pa.array([1, None], pa.int8()),
            "timestamp": pa.array([1_577_836_800_000, None], pa.timestamp("ms")),
        }
    )
    parquet.write_table(table, tmp_path / "x.parquet")
    ingest(tmp_path / "x.parquet", None)
    ingest("x.jsonl", json.dumps({"user_id": "3", "item_id": "1", "value": "2.5", "timestamp": 5}))
    assert rows(shop) == [
        ("1", "1", "rate", 1.0, 1_577_836_800),
        ("2", "2", "interaction", None, None),
        ("3", "1", "rate", 2.5, 5),
    ]


def test_bad_rows_are_named_by_line(shop, ingest):
    lines = [
        "user_id,item_id,rating,timestamp",
        "u,1,5,1",
        ",1,5,1",
        "u,,5,1",
        "u,nope,5,1",
        "u,2,five,1",
        "u,2,inf,1",
        "u,2,5,yesterday",
        "u,2,5,1577836800000",
        "u,2,5,1",
    ]
    report = ingest("x.csv", "\n".join(lines))
    assert rows(shop) == [("u", "1", "rate", 5.0, 1), ("u", "2", "rate", 5.0, 1)]
    assert {(problem.line, problem.reason, problem.subject) for problem in report.problems} == {
        (3, "no user_id", "user_id (empty), item_id '1'"),
        (4, "no item_id", "user_id 'u', item_id (empty)"),
        (5, "item is not in the catalogue", "user_id 'u', item_id 'nope'"),
        (6, "rating is not a number", "user_id 'u', item_id '2', rating 'five'"),
        (7, "rating is not a number", "user_id 'u', item_id '2', rating 'inf'"),
        (
            8,
            "timestamp is neither epoch seconds (not milliseconds) nor an ISO 8601 time",
            "user_id 'u', item_id '2', timestamp 'yesterday'",
        ),
        (
            9,
            "timestamp is neither epoch seconds (not milliseconds) nor an ISO 8601 time",
            "user_id 'u', item_id '2', timestamp '1577836800000'",
        ),
    }
    assert (report.interactions.new, report.interactions.rejected, report.n_problems) == (2, 7, 7)


def test_unique_by_user_item_kind_and_time(shop, ingest):
    lines = ["u,1,rate,1,5", "u,1,rate,2,5", "u,1,rate,3,6", "u,1,view,,5", "u,1,view,,", "u,1,view,,"]
    content = "\n".join(["user_id,item_id,kind,value,timestamp", *lines])
    report = ingest("x.csv", content)
    expected = [
        ("u", "1", "rate", 2.0, 5),
        ("u", "1", "rate", 3.0, 6),
        ("u", "1", "view", None, 5),
        ("u", "1", "view", None, None),
    ]
    assert rows(shop) == expected
    assert (report.interactions.new, report.interactions.repeated) == (4, 2)
    for _ in range(2):
        report = ingest("x.csv", content)
        assert rows(shop) == expected
        assert (report.interactions.unchanged, report.interactions.repeated) == (4, 2)
    report = ingest("x.csv", "user_id,item_id,kind,value,timestamp\nu,1,rate,9,6\nu,2,view,,\n")
    assert rows(shop) == [expected[0], ("u", "1", "rate", 9.0, 6), *expected[2:], ("u", "2", "view", None, None)]
    assert (report.interactions.updated, report.interactions.new, report.interactions.total) == (1, 1, 5)


def test_unused_columns_are_mentioned(shop, ingest):
    assert ingest("x.csv", "user_id,item_id,session,rating,value\nu,1,s,1,2\n").notes == [
        "x.csv: columns not used: session, rating"
    ]


def test_problems_of_a_kind_are_all_counted_and_the_first_named(shop, ingest, monkeypatch):
    from visrec.catalogue import report as report_module

    monkeypatch.setattr(report_module, "NAMED_PER_REASON", 3)
    report = ingest("x.csv", "user_id,item_id\n" + "u,none\n" * 50 + "u,1\n")
    assert (report.n_problems, len(report.problems), report.interactions.rejected) == (50, 3, 50)
    assert report.path is not None
    assert "… and 47 more that are not named one by one" in report.path.read_text()


def test_live_events_and_ingested_ones_are_merged(shop, ingest):
    ingest("x.csv", "user_id,item_id,rating,timestamp\nu,1,1,5\nu,2,2,6\n")
    added = shop.add_events(
        [Interaction("u", "2", "rate", 7.0, 6), Interaction("v", "007", timestamp=None), Interaction("v", "007")]
    )
    assert added == 2
    assert rows(shop) == [("u", "1", "rate", 1.0, 5), ("u", "2", "rate", 7.0, 6), ("v", "007", "like", None, None)]
    ingest("x.csv", "user_id,item_id,kind\nv,007,like\n")
    assert len(rows(shop)) == 3


def test_a_random_log_against_a_plain_loop(shop, write, ingest, tmp_path):
    rng = np.random.default_rng(7)
    expected: dict = {}
    for n_file in range(3):
        n = 400
        columns = {
            "user_id": rng.choice(["u", "v", "00"], n),
            "item_id": rng.choice(["1", "2", "007", "nope"], n),
            "kind": rng.choice(["view", "buy"], n),
            "value": rng.integers(0, 3, n).astype(str),
            "timestamp": rng.choice(["", "1", "2", "3"], n),
        }
        lines = [",".join(row) for row in zip(*columns.values(), strict=True)]
        for line in lines:
            user, item, kind, value, time = line.split(",")
            if item != "nope":
                expected[user, item, kind, int(time) if time else None] = float(value)
        ingest(f"{n_file}.csv", ",".join(columns) + "\n" + "\n".join(lines))
    assert rows(shop) == [(user, item, kind, value, time) for (user, item, kind, time), value in expected.items()]
