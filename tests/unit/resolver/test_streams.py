from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.model.special_addresses import HOME
from gateway.resolver.clients import Client, Clients
from gateway.resolver.connections import Connections
from gateway.resolver.fastpath import Memos
from gateway.resolver.guard import Guard
from gateway.resolver.options import ResolverOptions
from gateway.resolver.streams import StreamServer
from tests.support.serving import rules

Answer = Callable[[bytes | None], None]


class Office:
    """A stream server whose other half notes what it is handed, and answers when the test says so."""

    def __init__(self) -> None:
        self.handed: list[tuple[bytes, Answer]] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.server = StreamServer(
            self.listening,
            clients=Clients(Guard(HOME), lambda client: None, Memos(10), rules()),
            connections=Connections(limit=10, per_holder=10),
            serve=self._serve,
            options=ResolverOptions(tcp_in_flight=3, tcp_idle=0.2),
            clock=lambda: asyncio.get_running_loop().time(),
        )

    def _serve(self, wire: bytes, client: Client, at: float, reply: Answer) -> None:
        self.handed.append((wire, reply))


def play(story: Callable[[Office, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]) -> None:
    async def run() -> None:
        office = Office()
        await office.server.start(asyncio.get_running_loop())
        reader, writer = await asyncio.open_connection(*office.listening.getsockname())
        try:
            await story(office, reader, writer)
        finally:
            writer.close()
            await office.server.stop()
            office.listening.close()

    asyncio.run(run())


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(2) + message for message in messages)


def test_messages_are_cut_out_of_the_stream_wherever_it_is_split() -> None:
    async def story(office: Office, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in framed(b"a" * 12, b"b" * 40):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert [wire for wire, _ in office.handed] == [b"a" * 12, b"b" * 40]

    play(story)


def test_no_more_than_so_many_are_open_and_each_answer_makes_room() -> None:
    async def story(office: Office, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(*(bytes((n,)) * 12 for n in range(8))))
        await asyncio.sleep(0.05)
        assert len(office.handed) == 3
        office.handed[1][1](b"second")
        await asyncio.sleep(0.02)
        assert len(office.handed) == 4
        assert await reader.readexactly(8) == framed(b"second")

    play(story)


def test_an_answer_that_is_none_makes_room_too() -> None:
    async def story(office: Office, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(*(bytes((n,)) * 12 for n in range(4))))
        await asyncio.sleep(0.05)
        office.handed[0][1](None)
        await asyncio.sleep(0.02)
        assert len(office.handed) == 4

    play(story)


def test_an_answer_for_somebody_who_left_goes_nowhere() -> None:
    async def story(office: Office, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(b"a" * 12))
        await asyncio.sleep(0.02)
        writer.transport.abort()
        await asyncio.sleep(0.02)
        office.handed[0][1](b"too late")

    play(story)


def test_a_connection_is_not_idle_while_its_answer_is_awaited() -> None:
    async def story(office: Office, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(b"a" * 12))
        await asyncio.sleep(0.3)
        office.handed[0][1](b"slow but sure")
        assert await reader.readexactly(15) == framed(b"slow but sure")
        assert await asyncio.wait_for(reader.read(), 1) == b""

    play(story)
