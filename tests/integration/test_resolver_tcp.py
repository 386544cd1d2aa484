"""What a television sees of the resolver over TCP, and what a bad one can do to it."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import dns.message
import pytest

from gateway.resolver.options import ResolverOptions
from tests.support.client import Connection, addresses, ask, question
from tests.support.serving import Serving, rules
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

ZONE = {
    "www.example.com": "300 A 192.0.2.1",
    "slow.example.com": "300 A 192.0.2.2",
    "*.many.example.com": "60 A 192.0.2.3",
}
OPTIONS = ResolverOptions(
    rebinding_protection=False, tcp_idle=0.4, tcp_in_flight=8, tcp_connections=12, tcp_connections_per_device=5
)

# Idle connections stay: a busy machine must not close what the test counts.
PATIENT = dataclasses.replace(OPTIONS, tcp_idle=60.0)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


@pytest.fixture
def serving(upstream: Upstream) -> Iterator[Serving]:
    with Serving(upstream.url, policy=rules(block=["ads.example"]), options=OPTIONS) as serving:
        yield serving


@pytest.fixture
def patient(upstream: Upstream) -> Iterator[Serving]:
    with Serving(upstream.url, options=PATIENT) as serving:
        yield serving


def test_a_name_is_answered_over_tcp(serving: Serving) -> None:
    for _ in range(3):
        assert addresses(ask("www.example.com", server=serving.server, tcp=True)) == ["192.0.2.1"]
        assert addresses(ask("ads.example", server=serving.server, tcp=True)) == ["0.0.0.0"]
    assert serving.counters()["queries_tcp"] == 6
    serving.logged(6)


def test_pipelined_queries_are_answered_as_they_finish(serving: Serving, upstream: Upstream) -> None:
    upstream.fail("slow.example.com", held=True)
    with Connection(serving.server) as connection:
        connection.send(question("slow.example.com", message_id=1).to_wire())
        connection.send(question("www.example.com", message_id=2).to_wire())
        first = dns.message.from_wire(connection.receive())
        upstream.release()
        second = dns.message.from_wire(connection.receive())
    assert (first.id, second.id) == (2, 1)
    assert addresses(second) == ["192.0.2.2"]


def test_the_length_prefix_may_be_split_anywhere(serving: Serving) -> None:
    wire = question("www.example.com", message_id=7).to_wire()
    framed = (len(wire).to_bytes(2) + wire) * 2
    for cut in (1, 2, 3, 20, len(wire) + 2, len(wire) + 3):
        with Connection(serving.server) as connection:
            connection.send_bytes(framed[:cut])
            time.sleep(0.02)
            connection.send_bytes(framed[cut:])
            for _ in range(2):
                assert addresses(dns.message.from_wire(connection.receive())) == ["192.0.2.1"]


def test_more_queries_than_may_be_open_at_once_are_all_answered(serving: Serving, upstream: Upstream) -> None:
    upstream.fail_all(delay=0.02)
    with Connection(serving.server) as connection:
        for n in range(100):
            connection.send(question(f"n{n}.many.example.com", message_id=n).to_wire())
        ids = {dns.message.from_wire(connection.receive()).id for _ in range(100)}
        assert ids == set(range(100))
    assert serving.counters()["in_flight"] == 0


def test_never_more_of_a_connection_is_under_way_than_allowed(serving: Serving, upstream: Upstream) -> None:
    for n in range(50):
        upstream.fail(f"n{n}.many.example.com", held=True)
    with Connection(serving.server) as connection:
        for n in range(50):
            connection.send(question(f"n{n}.many.example.com", message_id=n).to_wire())
        wait_until(lambda: serving.counters()["in_flight"] == OPTIONS.tcp_in_flight)
        assert addresses(ask("www.example.com", server=serving.server, tcp=True)) == ["192.0.2.1"], "somebody else's"
        assert serving.counters()["in_flight"] == OPTIONS.tcp_in_flight
        upstream.release()
        assert {dns.message.from_wire(connection.receive()).id for _ in range(50)} == set(range(50))


def test_an_idle_connection_is_closed_and_one_in_use_is_not(upstream: Upstream) -> None:
    options = dataclasses.replace(OPTIONS, tcp_idle=3.0)
    with (
        Serving(upstream.url, options=options) as serving,
        Connection(serving.server) as used,
        Connection(serving.server) as silent,
        Connection(serving.server) as half,
    ):
        half.send_bytes(b"\0")
        asked = 0
        while not (silent.is_closed_by_peer(0.05) and half.is_closed_by_peer(0.05)):
            asked += 1
            used.send(question("www.example.com").to_wire())
            assert addresses(dns.message.from_wire(used.receive())) == ["192.0.2.1"]
        assert asked > 10


def test_one_client_cannot_take_every_connection(patient: Serving) -> None:
    with ExitStack() as stack:
        greedy = [stack.enter_context(Connection(patient.server, source="127.0.0.9")) for _ in range(7)]
        oldest = [True] * 2 + [False] * 5
        wait_until(lambda: [one.is_closed_by_peer(0.02) for one in greedy] == oldest, "its oldest make room")
        assert addresses(ask("www.example.com", server=patient.server, tcp=True)) == ["192.0.2.1"]
    counted = patient.counters()
    assert (counted["tcp_displaced"], counted["tcp_turned_away"]) == (2, 0)


def test_connections_are_bounded_altogether_and_who_has_most_makes_room(patient: Serving) -> None:
    with ExitStack() as stack:
        held = {
            source: [stack.enter_context(Connection(patient.server, source=source)) for _ in range(count)]
            for source, count in (("127.0.1.1", 5), ("127.0.1.2", 4), ("127.0.1.3", 3))
        }
        newcomers = [stack.enter_context(Connection(patient.server, source=f"127.0.2.{n}")) for n in range(1, 4)]

        def open_still() -> dict[str, int]:
            return {source: sum(not one.is_closed_by_peer(0.02) for one in each) for source, each in held.items()}

        wait_until(lambda: open_still() == dict.fromkeys(held, 3), shows=open_still)
        assert [each.is_closed_by_peer(0.02) for each in newcomers] == [False] * 3


def test_a_device_is_one_holder_however_many_addresses_it_has(upstream: Upstream) -> None:
    with (
        Serving(upstream.url, options=PATIENT, device_of=lambda client: client[:8]) as serving,
        ExitStack() as stack,
    ):
        many = [stack.enter_context(Connection(serving.server, source=f"127.0.3.{n}")) for n in range(1, 8)]
        most = OPTIONS.tcp_connections_per_device
        wait_until(lambda: sum(not one.is_closed_by_peer(0.02) for one in many) == most)
        assert serving.counters()["tcp_displaced"] == len(many) - most


@pytest.mark.parametrize("how", ["silent", "half a message", "waiting for answers"])
def test_a_quiet_device_is_answered_beside_186_connections_of_six_addresses(upstream: Upstream, how: str) -> None:
    upstream.fail("never.example.com", drop=True)
    options = ResolverOptions(rebinding_protection=False, tcp_idle=60.0)
    with Serving(upstream.url, options=options) as serving, ExitStack() as stack:
        for n in range(186):
            one = stack.enter_context(Connection(serving.server, source=f"127.0.4.{1 + n % 6}"))
            if how == "half a message":
                one.send_bytes(b"\0\x40half")
            elif how == "waiting for answers":
                one.send(question("never.example.com").to_wire())
        for _ in range(5):
            answer = ask("www.example.com", server=serving.server, tcp=True, source="127.0.5.1")
            assert addresses(answer) == ["192.0.2.1"]


def test_a_client_that_closes_its_half_still_gets_its_answers(serving: Serving, upstream: Upstream) -> None:
    upstream.fail("slow.example.com", held=True)
    wire = question("slow.example.com").to_wire()
    with socket.create_connection(serving.server, PATIENCE) as sock:
        sock.sendall(len(wire).to_bytes(2) + wire)
        sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: upstream.asked)
        upstream.release()
        received = b""
        while part := sock.recv(4096):
            received += part
    assert addresses(dns.message.from_wire(received[2:])) == ["192.0.2.2"]


def test_a_client_that_hangs_up_takes_nothing_from_the_others(serving: Serving, upstream: Upstream) -> None:
    upstream.fail("slow.example.com", held=True)
    with Connection(serving.server) as leaver:
        leaver.send(question("slow.example.com").to_wire())
        wait_until(lambda: upstream.asked)
    upstream.release()
    assert addresses(ask("slow.example.com", server=serving.server)) == ["192.0.2.2"]
    assert len({one.client for one in upstream.asked}) == 1, "asked from one port: at most a second time by the same"


def test_a_client_that_never_reads_is_bounded_and_closed(serving: Serving, upstream: Upstream) -> None:
    upstream.set_zone({"big.example.com": [f'60 TXT "{"x" * 250}{n}"' for n in range(200)]})
    wire = question("big.example.com", "TXT").to_wire()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(serving.server)
        sock.settimeout(0.5)
        sent = 0
        try:
            while sent < 3000:
                sock.sendall(len(wire).to_bytes(2) + wire)
                sent += 1
        except (TimeoutError, ConnectionError):
            pass
        assert serving.counters()["queries_tcp"] < 400, "reading stops while answers pile up"
        wait_until(lambda: serving.counters()["in_flight"] == 0)
    assert ask("www.example.com", server=serving.server, tcp=True).rcode() == 3


def test_whoever_speaks_no_dns_is_closed(serving: Serving) -> None:
    for data in (b"\0\0", b"\0\5hello", b"\0\0\0\0\0\0"):
        with Connection(serving.server) as connection:
            connection.send_bytes(data)
            assert connection.is_closed_by_peer()


def test_a_malformed_query_is_answered_with_an_error_and_the_connection_goes_on(serving: Serving) -> None:
    good = question("www.example.com", message_id=3).to_wire()
    with Connection(serving.server) as connection:
        connection.send(good[:20])
        assert connection.receive()[3] & 0x0F == 1
        connection.send(good[:2] + b"\x81" + good[3:])
        connection.send(good)
        assert addresses(dns.message.from_wire(connection.receive())) == ["192.0.2.1"]
