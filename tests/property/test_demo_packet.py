"""Whatever comes over the wire, the demo reads it or says that it cannot."""

from __future__ import annotations

import contextlib

import dns.message
import dns.name
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.internet import Internet
from gateway.demo.packet import Record, address_rdata, read_answer, read_query, write_answer, write_query
from gateway.demo.world import World
from gateway.errors import WireError
from gateway.model.dns import QType
from gateway.model.name import Name
from tests.support.datagrams import datagrams

WORLD = World.load()
LABELS = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(wire: bytes) -> None:
    with contextlib.suppress(WireError):
        read_query(wire)
    with contextlib.suppress(WireError):
        read_answer(wire, 0, "", QType.A)


@given(st.binary(max_size=120), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_any_body_behind_a_sound_head_is_read_or_refused(body: bytes, answers: int, authority: int, extra: int) -> None:
    counts = bytes((0, 1, 0, answers, 0, authority, 0, extra))
    with contextlib.suppress(WireError):
        read_query(b"\0\5\1\0" + counts + body)
    question = b"\2tv\0\0\1\0\1"
    with contextlib.suppress(WireError):
        read_answer(b"\0\5\x81\x80" + counts + question + body, 5, "tv", QType.A)


@given(LABELS, st.sampled_from([1, 28, 65, 16, 255, 65_000]), st.booleans())
def test_every_question_gets_a_well_formed_answer(labels: list[bytes], qtype: int, udp: bool) -> None:
    name = Name.from_labels(labels)
    found = Internet(WORLD).answer(write_query(7, name.text, qtype), udp=udp)
    assert found is not None
    message = dns.message.from_wire(found[0])
    assert message.id == 7
    assert message.question[0].name == dns.name.Name([*labels, b""])
    assert message.answer or message.authority


@given(LABELS, st.lists(st.ip_addresses(v=4).map(str), max_size=20))
def test_what_is_written_is_read(labels: list[bytes], addresses: list[str]) -> None:
    name = Name.from_labels(labels).text
    asked = read_query(write_query(9, name, QType.A))
    records = [Record(name, 60, QType.A, address_rdata(address)) for address in addresses]
    answer = read_answer(write_answer(asked, 0, records), 9, name, QType.A)
    assert answer.addresses == tuple(addresses)
    assert answer.ttl == (60 if addresses else 0)


@given(datagrams())
def test_no_datagram_upsets_the_simulated_internet(wire: bytes) -> None:
    found = Internet(WORLD).answer(wire, udp=True)
    if found is not None:
        assert found[0][:2] == wire[:2]
        dns.message.from_wire(found[0])
