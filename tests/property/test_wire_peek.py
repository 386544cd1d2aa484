"""Whatever the bytes: no error but our own, and agreement with an independent implementation where both read them."""

from __future__ import annotations

import dataclasses
import ipaddress
from random import Random

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import WireError
from gateway.model.name import Name
from gateway.model.query import Edns, Query, Transport
from gateway.wire.edns import size_limit
from gateway.wire.message import failure, null_answer, parse, refusal
from gateway.wire.names import read_name, read_plain
from gateway.wire.patch import aged, bare, fit
from gateway.wire.peek import ResponsePeek, peek_query, peek_response
from gateway.wire.plain import peek_plain
from gateway.wire.question import Question, build_query, shuffle_case
from tests.support.captures import captures
from tests.support.datagrams import datagrams, good_queries, good_responses, mutants, mutated

FUZZ = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_query(wire: bytes) -> Query | None:
    try:
        return peek_query(wire, Transport.UDP, "192.168.7.20", 0.0)
    except WireError as error:
        if error.rcode not in (None, 1, 4):
            raise AssertionError(f"rcode {error.rcode}") from error
        return None


def read_response(wire: bytes) -> ResponsePeek | None:
    try:
        peek = peek_response(wire)
    except WireError:
        peek = None
    if len(wire) > 16:
        # Whatever is read the short way is read alike the long way; the question that was asked is the one answered.
        end = 12 + len(peek.question) if peek is not None else 17 + wire[12]
        short = peek_plain(wire, wire[12 : end - 4].lower() + wire[end - 4 : end])
        assert short is None or short == peek
    return peek


def by_dnspython(wire: bytes) -> dns.message.Message | None:
    try:
        return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, EOFError, UnicodeError, IndexError):
        return None


def check_query(wire: bytes) -> None:
    ours, theirs = read_query(wire), by_dnspython(wire)
    if theirs is None:
        return
    plain = not theirs.flags & dns.flags.QR and theirs.opcode() == 0 and len(theirs.question) == 1 and not theirs.answer
    if ours is None:
        compressed = plain and wire[12 : 12 + len(theirs.question[0].name.to_wire())].find(b"\xc0") >= 0
        crowded = len(theirs.authority) + len(theirs.additional) > 15
        assert not plain or compressed or crowded or theirs.question[0].name == dns.name.empty, wire
        return
    assert plain
    asked = theirs.question[0]
    assert (ours.id, ours.flags) == (theirs.id, int.from_bytes(wire[2:4]))
    assert (ours.qtype, ours.qclass) == (asked.rdtype, asked.rdclass)
    assert ours.name == Name.from_labels(list(asked.name.labels[:-1]))
    expected = None
    if theirs.edns >= 0:
        expected = Edns(theirs.payload, bool(theirs.ednsflags & dns.flags.DO), theirs.edns)
    assert ours.edns == expected


def check_response(wire: bytes) -> None:
    ours, theirs = read_response(wire), by_dnspython(wire)
    if ours is None:
        return
    assert all(12 <= at <= len(wire) - 4 for at in ours.ttl_offsets)
    assert ours.authority_at <= ours.additional_at <= len(wire)
    if theirs is None or not theirs.flags & dns.flags.QR or len(theirs.question) > 1:
        return
    records = [*theirs.answer, *theirs.authority, *theirs.additional]
    if any(record.rdclass != 1 or not record for record in records) or theirs.tsig or theirs.opcode() == 5:
        return
    raw = [int.from_bytes(wire[at : at + 4]) for at in ours.ttl_offsets]
    assert [min(ttl, 2**31) % 2**31 for ttl in raw] == [record.ttl for record in records]
    assert ours.answers == len(theirs.answer)
    assert (ours.opt_at is not None) == (theirs.edns >= 0)
    assert ours.rcode == theirs.rcode()
    addresses = [r[0].address for r in theirs.answer if r.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)]
    if not any(r.rdtype in (dns.rdatatype.HTTPS, dns.rdatatype.SVCB) for r in theirs.answer):
        assert [str(ipaddress.ip_address(a)) for a in ours.addresses] == [
            str(ipaddress.ip_address(a)) for a in addresses
        ]
    aliases = [r[0].target for r in theirs.answer if r.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.DNAME)]
    assert {Name.from_labels(list(alias.labels[:-1])).text for alias in aliases} <= set(ours.targets)


