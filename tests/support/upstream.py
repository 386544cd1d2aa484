"""A real DNS server on loopback that does what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from tests.support.ports import bind_pair
from tests.support.waiting import PATIENCE, wait_until
from tests.support.zone import Reply, Zone, answerer, build

_MAX_UDP = 65_535


@dataclass(frozen=True)
class Asked:
    """One query as it came in; `name` keeps the spelling of the asker."""

    name: str
    type: str
    transport: str
    client: tuple[str, int]
    id: int
    edns_size: int | None
    wire: bytes


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer. `times` is how often, None for always; `transport` None means both.

    `drop` says nothing; `delay` seconds; `held` waits for `Upstream.release` (or `heal`); `rcode` answers that code
    with no records; `truncate` sets TC and leaves the records out; `wrong_id`, `wrong_question`, `wrong_type`,
    `lower_case` and `upper_case` spoil the head of the answer; `wrong_port` answers from another socket (UDP);
    `garbage` sends random bytes instead; `cut` sends only so many bytes; `extra` records are put behind the answer;
    `twice` sends it twice; `close_tcp` hangs up; `drip` seconds between single bytes (TCP); `query_back` sends the
    query itself; `refuse_edns` answers FORMERR to EDNS only; `oversize` sends more than was asked for instead of
    truncating.
    """

    drop: bool = False
    delay: float = 0.0
    held: bool = False
    rcode: str | None = None
    truncate: bool = False
    wrong_id: bool = False
    wrong_question: bool = False
    wrong_type: bool = False
    lower_case: bool = False
    upper_case: bool = False
    wrong_port: bool = False
    garbage: bool = False
    cut: int | None = None
    extra: tuple[str, ...] = ()
    twice: bool = False
    close_tcp: bool = False
    drip: float = 0.0
    query_back: bool = False
    refuse_edns: bool = False
    oversize: bool = False
    transport: str | None = None
    times: int | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    async def hold_up(self) -> None:
        """Until the answer may leave."""
        await asyncio.sleep(self.delay)
        if self.held:
            await self.released.wait()


@dataclass
class _Planned:
    fault: Fault
    left: int | None


