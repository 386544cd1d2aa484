from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterator
from math import inf

import pytest

from gateway.linux import mmsg
from gateway.model.lookup import Facts, LogRow
from gateway.model.response import Source
from gateway.model.special_addresses import HOME
from gateway.model.verdict import ALLOWED
from gateway.resolver import datagrams
from gateway.resolver.clients import Client, Clients
from gateway.resolver.datagrams import DatagramServer, Reply
from gateway.resolver.fastpath import Memos
from gateway.resolver.guard import Guard
from gateway.resolver.recorder import Recorder
from gateway.wire.message import null_answer
from tests.support.serving import rules
from tests.support.waiting import wait_until_async
from tests.unit.wire.samples import query

FACTS = Facts("known.example", 1, 0, Source.LOCAL, ALLOWED)


class Door:
    """One server on a real socket, whose other half of the box only notes what it is handed."""

    def __init__(self, batched: bool, device_of: Callable[[str], str | None] = lambda client: None) -> None:
        self.now = 1.0
        self.log: deque[LogRow] = deque()
        self.handed: list[tuple[bytes, Client, Reply]] = []
        memos = Memos(100)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.settimeout(2)
        self.client.connect(self.socket.getsockname())
        clients = Clients(Guard(HOME), device_of, memos, rules())
        self.server = DatagramServer(
            self.socket,
            clients=clients,
            memos=memos,
            recorder=Recorder(self.log, 1000, clock=lambda: 1.0, wall=lambda: 2.0),
            serve=self.serve,
            clock=lambda: self.now,
            wall=lambda: 2.0,
            batched=batched,
        )
        known = query("known.example")
        memos.remember(memos.of(None), known.wire, null_answer(known, 10), FACTS, now=0.0, lifetime=inf)

    def serve(self, wire: bytes, client: Client, _at: float, reply: Reply) -> None:
        self.handed.append((wire, client, reply))

    def drain(self, rounds: int = 1) -> None:
        async def story() -> None:
            loop = asyncio.get_running_loop()
            self.server.start(loop)
            for _ in range(rounds):
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            while self.server._ahead:
                await asyncio.sleep(0)
            self.server.stop(loop)

        asyncio.run(story())


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.skipif(not mmsg.AVAILABLE, reason="no recvmmsg")), False])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    door = Door(request.param)
    yield door
    door.socket.close()
    door.client.close()


def test_what_is_known_is_answered_here_and_the_rest_is_handed_on(door: Door) -> None:
    door.client.send(query("new.example").wire)
    door.drain()
    door.handed.clear()
    order = ["known.example", "new.example", "KNOWN.example", "known.example", "other.example", "known.example"] * 30
    for n, name in enumerate(order):
        door.client.send(query(name, message_id=n).wire)
    door.drain()
    known = [n for n, name in enumerate(order) if name.lower() == "known.example"]
    replies = [door.client.recv(512) for _ in known]
    assert [int.from_bytes(reply[:2]) for reply in replies] == known
    assert [query_name(reply) for reply in replies] == [order[n] for n in known]
    assert [query_name(wire) for wire, _, _ in door.handed] == [name for name in order if "known" not in name.lower()]
    assert len(door.log) == door.server.fast == len(known)
    assert {row[:3] for row in door.log} == {(2.0, "127.0.0.1", FACTS)}


def query_name(wire: bytes) -> str:
    labels, at = [], 12
    while wire[at]:
        labels.append(wire[at + 1 : at + 1 + wire[at]].decode())
        at += wire[at] + 1
    return ".".join(labels)


def test_a_reply_goes_back_to_whoever_asked(door: Door) -> None:
    door.client.send(query("new.example").wire)
    door.drain()
    ((wire, client, reply),) = door.handed
    assert (wire, client.text) == (query("new.example").wire, "127.0.0.1")
    reply(b"the answer")
    assert door.client.recv(100) == b"the answer"


def test_a_reply_that_cannot_be_sent_is_counted(door: Door) -> None:
    door.client.send(query("new.example").wire)
    door.drain()
    door.handed[0][2](b"x" * 70_000)
    assert door.server.unsent == 1


def test_scraps_are_handed_on_and_harm_nothing(door: Door) -> None:
    for wire in (b"", b"\0", b"\0" * 11, b"\xff" * 2000, b"\xff" * 4000):
        door.client.send(wire)
    door.drain()
    assert [len(wire) for wire, _, _ in door.handed] == [0, 1, 11, 2000, mmsg.SLOT]


