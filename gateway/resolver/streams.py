"""The TCP server (RFC 7766): pipelined queries, answers in any order, and a bound on everything a client can hold."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.listening import close_server
from gateway.resolver.clients import Client, Clients
from gateway.resolver.connections import Connections
from gateway.resolver.options import ResolverOptions

# (message, who asks, when it came, where the answer goes; None there means that there is none)
Serve: TypeAlias = Callable[[bytes, Client, float, Callable[[bytes | None], None]], None]

_MAX_UNREAD = 65_537
# Seconds from the handshake to the first question of a client that means to ask one.
_FIRST_QUESTION = 0.5


class StreamServer:
    """Answers on one listening TCP socket. `connections` are those of all such sockets together."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        clients: Clients,
        connections: Connections,
        serve: Serve,
        options: ResolverOptions,
        clock: Callable[[], float],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._server: asyncio.Server | None = None
        self._here: set[_Connection] = set()
        self._connections = connections
        self.clients = clients
        self.serve = serve
        self.options = options
        self.clock = clock
        self.received = 0

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._server = await loop.create_server(lambda: _Connection(self, loop), sock=self._sock)

    async def stop(self) -> None:
        """Closes the listening socket and every connection, also those that come this moment."""
        if self._server is not None:
            await close_server(self._server)
        for connection in list(self._here):
            connection.close()
        if self._server is not None:
            await self._server.wait_closed()

    def admit(self, connection: _Connection, client: Client) -> bool:
        """False when the client may not ask, or when there is no room for it."""
        if not client.allowed:
            self._connections.turned_away += 1
            return False
        if not self._connections.admit(connection, client.device or client.text):
            return False
        self._here.add(connection)
        return True

    def leave(self, connection: _Connection, client: Client) -> None:
        self._here.discard(connection)
        self._connections.leave(connection, client.device or client.text)


class _Connection(asyncio.Protocol):
    """One client. Reading stops while `tcp_in_flight` of its queries are open or its answers pile up."""

    def __init__(self, server: StreamServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._unread = bytearray()
        self._open = 0
        self._full = False
        self._ended = False
        self._used = False
        self.last_used = server.clock()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: Any = None
        self._client: Client | None = None

    @property
    def is_idle(self) -> bool:
        """True when nothing of it is under way: a message that comes byte by byte is none yet."""
        return not self._open

    @property
    def is_fresh(self) -> bool:
        """True before its first question, which may take a moment."""
        return not self._used and self._server.clock() - self.last_used < _FIRST_QUESTION

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        client = self._server.clients.of(peer[0]) if peer else None
        if client is None or not self._server.admit(self, client):
            self._transport.abort()
            return
        self._client = client
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._client is not None:
            self._server.leave(self, self._client)

    def close(self) -> None:
        self._ended = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._client is None or self._ended:
            return
        self._unread += data
        self._take()

    def eof_received(self) -> bool:
        # The answers to what was asked before are still wanted (RFC 7766 section 6.2.4).
        self._loop.call_soon(self._close_when_done)
        return True

    def pause_writing(self) -> None:
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._take()

    def _take(self) -> None:
        """Every whole message that stands in the buffer, as long as we may have more of them open."""
        unread, limit = self._unread, self._server.options.tcp_in_flight
        while not self._ended and not self._full and self._open < limit and self._has_message():
            length = unread[0] << 8 | unread[1]
            message = bytes(unread[2 : length + 2])
            del unread[: length + 2]
            self._ask(message)
        if self._ended:
            return
        if self._full or self._open >= limit or len(unread) > _MAX_UNREAD:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _has_message(self) -> bool:
        unread = self._unread
        return len(unread) >= 2 and len(unread) >= (unread[0] << 8 | unread[1]) + 2

    def _ask(self, message: bytes) -> None:
        assert self._client is not None
        self._server.received += 1
        self._used = True
        self.last_used = self._server.clock()
        if len(message) < 12:
            # Whoever frames scraps does not speak DNS.
            self.close()
            return
        self._open += 1
        self._server.serve(message, self._client, self.last_used, self._answered)

    def _answered(self, reply: bytes | None) -> None:
        self._open -= 1
        if self._ended:
            return
        self.last_used = self._server.clock()
        if reply is not None:
            self._transport.write(len(reply).to_bytes(2) + reply)
        if self._unread:
            self._loop.call_soon(self._take)
        elif not self._full:
            self._transport.resume_reading()

    def _arm(self) -> None:
        """Closes what has been idle for too long; a client that does not read its answers is idle."""
        if self._ended:
            return
        idle = self._server.options.tcp_idle
        left = self.last_used + idle - self._server.clock()
        if left <= 0 and (not self._open or left <= -idle):
            self.close()
            return
        self._timer = self._loop.call_later(max(left, idle / 8), self._arm)

    def _close_when_done(self) -> None:
        if self._ended:
            return
        if self._open or self._has_message():
            self._loop.call_later(0.05, self._close_when_done)
        else:
            self._ended = True
            self._transport.close()
