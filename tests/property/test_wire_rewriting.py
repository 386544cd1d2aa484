"""Whatever an upstream writes: what is kept says the same, is no longer than it was, and has none of our letters."""

from __future__ import annotations

from itertools import pairwise

import dns.message
import dns.name
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import WireError
from gateway.model.query import Transport
from gateway.resolver.answer import Answer, answer_of
from gateway.wire.lifetimes import LONGEST
from gateway.wire.patch import fit
from gateway.wire.peek import peek_query, peek_response
from tests.support.client import question
from tests.support.datagrams import datagrams, good_responses
from tests.support.written import spelled_out

LABELS = ["www", "cdn", "a", "example", "net", "com", "x-1"]
names = st.lists(st.sampled_from(LABELS), min_size=2, max_size=5).map(".".join)
ttls = st.sampled_from([0, 1, 60, 86_400, 86_401, 2**31 - 1, 2**31, 2**32 - 1])


@st.composite
def cased(draw: st.DrawFn, name: str) -> str:
    flips = draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    return "".join(c.upper() if flip else c for c, flip in zip(name, flips, strict=True))


@st.composite
def chains(draw: st.DrawFn) -> tuple[bytes, str, list[str]]:
    """A response, the question as it was spelled, and the lines of the answer that belong to it, as they are due."""
    asked = draw(cased(draw(names)))
    others = draw(st.lists(names, max_size=4, unique_by=str.lower))
    path = [asked, *(draw(cased(name)) for name in others if name.lower() != asked.lower())]
    lines = [f"{a}. {draw(ttls)} CNAME {b}." for a, b in pairwise(path)]
    addresses = draw(st.lists(st.integers(1, 250), min_size=1, max_size=6, unique=True))
    lines += [f"{path[-1]}. {draw(ttls)} A 192.0.2.{n}" for n in addresses]
    foreign = [f"elsewhere.invalid. 60 A 198.51.100.{n}" for n in range(draw(st.integers(0, 2)))]
    written = draw(st.permutations([*lines, *foreign]))
    wire = spelled_out(asked, "A", written, compressed=draw(st.booleans()))
    return wire, asked, lines


def kept_of(wire: bytes, asked: str) -> Answer:
    query = peek_query(question(asked.lower(), "A").to_wire(), Transport.UDP, "192.0.2.9", 0.0)
    return answer_of(wire, asked=query.key)


def facts(lines: list[str]) -> list[tuple[str, ...]]:
    """Owner, type and data, without their letters' case and their TTLs."""
    return [tuple(word.lower() for place, word in enumerate(line.split()) if place != 1) for line in lines]


@settings(max_examples=400, deadline=None)
@given(chains())
def test_a_chain_of_aliases_comes_through_whole_in_its_order_and_in_no_letters_of_ours(
    chain: tuple[bytes, str, list[str]],
) -> None:
    wire, asked, lines = chain
    answer = kept_of(wire, asked)
    assert len(answer.wire) <= len(wire)
    client = peek_query(question(asked.lower(), "A").to_wire(), Transport.TCP, "192.0.2.9", 0.0)
    message = dns.message.from_wire(fit(answer.wire, client), one_rr_per_rrset=True)
    received = [rrset.to_text().replace(" IN ", " ") for rrset in message.answer]
    aliases = sum(" CNAME " in line for line in lines)
    assert facts(received)[:aliases] == facts(lines)[:aliases]
    assert sorted(facts(received)) == sorted(facts(lines))
    ours = {label for label in asked.split(".") if label != label.lower()}
    for line in received:
        words = line.split()
        shown = words[0].split(".") + (words[3].split(".") if words[2] == "CNAME" else [])
        assert ours.isdisjoint(shown)


@settings(max_examples=200, deadline=None)
@given(chains())
def test_the_ttls_that_are_given_on_are_those_that_are_kept(chain: tuple[bytes, str, list[str]]) -> None:
    wire, asked, _ = chain
    answer = kept_of(wire, asked)
    given_on = [rrset.ttl for rrset in dns.message.from_wire(answer.wire, one_rr_per_rrset=True).answer]
    assert answer.ttl == min(given_on)
    assert max(given_on) <= LONGEST


@settings(max_examples=500, deadline=None)
@given(datagrams(good_responses()))
def test_no_response_breaks_it_and_what_is_kept_can_be_read(wire: bytes) -> None:
    try:
        answer = answer_of(wire)
    except WireError:
        return
    peek = peek_response(answer.wire)
    assert peek.opt_at is None
    assert answer.peek is not None
    assert (peek.ttl, peek.ttl_offsets) == (answer.peek.ttl, answer.peek.ttl_offsets)
    assert answer.ttl <= LONGEST
