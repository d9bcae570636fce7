from __future__ import annotations

import gzip

import pyarrow as pa
import pytest
from pyarrow import parquet

from visrec.catalogue.tables import read_source
from visrec.core.errors import InputError


def test_every_type_of_file_gives_the_same_ids(write, tmp_path):
    parquet.write_table(pa.table({"item_id": ["007", "a/b"]}), tmp_path / "a.parquet")
    paths = [
        tmp_path / "a.parquet",
        write("a.csv", "item_id\n007\na/b\n"),
        write("b.CSV", "item_id\n007\na/b\n"),
        write("a.csv.gz", gzip.compress(b"item_id\n007\na/b\n")),
        write("a.jsonl", '{"item_id": "007"}\n{"item_id": "a/b"}\n'),
        write("a.ndjson", '{"item_id": "007"}\n{"item_id": "a/b"}\n'),
        write("a.jsonl.gz", gzip.compress(b'{"item_id": "007"}\n{"item_id": "a/b"}\n')),
    ]
    for path in paths:
        source = read_source(path, ("item_id",))
        assert source.table["item_id"].to_pylist() == ["007", "a/b"], path
        assert source.table.schema.field("item_id").type == pa.string()


def test_parquet_ids_of_other_types(tmp_path):
    ids = {
        "int": pa.array([7, None]),
        "large": pa.array(["7", ""], pa.large_string()),
        "codes": pa.array(["7", None]).dictionary_encode(),
    }
    for name, column in ids.items():
        parquet.write_table(pa.table({"item_id": column}), tmp_path / f"{name}.parquet")
        source = read_source(tmp_path / f"{name}.parquet", ("item_id",))
        assert source.table["item_id"].to_pylist() == ["7", None], name
        assert source.line_numbers().tolist() == [1, 2]


def test_parquet_ids_that_would_not_survive(tmp_path):
    parquet.write_table(pa.table({"item_id": [7.0]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="expected column 'item_id' as text, got double"):
        read_source(tmp_path / "a.parquet", ("item_id",))


@pytest.mark.parametrize(
    ("header", "fix"),
    [
        ("Item ID,title", "Did you mean 'Item ID'? Rename that column to 'item_id'."),
        ("itemid,title", "Did you mean 'itemid'?"),
        ("article_id,title", "Did you mean 'article_id'?"),
        ("title,price", "Add the column 'item_id'"),
        ("item_id;title", "separated by ';'"),
    ],
)
def test_a_missing_column_names_the_file_the_columns_and_the_fix(write, header, fix):
    path = write("items.csv", f"{header}\n1,2\n" if "," in header else f"{header}\n1;2\n")
    with pytest.raises(InputError) as caught:
        read_source(path, ("item_id",))
    message = str(caught.value)
    assert str(path) in message
    assert fix in message
    for name in header.split(","):
        assert repr(name) in message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("items.xlsx", b"PK", "expected one of .csv, .csv.gz, .parquet"),
        ("items", b"item_id\n", "got 'no extension'"),
        ("items.parquet", b"not parquet", "cannot be read as Parquet"),
    ],
)
def test_files_that_cannot_be_read(write, name, content, words):
    path = write(name, content)
    with pytest.raises(InputError) as caught:
        read_source(path, ("item_id",))
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_absent_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_source(tmp_path / "none.csv", ("item_id",))
    with pytest.raises(InputError, match="it is a folder"):
        read_source(tmp_path, ("item_id",))


def test_parquet_with_two_columns_of_one_name(tmp_path):
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["item_id", "item_id"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="'item_id' more than once"):
        read_source(tmp_path / "a.parquet", ("item_id",))
