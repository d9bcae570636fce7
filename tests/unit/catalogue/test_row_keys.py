from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from visrec.catalogue import keys
from visrec.catalogue.keys import match_rows, optional_take, pack_keys

rows = st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from([1, 2, None])), max_size=12)


def table(pairs):
    return pa.table(
        {"u": pa.array([u for u, _ in pairs], pa.string()), "t": pa.array([t for _, t in pairs], pa.int64())}
    )


@given(rows)
def test_packed_keys_are_equal_where_rows_are(pairs):
    packed = pack_keys(table(pairs), ["u", "t"])
    for one in range(len(pairs)):
        for other in range(len(pairs)):
            assert (packed[one] == packed[other]) == (pairs[one] == pairs[other])


@given(rows)
def test_packing_many_columns_does_not_overflow(pairs):
    largest, keys._LARGEST = keys._LARGEST, 3
    try:
        packed = pack_keys(table(pairs), ["u", "t"])
    finally:
        keys._LARGEST = largest
    assert len(set(packed.tolist())) == len(set(pairs))


@given(rows, rows)
def test_match_is_that_of_a_plain_loop(old, new):
    old = list(dict.fromkeys(old))
    expected: dict = {}
    for row, pair in enumerate(old):
        expected[pair] = [row, -1]
    for row, pair in enumerate(new):
        expected.setdefault(pair, [-1, -1])[1] = row
    old_row, new_row = match_rows(table(old), table(new), ["u", "t"])
    assert [list(pair) for pair in zip(old_row.tolist(), new_row.tolist(), strict=True)] == list(expected.values())


def test_optional_take():
    assert optional_take(pa.chunked_array([["a"], ["b"]]), np.array([1, -1, 0])).to_pylist() == ["b", None, "a"]
    assert optional_take(pa.chunked_array([], pa.string()), np.array([-1])).to_pylist() == [None]
