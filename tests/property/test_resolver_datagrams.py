"""A hundred thousand datagrams that nobody should send, to a resolver whose upstream is no better."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from random import Random

from gateway.model.lookup import LogRow
from gateway.resolver.options import ResolverOptions
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from gateway.wire.edns import UDP_SIZE
from gateway.wire.peek import peek_response
from gateway.wire.question import Question
from tests.support.captures import captures
from tests.support.datagrams import MALFORMED, good_queries, good_responses, mutated
from tests.support.serving import rules
from tests.support.waiting import wait_until_async

COUNT = 100_000


class LyingUpstream:
    """Answers at once, with anything; in one of three with something that begins like an answer to the question."""

    url = "udp://192.0.2.53"
    address = ("192.0.2.53", 53)

    def __init__(self, seeds: list[bytes], rng: Random) -> None:
        self._seeds = seeds
        self._rng = rng

    def ask(self, question: Question) -> asyncio.Future[bytes]:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        wire = self._rng.choice(self._seeds)
        # What a transport hands on always has the question that was asked; the rest is the upstream's own.
        header = b"\0\0" + bytes((0x80 | wire[2] & 0x7F if len(wire) > 2 else 0x81,)) + self._rng.randbytes(1) + b"\0\1"
        reply = header + self._rng.choice((wire[6:12], b"\0\1\0\0\0\0")).ljust(6, b"\0") + question.name + question.tail
        good = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
        body = good if self._rng.random() < 0.5 else self._rng.choice(self._seeds)[20:]
        reply += mutated(body, self._rng) if self._rng.random() < 0.5 else body
        future.set_result(reply)
        return future

    async def close(self) -> None:
        pass


def seeds() -> list[bytes]:
    found = [*good_queries(), *good_responses(), *MALFORMED.values()]
    for wires in captures().values():
        found += wires[:60]
    return found


def limit_of(wire: bytes) -> int:
    """How long an answer may be, read without our own parser: an OPT record that ends the query tells its size."""
    at = wire.rfind(b"\0\0\x29", 12)
    said = int.from_bytes(wire[at + 3 : at + 5]) if at > 0 else 512
    return min(max(said, 512), UDP_SIZE)


async def flood(resolver: Resolver, log: deque[LogRow], rng: Random, known: list[bytes]) -> int:
    answered = 0
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        server.bind(("127.0.0.1", 0))
        client.bind(("127.0.0.1", 0))
        client.setblocking(False)
        client.connect(server.getsockname())
        await resolver.start([server], [])
        sent: dict[bytes, bytes] = {}
        for n in range(COUNT):
            wire = rng.randbytes(rng.randrange(80)) if n % 10 == 0 else rng.choice(known)
            wire = mutated(wire, rng) if n % 3 else wire
            wire = (n % 65536).to_bytes(2) + wire[2:2000]
            sent[wire[:2]] = wire
            client.send(wire)
            if n % 50 < 49:
                continue
            for _ in range(6):
                await asyncio.sleep(0)
            while True:
                try:
                    reply = client.recv(65535)
                except BlockingIOError:
                    break
                asked = sent[reply[:2]]
                answered += 1
                assert len(reply) <= limit_of(asked), asked
                assert len(reply) <= 12 or peek_response(reply).question
                assert reply[2] & 0x80
            log.clear()
        await wait_until_async(lambda: not resolver.counters()["in_flight"])
        await resolver.stop()
    return answered


def test_no_datagram_crashes_the_resolver_or_gets_more_than_it_may() -> None:
    rng = Random(20)
    known = seeds()
    log: deque[LogRow] = deque()
    policy = rules(block=["tv.example", "in-addr.arpa"])
    resolver = Resolver(
        log=LogQueue(rows=log),
        upstreams=[LyingUpstream(known, rng)],
        policy=policy,
        device_of=lambda client: None,
        options=ResolverOptions(cache_entries=300, memo_entries=300),
    )
    answered = asyncio.run(flood(resolver, log, rng, known))
    counters = resolver.counters()
    assert counters["errors"] == 0
    assert counters["queries_udp"] == COUNT
    assert counters["malformed"] > COUNT / 10
    assert counters["fast"] > 100
    assert answered > COUNT / 4
    assert counters["cache_entries"] <= 300
    assert counters["memo_entries"] <= 300
    assert counters["in_flight"] == 0
