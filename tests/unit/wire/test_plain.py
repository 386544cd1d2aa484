from __future__ import annotations

import pytest

from gateway.wire.peek import peek_response
from gateway.wire.plain import peek_plain
from tests.unit.wire.samples import query, response

TWO = ("www.example.com. 300 A 192.0.2.1", "www.example.com. 60 A 192.0.2.2")


def test_addresses_of_the_very_name_are_read_as_by_the_long_way() -> None:
    for edns in (None, 1232):
        asked = query("WWW.example.com", edns=edns)
        wire = response(asked, TWO)
        assert peek_plain(wire, asked.key[:-1]) == peek_response(wire)
    asked = query("www.example.com", "AAAA")
    wire = response(asked, ("www.example.com. 300 AAAA 2001:db8::1",))
    peek = peek_plain(wire, asked.key[:-1])
    assert peek == peek_response(wire)
    assert peek is not None
    assert peek.ttl == 300


@pytest.mark.parametrize(
    ("rtype", "answer", "authority"),
    [
        ("A", (), ()),
        ("A", ("www.example.com. 60 CNAME x.example.com.", "x.example.com. 60 A 192.0.2.1"), ()),
        ("A", ("other.example.com. 60 A 192.0.2.1",), ()),
        ("A", ("www.example.com. 60 AAAA 2001:db8::1",), ()),
        ("A", TWO, ("example.com. 60 NS ns.example.com.",)),
        ("TXT", ('www.example.com. 60 TXT "x"',), ()),
    ],
)
def test_whatever_says_more_goes_the_long_way(rtype: str, answer: tuple[str, ...], authority: tuple[str, ...]) -> None:
    asked = query("www.example.com", rtype)
    assert peek_plain(response(asked, answer, authority), asked.key[:-1]) is None


def test_a_message_that_is_cut_off_changed_or_longer_is_not_plain() -> None:
    asked = query("www.example.com", edns=1232)
    wire = response(asked, TWO)
    assert peek_plain(wire + b"\0", asked.key[:-1]) is None
    assert all(peek_plain(wire[:end], asked.key[:-1]) is None for end in range(len(wire)))
    assert peek_plain(wire, query("www.example.org").key[:-1]) is None
    truncated = wire[:2] + bytes((wire[2] | 0x02,)) + wire[3:]
    assert peek_plain(truncated, asked.key[:-1]) is None
    assert peek_plain(wire, b"") is None
