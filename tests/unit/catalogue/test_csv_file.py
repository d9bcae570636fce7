from __future__ import annotations

import gzip

import pytest

from visrec.catalogue.csv_file import read_csv
from visrec.core.errors import InputError


def test_values_stay_text_and_empty_is_null(write):
    source = read_csv(write("a.csv", 'item_id,n,t\n007,1,\n"",2,""\n 8 ,3,x\n'))
    assert source.table.to_pydict() == {"item_id": ["007", None, " 8 "], "n": ["1", "2", "3"], "t": [None, None, "x"]}
    assert source.untyped


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfitem_id,t\r\n1,x\r\n", {"item_id": ["1"], "t": ["x"]}),
        (b"item_id,t\r\n1,x", {"item_id": ["1"], "t": ["x"]}),
        (b'item_id,t\n1,"a,b\nc ""d"""\n', {"item_id": ["1"], "t": ['a,b\nc "d"']}),
        (b'"item_id"," t "\n1,x\n', {"item_id": ["1"], "t": ["x"]}),
        (b"item_id\n1\n\n2\n", {"item_id": ["1", "2"]}),
        (b"item_id,t", {"item_id": [], "t": []}),
        (b"\n\nitem_id,t\n1,x\n\n2,y\n\n", {"item_id": ["1", "2"], "t": ["x", "y"]}),
        (b'item_id,t\n1,5" pipe\n', {"item_id": ["1"], "t": ['5" pipe']}),
        ("item_id,题\n一,é\n".encode(), {"item_id": ["一"], "题": ["é"]}),
        (b"item_id,t\r1,x\r2,y\r", {"item_id": ["1", "2"], "t": ["x", "y"]}),
    ],
)
def test_dialects(write, content, expected):
    assert read_csv(write("a.csv", content)).table.to_pydict() == expected


def test_gzip(write):
    assert read_csv(write("a.csv.gz", gzip.compress(b"item_id\n01\n"))).table.to_pydict() == {"item_id": ["01"]}


def test_a_long_value_is_read_whole(write):
    text = "x" * 3_000_000
    assert read_csv(write("a.csv", f"item_id,t\n1,{text}\n")).table["t"].to_pylist() == [text]


def test_a_column_without_a_name_is_left_out_with_a_note(write):
    source = read_csv(write("a.csv", ",item_id\n0,x\n1,y\n"))
    assert source.table.to_pydict() == {"item_id": ["x", "y"]}
    assert source.notes == ("a.csv: column 1 has no name and was left out",)


def test_line_numbers_count_blank_lines_and_line_breaks_in_values(write):
    content = 'item_id,t\n1,a\n\n2,"b\nb\nb"\n3,c\n'
    assert read_csv(write("a.csv", content)).line_numbers().tolist() == [2, 4, 7]


def test_line_numbers_of_selected_rows(write):
    source = read_csv(write("a.csv", "item_id\n1\n2\n3\n"))
    import numpy as np

    kept = source.select(np.array([True, False, True])).select(np.array([False, True]))
    assert kept.table["item_id"].to_pylist() == ["3"]
    assert kept.line_numbers().tolist() == [4]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"item_id,t\n1,x\n2\n", 3, "expected 2 values, got 1"),
        (b'item_id,t\n1,"a\nb"\n\n2,x,y\n', 5, "expected 2 values, got 3"),
        (b"item_id,t\n1,x\n2,caf\xe9\n", 3, "expected UTF-8, got byte 0xe9 at position 19"),
        ("item_id,t\n1,x\n".encode("utf-16"), 1, "looks like UTF-16"),
        (b'item_id,t\n1,x\n2,"y\n3,z\n4,w\n', 3, "a quote"),
        (b'item_id,t\n1,"x\n2,"y"\n', 2, "a quote"),
        (b"item_id,a,a\n1,2,3\n", 1, "'a' more than once"),
        (b"", 1, "the file is empty"),
        (b"\n\n", 1, "the file is empty"),
    ],
)
def test_faults_name_the_file_and_the_line(write, content, line, words):
    path = write("bad.csv", content)
    with pytest.raises(InputError) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)


def test_a_fault_far_down_is_found(write):
    rows = "".join(f"{n},x\n" for n in range(50_000))
    path = write("bad.csv", f"item_id,t\n{rows}1,2,3\n")
    with pytest.raises(InputError, match=r"bad\.csv, line 50002: expected 2 values, got 3"):
        read_csv(path)


def test_a_damaged_archive(write):
    with pytest.raises(InputError, match="damaged archive"):
        read_csv(write("a.csv.gz", gzip.compress(b"item_id\n" + b"1234\n" * 1000)[:-20]))
