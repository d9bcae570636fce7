from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from visrec.catalogue.timestamps import parse_timestamps


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("881250949", 881250949),
        (" 881250949.9 ", 881250949),
        ("-1.5", -2),
        ("1.5e9", 1_500_000_000),
        ("2020-01-01", 1_577_836_800),
        ("2020-01-01T00:00:01", 1_577_836_801),
        ("2020-01-01 00:01", 1_577_836_860),
        ("2020-01-01T00:00:01.999", 1_577_836_801),
        ("2020-01-01T00:00:01.123456789", 1_577_836_801),
        ("2020-01-01T00:00:00Z", 1_577_836_800),
        ("2020-01-01 02:00:00+02:00", 1_577_836_800),
        ("2020-01-01 02:00:00 +0200", 1_577_836_800),
        ("1969-12-31T23:59:59Z", -1),
        ("2020-02-30", None),
        ("2020-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("01/02/2020", None),
        ("1577836800000", None),
        ("nan", None),
        ("1e999", None),
        ("99999999999999999999", None),
    ],
)
def test_text(text, seconds):
    # Among others, and alone: one bad value must not take its neighbours with it.
    for around in ([], ["2020-01-01", "5", "2020-01-01T00:00:00Z"]):
        values, bad = parse_timestamps(pa.chunked_array([[text, *around]]))
        assert values[0].as_py() == seconds
        assert bad[0] == (seconds is None)
        assert values.to_pylist()[1:] == ([1_577_836_800, 5, 1_577_836_800] if around else [])
        assert not bad[1:].any()


def test_none_is_not_bad():
    values, bad = parse_timestamps(pa.chunked_array([pa.array([None, "5"])]))
    assert (values.to_pylist(), bad.tolist()) == ([None, 5], [False, False])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None]), [1, None]),
        (pa.array([1.9, float("nan"), None]), [1, None, None]),
        (pa.array([dt.date(2020, 1, 1), None]), [1_577_836_800, None]),
        (pa.array([1_577_836_800_999, -1], pa.timestamp("ms")), [1_577_836_800, -1]),
        (pa.array([1_577_836_800], pa.timestamp("s", "Europe/Paris")), [1_577_836_800]),
        (pa.array([1_577_836_800_000_000_001], pa.timestamp("ns", "UTC")), [1_577_836_800]),
    ],
)
def test_typed_columns(column, expected):
    values, bad = parse_timestamps(pa.chunked_array([column]))
    assert values.to_pylist() == expected
    assert not bad.any()


def test_what_is_no_time_at_all():
    values, bad = parse_timestamps(pa.chunked_array([[True, None]]))
    assert (values.to_pylist(), bad.tolist()) == ([None, None], [True, False])
    values, bad = parse_timestamps(pa.chunked_array([pa.array([-(2**63), 2**62])]))
    assert (values.to_pylist(), bad.tolist()) == ([None, None], [True, True])