@dataclass
class Upstream:
    """Answers from `zone` over UDP and TCP on one port of `host`; use it as a context manager.

    It runs its own event loop in a thread, so that tests may block or run loops of their own.
    """

    zone: Zone = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 0
    negative_ttl: int = 30
    over_tcp: bool = True
    written: Callable[[str, str], bytes | None] | None = None
    """The whole response to a name, as it was spelled, and a type; None leaves the answer to the zone. It comes as it
    is, but for its id, and TC in its place where it is too long."""

    def __post_init__(self) -> None:
        self.asked: list[Asked] = []
        self.malformed: list[bytes] = []
        self._answer = answerer(self.zone, self.negative_ttl)
        self._faults: dict[str, _Planned] = {}
        self._everywhere: _Planned | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._udp: socket.socket | None = None
        self._tcp: socket.socket | None = None
        self._work: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def url(self) -> str:
        return f"udp://{self.host if ':' not in self.host else f'[{self.host}]'}:{self.port}"

    def __enter__(self) -> Upstream:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Binds and answers; after `stop` it comes back on the same port."""
        self._udp, self._tcp = _bind(self.host, self.port)
        self.port = self._udp.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="upstream", daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE)

    def stop(self) -> None:
        """Closes the port: whoever asks from now on learns by ICMP or RST that nobody is there."""
        if self._loop is None or self._thread is None:
            return
        loop, self._loop = self._loop, None
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(PATIENCE)

    def set_zone(self, zone: Zone) -> None:
        self._answer = answerer(zone, self.negative_ttl)

    def fail(self, name: str, **fault: Any) -> None:
        """From now on answers about `name` suffer this fault (the fields of `Fault`)."""
        planned = Fault(**fault)
        self._faults[_plain(name)] = _Planned(planned, planned.times)

    def fail_all(self, **fault: Any) -> None:
        """As `fail`, for every name that has no fault of its own."""
        planned = Fault(**fault)
        self._everywhere = _Planned(planned, planned.times)

    def release(self) -> None:
        """Answers that were held leave, those asked for from now on too."""
        assert self._loop is not None
        for planned in (*self._faults.values(), self._everywhere):
            if planned is not None:
                self._loop.call_soon_threadsafe(planned.fault.released.set)

    def heal(self) -> None:
        if self._loop is not None:
            self.release()
        self._faults.clear()
        self._everywhere = None

    def forget(self) -> None:
        self.asked.clear()
        self.malformed.clear()

    def names(self) -> list[str]:
        """What was asked, canonical, in order."""
        return [_plain(one.name) for one in list(self.asked)]

    def count(self, name: str, rtype: str | None = None, transport: str | None = None) -> int:
        return sum(
            _plain(one.name) == _plain(name) and rtype in (None, one.type) and transport in (None, one.transport)
            for one in list(self.asked)
        )

    def _run(self, ready: threading.Event) -> None:
        assert self._udp is not None
        assert self._tcp is not None
        loop = asyncio.new_event_loop()
        self._loop = loop
        loop.add_reader(self._udp, self._read_udp)
        if self.over_tcp:
            self._spawn(self._accept())
        else:
            self._tcp.close()
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
        finally:
            loop.remove_reader(self._udp)
            self._udp.close()
            self._tcp.close()
            for task in list(self._work):
                task.cancel()
            if self._work:
                loop.run_until_complete(asyncio.gather(*self._work, return_exceptions=True))
            loop.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _read_udp(self) -> None:
        assert self._udp is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                wire, client = self._udp.recvfrom(_MAX_UDP)
                self._spawn(self._serve_udp(wire, client))

    async def _serve_udp(self, wire: bytes, client: Any) -> None:
        query = self._note(wire, "udp", client)
        if query is None:
            return
        fault = self._fault_of(query, "udp")
        await fault.hold_up()
        if fault.drop:
            return
        answer = self._spoilt(query, wire, fault, _udp_size(query))
        for _ in range(2 if fault.twice else 1):
            self._send_udp(answer, client, fault.wrong_port)

    def _send_udp(self, answer: bytes, client: Any, elsewhere: bool) -> None:
        assert self._udp is not None
        with contextlib.suppress(OSError):
            if not elsewhere:
                self._udp.sendto(answer, client)
                return
            with socket.socket(self._udp.family, socket.SOCK_DGRAM) as other:
                other.bind((self.host, 0))
                other.sendto(answer, client)

    async def _accept(self) -> None:
        assert self._loop is not None
        assert self._tcp is not None
        while True:
            connection, client = await self._loop.sock_accept(self._tcp)
            connection.setblocking(False)
            self._spawn(self._serve_tcp(connection, client))

    async def _serve_tcp(self, connection: socket.socket, client: Any) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
                query = self._note(wire, "tcp", client)
                if query is None:
                    return
                fault = self._fault_of(query, "tcp")
                await fault.hold_up()
                if fault.close_tcp:
                    return
                if fault.drop:
                    continue
                answer = self._spoilt(query, wire, fault, _MAX_UDP)
                for _ in range(2 if fault.twice else 1):
                    await _write(writer, len(answer).to_bytes(2, "big") + answer, fault.drip)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _note(self, wire: bytes, transport: str, client: Any) -> dns.message.Message | None:
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError, ValueError):
            self.malformed.append(wire)
            return None
        asked = Asked(
            name=question.name.to_text(omit_final_dot=True),
            type=dns.rdatatype.to_text(question.rdtype),
            transport=transport,
            client=client[:2],
            id=query.id,
            edns_size=query.payload if query.edns >= 0 else None,
            wire=wire,
        )
        self.asked.append(asked)
        return query

    def _fault_of(self, query: dns.message.Message, transport: str) -> Fault:
        name = _plain(query.question[0].name.to_text())
        for planned in (self._faults.get(name), self._everywhere):
            if planned is None or planned.left == 0 or planned.fault.transport not in (None, transport):
                continue
            if planned.left is not None:
                planned.left -= 1
            return planned.fault
        return Fault()

    def _spoilt(self, query: dns.message.Message, wire: bytes, fault: Fault, size: int) -> bytes:
        if fault.garbage:
            return os.urandom(60)
        if fault.query_back:
            return wire
        question = query.question[0]
        if self.written is not None:
            raw = self.written(question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype))
            if raw is not None:
                head = wire[:2] + raw[2:]
                return (
                    head
                    if len(head) <= size
                    else head[:2]
                    + bytes((head[2] | 2,))
                    + head[3:4]
                    + wire[4:6]
                    + (bytes(6) + wire[12 : 12 + len(question.name.to_wire()) + 4])
                )
        reply = self._answer(question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype))
        if fault.refuse_edns and query.edns >= 0:
            reply = Reply(rcode="FORMERR")
        if fault.rcode is not None:
            reply = Reply(rcode=fault.rcode)
        response = build(query, reply, fault.extra)
        if fault.refuse_edns:
            response.use_edns(False)
        if fault.wrong_id:
            response.id = query.id ^ 0x5A5A
        if fault.wrong_question:
            response.question[0] = dns.rrset.RRset(
                dns.name.from_text("somebody.else.example"), question.rdclass, question.rdtype
            )
        if fault.wrong_type:
            response.question[0] = dns.rrset.RRset(question.name, question.rdclass, dns.rdatatype.MX)
        if fault.lower_case or fault.upper_case:
            spell = bytes.lower if fault.lower_case else bytes.upper
            spelled = dns.name.Name([spell(label) for label in question.name.labels])
            response.question[0] = dns.rrset.RRset(spelled, question.rdclass, question.rdtype)
        answer = response.to_wire(max_size=_MAX_UDP)
        if fault.truncate or (len(answer) > size and not fault.oversize):
            response.flags |= dns.flags.TC
            for section in (response.answer, response.authority, response.additional):
                section.clear()
            answer = response.to_wire()
        return answer if fault.cut is None else answer[: fault.cut]


async def _write(writer: asyncio.StreamWriter, data: bytes, drip: float) -> None:
    if not drip:
        writer.write(data)
        await writer.drain()
        return
    for byte in data:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(drip)


def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    udp, tcp = wait_until(lambda: bind_pair(host, port), f"port {port} of {host} is free", ignoring=(OSError,))
    tcp.listen(64)
    udp.setblocking(False)
    tcp.setblocking(False)
    return udp, tcp


def _udp_size(query: dns.message.Message) -> int:
    return max(512, query.payload) if query.edns >= 0 else 512


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
