from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from visrec.catalogue.column_types import cast_column, common_type, infer_text_column, plain_type
from visrec.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "values", "kind"),
    [
        (["1", "-20", None, "0"], [1, -20, None, 0], pa.int64()),
        (["1", "2.5", ".5", "1e-3"], [1.0, 2.5, 0.5, 0.001], pa.float64()),
        (["1.5", "NA", "n/a", "nan"], [1.5, None, None, None], pa.float64()),
        (["true", "False", "TRUE"], [True, False, True], pa.bool_()),
        (["2020-02-29", None], [dt.date(2020, 2, 29), None], pa.date32()),
        (["2020-01-01T10:00", "2020-01-01 10:00:01.5"], None, pa.timestamp("us")),
        (["2020-01-01T10:00:00Z", "2020-01-01T10:00:00+02:00"], None, pa.timestamp("us", "UTC")),
        (["0108775", "0110065"], ["0108775", "0110065"], pa.string()),
        (["1", "01"], ["1", "01"], pa.string()),
        (["123456789012345678901"], ["123456789012345678901"], pa.string()),
        (["1", "x"], ["1", "x"], pa.string()),
        (["2020-02-30"], ["2020-02-30"], pa.string()),
        (["NA", "null"], ["NA", "null"], pa.string()),
        (["true", "1"], ["true", "1"], pa.string()),
        (["+1", "1 "], ["+1", "1 "], pa.string()),
        ([None, None], [None, None], pa.string()),
        (["000.114.28"], ["000.114.28"], pa.string()),
    ],
)
def test_inference(text, values, kind):
    column, _ = infer_text_column(pa.chunked_array([pa.array(text, pa.string())]))
    assert column.type == kind
    if values is not None:
        assert column.to_pylist() == values


def test_numbers_in_the_first_block_and_text_much_later():
    column, remark = infer_text_column(pa.chunked_array([[str(n) for n in range(100_000)], ["12,50"]]))
    assert column.type == pa.string()
    assert column[7].as_py() == "7"
    assert remark == "holds numbers but for 1 of them, such as '12,50': kept as text"


@pytest.mark.parametrize(
    ("old", "new", "common"),
    [
        (pa.int64(), pa.float64(), pa.float64()),
        (pa.float64(), pa.int64(), pa.float64()),
        (pa.int64(), pa.string(), pa.string()),
        (pa.string(), pa.bool_(), pa.string()),
        (pa.bool_(), pa.int64(), pa.string()),
        (pa.date32(), pa.timestamp("us"), pa.timestamp("us")),
        (pa.timestamp("us"), pa.date32(), pa.timestamp("us")),
        (pa.list_(pa.int64()), pa.list_(pa.float64()), pa.list_(pa.float64())),
    ],
)
def test_common_type(old, new, common):
    assert common_type("c", old, new) == common


@pytest.mark.parametrize("other", [pa.string(), pa.int64(), pa.struct({"a": pa.int64()})])
def test_a_list_goes_with_nothing_else(other):
    with pytest.raises(InputError, match="Expected column 'c' as list"):
        common_type("c", pa.list_(pa.string()), other)


def test_casts():
    assert cast_column(pa.chunked_array([[2**60 + 1]]), pa.float64()).to_pylist() == [float(2**60)]
    assert cast_column(pa.chunked_array([[1, None]]), pa.string()).to_pylist() == ["1", None]
    days = pa.chunked_array([pa.array([dt.date(2020, 1, 1)])])
    assert cast_column(days, pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist() == [1_577_836_800_000_000]


def test_plain_type():
    for column in (
        pa.array(["a"], pa.large_string()),
        pa.array(["a"]).dictionary_encode(),
        pa.array(["a"], pa.string_view()),
    ):
        plain = plain_type(pa.chunked_array([column]))
        assert (plain.type, plain.to_pylist()) == (pa.string(), ["a"])
    assert plain_type(pa.chunked_array([pa.nulls(2)])).type == pa.string()
