"""The records of a section."""

from __future__ import annotations

import pytest

from gateway.errors import WireError
from gateway.wire.record import read_section
from tests.support.written import spelled_out

WIRE = spelled_out(
    "www.example.com", "A",
    ["www.example.com. 60 CNAME a.example.com.", "a.example.com. 60 A 192.0.2.1"], compressed=True,
)  # fmt: skip
START = 12 + 17 + 4


def test_each_record_knows_where_its_parts_stand() -> None:
    records, end = read_section(WIRE, START, 2, {})
    assert [(record.owner, record.rtype, record.rclass) for record in records] == [
        ("www.example.com", 5, 1),
        ("a.example.com", 1, 1),
    ]
    assert WIRE[records[1].data : records[1].end] == b"\xc0\0\2\1"
    assert (records[0].end, records[1].end) == (records[1].start, end)
    assert end == len(WIRE)


def test_where_a_pointer_leads_is_read_once() -> None:
    seen: dict[int, str] = {}
    read_section(WIRE, START, 2, seen)
    assert set(seen.values()) == {"www.example.com", "a.example.com"}


def test_the_opt_record_is_no_record_of_a_section() -> None:
    wire = spelled_out("www.example.com", "A", opt=b"\0\0\x29\x04\xd0\0\0\0\0\0\0")
    assert read_section(wire, START, 1, {}) == ([], len(wire))


@pytest.mark.parametrize("cut", range(1, 30))
def test_what_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(WireError):
        read_section(WIRE[:-cut], START, 2, {})