def test_one_that_goes_wrong_holds_up_nobody_behind_it(door: Door) -> None:
    """More of them than are worked off at once, and one in the later half that its own round cannot bear."""
    names = [f"n{number}.example" for number in range(40)]
    served: list[str] = []
    complaints: list[str] = []

    def serve(wire: bytes, client: Client, at: float, reply: Reply) -> None:
        if query_name(wire) == names[20]:
            raise ValueError("a fault of ours")
        served.append(query_name(wire))

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(repr(context.get("exception"))))
        door.server.start(loop)
        await wait_until_async(lambda: len(served) == 39, shows=lambda: served)
        door.server.stop(loop)

    door.server._serve = serve
    for name in names:
        door.client.send(query(name).wire)
    asyncio.run(story())
    assert served == [*names[:20], *names[21:]]
    assert complaints == ["ValueError('a fault of ours')"]


@pytest.mark.skipif(not mmsg.AVAILABLE, reason="no recvmmsg")
def test_between_other_work_who_needs_none_is_answered_and_nobody_is_forgotten() -> None:
    door = Door(batched=True)
    door.client.send(query("new.example").wire)
    door.drain()
    door.handed.clear()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        door.server.start(loop)
        for name in ("known.example", "new.example"):
            door.client.send(query(name).wire)
        door.now = 2.0
        door.server.look_in()
        # The loop has not turned yet.
        assert (door.server.fast, door.handed) == (1, [])
        assert query_name(door.client.recv(512)) == "known.example"
        await asyncio.sleep(0.01)
        door.server.stop(loop)
        door.server.look_in()

    asyncio.run(story())
    assert [query_name(wire) for wire, _, _ in door.handed] == ["new.example"]
    door.socket.close()
    door.client.close()


def test_who_needs_no_work_is_answered_between_two_that_need_some(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(batched=True)
    waiting: list[str] = []

    def work_hard(wire: bytes, _client: Client, _at: float, _reply: Reply) -> None:
        waiting.append(f"{query_name(wire)} after {door.server.fast}")
        door.client.send(query("known.example").wire)
        door.now += 0.001

    monkeypatch.setattr(door.server, "_serve", work_hard)
    for name in ("first.example", "second.example", "third.example"):
        door.client.send(query(name).wire)
    door.drain(rounds=3)
    assert waiting == ["first.example after 0", "second.example after 1", "third.example after 2"]
    assert not door.server._going_on
    door.socket.close()
    door.client.close()


def test_what_waits_for_work_has_a_bound_however_much_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagrams, "_MOST_AHEAD", 10)
    door = Door(batched=True)
    waiting: list[int] = []

    def fall_behind(wire: bytes, _client: Client, _at: float, _reply: Reply) -> None:
        waiting.append(len(door.server._ahead))
        if len(waiting) < 100:
            for _ in range(10):
                door.client.send(wire)
        door.now += 0.001

    monkeypatch.setattr(door.server, "_serve", fall_behind)
    door.client.send(query("new.example").wire)
    door.drain(rounds=1_000)
    assert max(waiting) == 10 - 1, "and the one that is worked on"
    assert len(waiting) + door.server.crowded_out == door.server.received, "who lost its place is counted"
    assert not door.server._ahead, "nobody waits for ever"
    door.socket.close()
    door.client.close()


def test_a_device_that_floods_waits_behind_one_that_asks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever address it floods from: what counts is the device."""
    door = Door(batched=True, device_of=lambda address: "quiet" if address == "127.0.0.9" else "flooding")
    served: list[str] = []
    monkeypatch.setattr(door.server, "_serve", lambda wire, client, _at, _reply: served.append(client.text))
    for n in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one_of_many:
            one_of_many.bind((f"127.0.1.{n + 1}", 0))
            one_of_many.sendto(query(f"new{n}.example").wire, door.socket.getsockname())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as quiet:
        quiet.bind(("127.0.0.9", 0))
        quiet.sendto(query("mine.example").wire, door.socket.getsockname())
    door.drain(rounds=100)
    assert len(served) == 51
    assert served.index("127.0.0.9") == 1
    door.socket.close()
    door.client.close()


def test_looking_twice_at_once_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(batched=True)
    door.drain()
    door.now = 2.0
    assert door.server._batch is not None
    looks: list[int] = []
    monkeypatch.setattr(door.server._batch, "receive", lambda: looks.append(1) or 0)
    monkeypatch.setattr(door.server, "_loop", object())
    for _ in range(3):
        door.server.look_in()
    assert len(looks) == 1
    door.socket.close()
    door.client.close()


def test_a_server_at_rest_leaves_its_socket_to_somebody_else(door: Door) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        door.server.start(loop)
        door.server.rest()
        door.client.send(query("known.example").wire)
        await asyncio.sleep(0.02)
        assert door.server.received == 0
        door.server.start(loop)
        await asyncio.sleep(0.02)
        assert door.server.received == 1
        door.server.stop(loop)

    asyncio.run(story())
