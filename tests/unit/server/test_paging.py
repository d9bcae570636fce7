"""Cursors come back as the offsets they were made of, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visrec.core.errors import InputError
from visrec.server.paging import next_cursor, offset_of


@given(st.integers(0, 999_999_999))
def test_there_and_back(offset):
    assert offset_of(next_cursor(offset)) == offset


@given(st.text())
def test_whatever_a_client_sends_is_an_offset_or_an_input_error(text):
    try:
        assert 0 <= offset_of(text) < 1_000_000_000
    except InputError:
        pass


@pytest.mark.parametrize("wrong", ["", "-", "LTE", "🙂", "MTAwMDAwMDAwMA", "MQ=MQ"])
def test_what_is_no_cursor(wrong):
    with pytest.raises(InputError, match="Expected a cursor as an earlier answer gave it"):
        offset_of(wrong)


def test_no_cursor_is_the_beginning():
    assert offset_of(None) == 0
