"""A connection that comes in the very moment in which a server ends is closed, not left to the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from gateway.control.client import connect_unix
from gateway.control.server import ControlServer
from gateway.demo.internet import Internet
from gateway.demo.world import World
from gateway.model.special_addresses import HOME
from gateway.resolver.clients import Clients
from gateway.resolver.connections import Connections
from gateway.resolver.fastpath import Memos
from gateway.resolver.guard import Guard
from gateway.resolver.options import ResolverOptions
from gateway.resolver.streams import StreamServer
from tests.support.serving import rules
from web.serving.server import Server

Connect: TypeAlias = Callable[[], socket.socket]
Stop: TypeAlias = Callable[[], Awaitable[None]]
Begin: TypeAlias = Callable[[Path], Awaitable[tuple[Connect, Stop]]]


async def _control(folder: Path) -> tuple[Connect, Stop]:
    server = ControlServer(folder / "control.sock", {"say much": lambda _: "x" * (4 << 20)}, None)
    await server.start()
    return lambda: connect_unix(server.path, 5), server.stop


async def _dns_over_tcp(_: Path) -> tuple[Connect, Stop]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = StreamServer(
        listening,
        clients=Clients(Guard(HOME), lambda client: None, Memos(10), rules()),
        connections=Connections(limit=10, per_holder=10),
        serve=lambda wire, client, at, reply: None,
        options=ResolverOptions(),
        clock=asyncio.get_running_loop().time,
    )
    await server.start(asyncio.get_running_loop())
    address = listening.getsockname()
    return lambda: socket.create_connection(address, 5), server.stop


async def _simulated_internet(_: Path) -> tuple[Connect, Stop]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.setblocking(False)
    internet = Internet(World.load())
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    await internet.start(udp, listening)
    return lambda: socket.create_connection(address, 5), internet.stop


async def _dashboard(_: Path) -> tuple[Connect, Stop]:
    answers = asyncio.Event()
    server = Server(lambda environment, start: [], on_start=answers.set)
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    running = asyncio.create_task(server.run([listening]))
    await answers.wait()

    async def stop() -> None:
        server.stop()
        await running

    return lambda: socket.create_connection(address, 5), stop


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.parametrize("begin", [_control, _dns_over_tcp, _simulated_internet, _dashboard])
@pytest.mark.parametrize("rounds", range(7))
def test_a_client_of_the_last_moment_is_hung_up_on(begin: Begin, rounds: int, tmp_path: Path) -> None:
    async def story() -> socket.socket:
        connect, stop = await begin(tmp_path)
        client = connect()
        for _ in range(rounds):
            await asyncio.sleep(0)
        await stop()
        return client

    with asyncio.run(story()) as client:
        gc.collect()
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_a_client_that_never_reads_its_answer_keeps_no_connection_open(tmp_path: Path) -> None:
    async def story() -> socket.socket:
        connect, stop = await _control(tmp_path)
        client = connect()
        client.sendall(b'{"verb":"say much","arguments":{}}\n')
        await asyncio.sleep(0.2)
        await stop()
        return client

    with asyncio.run(story()) as client:
        gc.collect()
        assert len(client.recv(1 << 20, socket.MSG_WAITALL)) < 4 << 20
