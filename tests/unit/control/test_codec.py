"""Words survive the trip through JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.codec import decode_line, encode_line, time_to_json
from gateway.errors import Refused

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@given(json_values)
def test_a_value_is_one_line_and_comes_back(value: Any) -> None:
    line = encode_line(value)
    assert line.count(b"\n") == 1
    assert decode_line(line) == value


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(line: bytes) -> None:
    try:
        decode_line(line)
    except Refused:
        pass


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Refused):
        decode_line(b"[" * 100_000)


def test_a_time_is_utc_with_a_z() -> None:
    assert time_to_json(datetime(2026, 11, 23, 20, 15, tzinfo=UTC)) == "2026-11-23T20:15:00.000Z"