def check_fitting(wire: bytes, edns: Edns | None, message_id: int) -> None:
    """A response that we accept can be kept, and handed to any client that asks the same."""
    peek = read_response(wire)
    if peek is None or not peek.question:
        return
    kept = bare(wire, peek)
    again = peek_response(kept)
    assert again.opt_at is None
    assert (again.answers, again.targets, again.addresses) == (peek.answers, peek.targets, peek.addresses)
    assert again.question == peek.question[:-4].lower() + peek.question[-4:]
    header = message_id.to_bytes(2) + b"\1\0\0\1\0\0\0\0\0\0"
    asked = read_query(header + peek.question)
    if asked is None:
        return
    asked = dataclasses.replace(asked, edns=edns)
    reply = fit(aged(kept, again.ttl_offsets, 5), asked, ede=3)
    assert len(reply) <= size_limit(asked)
    said = peek_response(reply)
    assert (said.id, said.question) == (message_id, peek.question)
    assert (said.opt_at is not None) == (edns is not None)
    assert said.truncated or said.answers == peek.answers


EDNS = st.none() | st.builds(Edns, st.integers(0, 65535), st.booleans())


@FUZZ
@given(st.lists(st.binary(min_size=1, max_size=63), max_size=8), st.binary(max_size=4))
def test_a_name_is_read_alike_the_short_and_the_long_way(labels: list[bytes], behind: bytes) -> None:
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0" + behind
    for end in range(len(wire) + 1):
        short = read_plain(wire[:end], 0)
        if short is not None:
            assert short == read_name(wire[:end], 0, pointers=False)


@FUZZ
@given(datagrams())
def test_any_datagram_is_read_or_refused_as_a_query(wire: bytes) -> None:
    check_query(wire)


@FUZZ
@given(datagrams())
def test_any_datagram_is_read_or_refused_as_a_response(wire: bytes) -> None:
    check_response(wire)


@FUZZ
@given(datagrams(seeds=good_responses()), EDNS, st.integers(0, 65535))
def test_any_response_that_is_accepted_fits_any_client(wire: bytes, edns: Edns | None, message_id: int) -> None:
    check_fitting(wire, edns, message_id)


@FUZZ
@given(datagrams())
def test_the_full_parse_raises_nothing_but_its_own_error(wire: bytes) -> None:
    try:
        parse(wire)
    except WireError:
        pass


@FUZZ
@given(st.binary(min_size=12, max_size=100), st.sampled_from([1, 4]))
def test_a_refusal_is_a_response_that_nobody_answers(wire: bytes, rcode: int) -> None:
    reply = refusal(wire, rcode)
    assert len(reply) <= len(wire)
    assert reply[:2] == wire[:2]
    assert read_query(reply) is None


@FUZZ
@given(datagrams(seeds=good_queries()))
def test_any_query_that_is_accepted_can_be_answered_and_asked(wire: bytes) -> None:
    asked = read_query(wire)
    if asked is None:
        return
    for made in (failure(asked, 2), null_answer(asked, 10)):
        said = peek_response(fit(made, asked, ede=15))
        assert said.question == wire[12 : asked.question_end]
    question = Question.of(asked)
    onward = read_query(build_query(7, question, spelled=shuffle_case(question.name, Random(1).randbytes(256))))
    assert onward is not None
    assert (onward.name, onward.qtype, onward.qclass) == (asked.name, asked.qtype, asked.qclass)
    assert Question.of(onward).name == question.name


@pytest.mark.parametrize("check", [check_query, check_response])
def test_captured_and_mutated_datagrams_are_read_or_refused(check) -> None:  # type: ignore[no-untyped-def]
    seeds = [wire for wires in captures().values() for wire in wires]
    assert len(seeds) > 100
    for wire in seeds:
        check(wire)
    for wire in mutants(seeds, 4000, seed=7):
        check(wire)


def test_real_responses_that_dnspython_reads_are_read_by_us() -> None:
    refused = 0
    for name, wires in captures().items():
        if "malformed" in name or "damaged" in name or "fuzz" in name or "bad" in name or "invalid" in name:
            continue
        for wire in wires:
            theirs = by_dnspython(wire)
            if theirs is not None and theirs.flags & dns.flags.QR and theirs.opcode() == 0:
                refused += read_response(wire) is None
    assert refused == 0


def test_captured_responses_fit_every_client() -> None:
    rng = Random(3)
    seeds = [wire for wires in captures().values() for wire in wires]
    for wire in seeds:
        for edns in (None, Edns(512, True), Edns(4096)):
            check_fitting(wire, edns, rng.randrange(65536))
            check_fitting(mutated(wire, rng), edns, rng.randrange(65536))
