"""Where an upstream stands, and a connection to it: by the first of its addresses that takes one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from gateway.resolver.upstream.bootstrap import Bootstrap

# RFC 8305 section 5 names 250 ms between attempts.
_STAGGER = 0.25


class Place:
    """`host` is a host name, which `bootstrap` looks up, or an IP address, which needs nobody."""

    def __init__(self, host: str, port: int, bootstrap: Bootstrap) -> None:
        self.address = (host, port)
        self._bootstrap = bootstrap
        self._named = not _is_address(host)
        self._good: str | None = None

    async def connect(self) -> socket.socket:
        """A connected, non-blocking socket. The address that was good last comes first.

        Raises OSError, or UpstreamError when the name cannot be looked up.
        """
        host, port = self.address
        addresses = await self._bootstrap.look_up(host) if self._named else [host]
        good = [self._good] if self._good in addresses else []
        try:
            return await connect_first([*good, *(each for each in addresses if each != self._good)], port)
        except OSError:
            self._bootstrap.doubt(host)
            raise

    def worked(self, address: str) -> None:
        """The right server was there."""
        self._good = address

    def failed(self) -> None:
        """Somebody was there who is not, or not now, the right server: addresses are tried in another order."""
        self._good = None
        self._bootstrap.doubt(self.address[0])

    async def close(self) -> None:
        await self._bootstrap.close()


async def connect_first(addresses: Sequence[str], port: int) -> socket.socket:
    """The first connection that comes about; each address gets a start before the next (RFC 8305). Raises OSError."""
    waiting = list(addresses)
    pending: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException = OSError("it has no address")
    try:
        while waiting or pending:
            if waiting:
                pending.add(asyncio.create_task(_connect(waiting.pop(0), port)))
            done, pending = await asyncio.wait(
                pending, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task.result() for task in done if task.exception() is None]
            for spare in won[1:]:
                spare.close()
            if won:
                return won[0]
            failure = next((error for task in done if (error := task.exception())), failure)
    finally:
        for task in pending:
            task.cancel()
        for late in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(late, socket.socket):
                late.close()
    raise failure


async def _connect(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
