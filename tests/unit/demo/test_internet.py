"""What the simulated internet says to one message, without sockets."""

from __future__ import annotations

import asyncio
import socket

import dns.message
import dns.rcode
import pytest

from gateway.demo.internet import Internet, distance
from gateway.demo.packet import write_query
from gateway.demo.world import World
from gateway.errors import NetworkError
from gateway.model.dns import QType


@pytest.fixture(scope="module")
def internet() -> Internet:
    return Internet(World.load())


def test_a_question_is_answered_from_the_distance_of_its_name(internet: Internet) -> None:
    found = internet.answer(write_query(3, "www.youtube.com", QType.A), udp=True)
    assert found is not None
    message = dns.message.from_wire(found[0])
    assert message.answer[-1].name.to_text() == "youtube-ui.l.google.com."
    assert found[1] == distance("www.youtube.com")
    assert 0.006 <= found[1] <= 0.030


def test_other_kinds_of_messages_are_refused_or_ignored(internet: Internet) -> None:
    def rcode(wire: bytes) -> str | None:
        found = internet.answer(wire, udp=True)
        return None if found is None else dns.rcode.to_text(dns.message.from_wire(found[0]).rcode())

    assert rcode(b"\x12\x34\x28\x00\x00\x01" + bytes(6)) == "NOTIMP"
    assert rcode(b"\x12\x34\x01\x00\x00\x02" + bytes(6)) == "FORMERR"
    assert rcode(b"\x12\x34\x81\x00\x00\x01" + bytes(6)) is None
    assert rcode(b"short") is None


def test_it_never_leaves_loopback() -> None:
    for address in ("0.0.0.0", "::"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family) as tcp:
            udp.bind((address, 0))
            with pytest.raises(NetworkError, match="stays on loopback"):
                asyncio.run(Internet(World.load()).start(udp, tcp))
