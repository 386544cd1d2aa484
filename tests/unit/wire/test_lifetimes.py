"""The TTLs that a cache may tell."""

from __future__ import annotations

import struct

import dns.message
import pytest

from gateway.wire.lifetimes import LONGEST, LONGEST_NEGATIVE, settled
from gateway.wire.patch import bare
from gateway.wire.peek import peek_response
from tests.support.written import spelled_out

SOA = "example.com. {} SOA ns.example.com. host.example.com. 1 2 3 4 {}"
_TTL = struct.Struct(">I")


def ttls(
    name: str, rtype: str, answer: tuple[str, ...], authority: tuple[str, ...] = ()
) -> tuple[list[int], int | None]:
    """The TTLs of all records as they are to be given on, and for how long the answer is negative."""
    wire = spelled_out(name, rtype, answer, authority, compressed=True)
    peek = peek_response(wire)
    changed, known = settled(bare(wire, peek), peek)
    again = peek_response(changed)
    assert (known.ttl, known.ttl_offsets) == (again.ttl, again.ttl_offsets)
    assert dns.message.from_wire(changed).answer == dns.message.from_wire(wire).answer
    return [_TTL.unpack_from(changed, offset)[0] for offset in known.ttl_offsets], known.negative_ttl


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ((300, 300), 300),
        ((300, 60), 60),
        ((60, 300), 60),
        ((0, 300), 0),
        ((2**31, 300), 0),
        ((2**32 - 1, 2**32 - 1), 0),
        ((2**31 - 1, 2**31 - 1), LONGEST),
        ((LONGEST, LONGEST), LONGEST),
        ((LONGEST + 1, LONGEST), LONGEST),
    ],
)
def test_an_rrset_has_one_ttl_and_it_is_a_day_at_most(raw: tuple[int, ...], said: int) -> None:
    two = tuple(f"example.com. {ttl} A 192.0.2.{n}" for n, ttl in enumerate(raw))
    assert ttls("example.com", "A", two) == ([said, said], None)


def test_each_rrset_has_its_own() -> None:
    alias = "www.example.com. 3600 CNAME a.example.net."
    chain = (alias, "a.example.net. 60 A 192.0.2.1", "a.example.net. 20 A 192.0.2.2")
    assert ttls("www.example.com", "A", chain) == ([3600, 20, 20], None)


def test_signatures_of_different_types_are_different_rrsets() -> None:
    signature = "8 2 600 20300101000000 20200101000000 1 example.com. AAAA"
    signatures = (f"example.com. 60 RRSIG A {signature}", f"example.com. 600 RRSIG MX {signature}")
    assert ttls("example.com", "ANY", ("example.com. 60 A 192.0.2.1", *signatures)) == ([60, 60, 600], None)


@pytest.mark.parametrize(
    ("ttl", "minimum", "said"),
    [
        (900, 60, 60),
        (60, 900, 60),
        (7200, 7200, LONGEST_NEGATIVE),
        (2**31, 60, 0),
        (60, 2**31, 0),
        (0, 60, 0),
        (60, 60, 60),
    ],
)
def test_what_does_not_exist_says_so_for_the_smaller_of_ttl_and_minimum(ttl: int, minimum: int, said: int) -> None:
    assert ttls("no.example.com", "A", (), (SOA.format(ttl, minimum),)) == ([said], said)


def test_an_alias_to_nothing_keeps_its_own_ttl() -> None:
    alias = ("no.example.com. 300 CNAME x.example.com.",)
    assert ttls("no.example.com", "A", alias, (SOA.format(900, 60),)) == ([300, 60], 60)


def test_a_proof_that_nothing_is_there_lives_no_longer_than_that_word() -> None:
    proof = "no.example.com. 9000 NSEC z.example.com. TXT"
    signature = "no.example.com. 9000 RRSIG NSEC 8 3 9000 20300101000000 20200101000000 1 example.com. AAAA"
    assert ttls("no.example.com", "A", (), (SOA.format(900, 60), proof, signature)) == ([60, 60, 60], 60)
