"""The abuse corpus is as bad as it says, and the good part of it is good."""

from __future__ import annotations

import dns.exception
import dns.message
import pytest
from hypothesis import given

from tests.support.captures import OURS
from tests.support.datagrams import MALFORMED, captured, captured_in, datagrams, good_queries, good_responses, mutants
from tests.support.shared_data import shared_data

IMPOLITE = {
    "a header alone",
    "an answer instead of a question",
    "an update",
    "a notify",
    "an unassigned opcode",
    "an OPT of version 7",
    "class CHAOS",
    "type ANY",
    "a zone transfer",
    "zeros",
    "two questions",
}


def is_message(wire: bytes) -> bool:
    try:
        dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def test_good_ones_are_good() -> None:
    assert all(map(is_message, [*good_queries(), *good_responses()]))


def test_malformed_ones_are_malformed() -> None:
    assert {name for name, wire in MALFORMED.items() if is_message(wire)} <= IMPOLITE
    assert len(MALFORMED) > 30


def test_mutants_are_many_kinds_and_the_same_for_the_same_seed() -> None:
    made = list(mutants(good_queries(), 2000, seed=4))
    assert made == list(mutants(good_queries(), 2000, seed=4))
    assert len(set(made)) > 1500
    broken = sum(not is_message(wire) for wire in made)
    assert 0.3 < broken / len(made) < 0.98
    assert max(map(len, made)) <= 4096


@pytest.mark.slow
@given(datagrams())
def test_the_strategy_makes_datagrams(wire: bytes) -> None:
    assert isinstance(wire, bytes)
    assert len(wire) <= 4096


@pytest.mark.parametrize(
    ("file", "least", "well_formed"),
    [("an-evening.pcap", 100, True), ("damaged.pcap", 30, False), ("well-formed.pcap", 13, True)],
)
def test_captures_give_their_datagrams(file: str, least: int, well_formed: bool) -> None:
    wires = captured(OURS / file)
    assert len(wires) >= least
    assert all(map(is_message, wires)) is well_formed


def test_a_folder_of_captures_gives_those_with_dns() -> None:
    assert set(captured_in(OURS)) == {"an-evening.pcap", "damaged.pcap", "well-formed.pcap"}


@pytest.mark.slow
@pytest.mark.large
def test_real_captures_give_theirs() -> None:
    found = captured_in(shared_data("captures"))
    assert {"netflix.pcap", "bad-dns-traffic.pcap", "alexa-app.pcapng"} <= set(found)
    assert "quic-v2.pcapng" not in found
    for file, least, well_formed in (
        ("netflix.pcap", 28, True), ("malformed_dns.pcap", 6, False), ("dns_long_domainname.pcap", 2, True),
    ):  # fmt: skip
        assert len(found[file]) >= least
        assert all(map(is_message, found[file])) is well_formed
