"""The simulated internet on a loopback address: one DNS server that answers for every name, over UDP and TCP."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from gateway.demo.packet import OUR_UDP_SIZE, read_query, write_answer
from gateway.demo.world import World
from gateway.errors import NetworkError, WireError
from gateway.listening import close_server

_MAX_CONNECTIONS = 64
_MAX_WAITING = 2_000
_TCP_IDLE = 10.0
_FARTHEST = 0.030


class Internet:
    """`world` says what names lead to; `latency` is how many seconds away they are, by name.

    `sleep` is for tests. Use `simulated_internet` to run it.
    """

    def __init__(
        self,
        world: World,
        *,
        latency: Callable[[str], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._latency = latency or distance
        self._sleep = sleep
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._connections = 0
        self.answered = 0
        self.address = ("", 0)

    @property
    def url(self) -> str:
        """As `--upstream` takes it."""
        host, port = self.address
        return f"udp://[{host}]:{port}" if ":" in host else f"udp://{host}:{port}"

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        """Serves on these, both bound to one loopback address, until `stop` closes them. Raises NetworkError."""
        host, port = udp.getsockname()[:2]
        if not ipaddress.ip_address(host).is_loopback:
            raise NetworkError("demo.simulated-internet-stays", host=host)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._datagram), sock=udp)
        self._server = await asyncio.start_server(self._stream, sock=tcp)
        self.address = (host, port)

    async def stop(self) -> None:
        await self._close()
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def answer(self, wire: bytes, *, udp: bool) -> tuple[bytes, float] | None:
        """The answer to one message and how many seconds away it is; None when silence is the only answer."""
        try:
            asked = read_query(wire)
        except WireError as error:
            if error.rcode is None:
                return None
            return wire[:2] + bytes((0x80, 0x80 | error.rcode)) + bytes(8), 0.0
        answer = self._world.answer(asked.name, asked.qtype)
        size = min(asked.udp_size, OUR_UDP_SIZE) if udp else 65_535
        return write_answer(asked, answer.rcode, answer.answer, answer.authority, size=size), self._latency(asked.name)

    async def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._server is not None:
            await close_server(self._server)
            self._server = None

    def _datagram(self, wire: bytes, client: tuple[str, int]) -> None:
        found = self.answer(wire, udp=True)
        if found is None or len(self._work) >= _MAX_WAITING:
            return
        task = asyncio.get_running_loop().create_task(self._send(*found, client))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _send(self, answer: bytes, seconds: float, client: tuple[str, int]) -> None:
        if seconds:
            await self._sleep(seconds)
        if self._transport is not None:
            self.answered += 1
            self._transport.sendto(answer, client)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        self._connections += 1
        try:
            while self._connections <= _MAX_CONNECTIONS:
                async with asyncio.timeout(_TCP_IDLE):
                    wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                    found = self.answer(wire, udp=False)
                    if found is None:
                        return
                    await self._sleep(found[1])
                    self.answered += 1
                    writer.write(len(found[0]).to_bytes(2, "big") + found[0])
                    await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            return
        finally:
            self._connections -= 1
            self._work.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A client that went away; nothing is lost."""


def distance(name: str) -> float:
    """Seconds to the servers of a name: 6 to 30 ms, always the same for the same name."""
    return 0.006 + (_FARTHEST - 0.006) * (sum(name.encode("utf-8")) % 97) / 96


@asynccontextmanager
async def simulated_internet(
    udp: socket.socket,
    tcp: socket.socket,
    *,
    world: World | None = None,
    latency: Callable[[str], float] | None = None,
) -> AsyncIterator[Internet]:
    """Runs the simulated internet on these sockets while the block does; `.address` and `.url` say where they are.

    Raises NetworkError when that is no loopback address.
    """
    internet = Internet(world or World.load(), latency=latency)
    await internet.start(udp, tcp)
    try:
        yield internet
    finally:
        await internet.stop()
