from __future__ import annotations

import json

import pyarrow as pa
import pytest

from visrec.catalogue import json_lines_file
from visrec.catalogue.json_lines_file import read_json_lines
from visrec.core.errors import InputError

IDS = ("item_id", "user_id")


def test_types_are_those_of_the_file(write):
    rows = [
        {"item_id": "007", "n": 1, "x": 1, "t": "2020-01-01", "l": ["a", "b"], "b": True},
        {"item_id": "2020-01-01", "n": 2, "x": 1.5, "t": None, "l": None, "b": None},
    ]
    table = read_json_lines(write("a.jsonl", "\n".join(map(json.dumps, rows))), IDS).table
    assert table.to_pylist() == rows
    assert table.schema.field("n").type == pa.int64()
    assert table.schema.field("x").type == pa.float64()
    assert table.schema.field("t").type == pa.string()


def test_ids_are_text_or_whole_numbers(write):
    source = read_json_lines(
        write("a.jsonl", '{"item_id": 7}\n{"item_id": 7.5}\n{"item_id": true}\n{"item_id": ""}\n'), IDS
    )
    assert source.table["item_id"].to_pylist() == ["7", None, None, None]


def test_a_column_of_mixed_types_becomes_text(write):
    source = read_json_lines(write("a.jsonl", '{"size": 38}\n{"size": "XL"}\n{"size": [1]}\n{}\n'), IDS)
    assert source.table["size"].to_pylist() == ["38", "XL", "[1]", None]


def test_keys_that_come_late_or_go_missing(write, monkeypatch):
    monkeypatch.setattr(json_lines_file, "_ROWS_AT_ONCE", 2)
    lines = ['{"item_id": "1"}', '{"item_id": "2"}', "", '{"item_id": "3", "a": 1}', '{"b": "x"}', '{"item_id": "5"}']
    source = read_json_lines(write("a.jsonl", "\r\n".join(lines)), IDS)
    assert source.table.to_pydict() == {
        "item_id": ["1", "2", "3", None, "5"],
        "a": [None, None, 1, None, None],
        "b": [None, None, None, "x", None],
    }
    assert source.line_numbers().tolist() == [1, 2, 4, 5, 6]


def test_half_a_surrogate_pair_is_no_text(write):
    source = read_json_lines(
        write("a.jsonl", '{"item_id": "\\ud800", "t": "\\ud800", "l": ["\\udfff"]}\n{"item_id": "1"}'), IDS
    )
    assert source.table.to_pylist() == [
        {"item_id": None, "t": None, "l": [None]},
        {"item_id": "1", "t": None, "l": None},
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{"item_id": "1"}\n{"item_id": \n', 2),
        ('{"item_id": "1"}\n\n[1, 2]\n', 3),
        ('{"item_id": "1"},{"item_id": "2"}\n', 1),
        (b'{"item_id": "1"}\n{"item_id": "\xff"}\n', 2),
    ],
)
def test_faults_name_the_line(write, content, line):
    path = write("bad.jsonl", content)
    with pytest.raises(InputError) as caught:
        read_json_lines(path, IDS)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
