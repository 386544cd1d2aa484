"""The time of day, asked of servers by address (SNTP: RFC 4330, RFC 5905 section 14)."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Sequence
from functools import partial
from typing import cast

from gateway.errors import UpstreamError, UpstreamTimeout

TIMEOUT = 0.8
_LENGTH = 48
_VERSION_4_CLIENT = b"\x23"
_SERVER = 4
_UNSYNCHRONISED = 3
# Seconds from 1900, where NTP begins, to 1970; an era of NTP is 2^32 seconds (RFC 5905 section 6).
_EPOCH = 2_208_988_800
_ERA = 1 << 32
_BELIEVABLE = 20 * 365 * 86_400


def write_request(cookie: bytes) -> bytes:
    """A request whose transmit time is eight random bytes instead: it tells nothing, and a forger must guess it."""
    return _VERSION_4_CLIENT + bytes(39) + cookie


def read_time(reply: bytes, cookie: bytes, not_before: float) -> float:
    """Seconds since 1970 that a server's reply tells. Raises UpstreamError.

    `not_before` is a time that is certainly over: what lies before it, or twenty years after it, is not the time.
    """
    if len(reply) < _LENGTH or reply[0] & 7 != _SERVER or reply[24:32] != cookie:
        raise UpstreamError("This is no answer to our question for the time.")
    if reply[0] >> 6 == _UNSYNCHRONISED or not 1 <= reply[1] <= 15:
        raise UpstreamError("The time server does not know the time itself.")
    seconds, fraction = struct.unpack_from(">II", reply, 40)
    if not seconds:
        raise UpstreamError("The time server tells a time that cannot be.")
    at = seconds - _EPOCH + fraction / _ERA
    if at < not_before - _ERA / 2:
        at += _ERA
    if not not_before <= at <= not_before + _BELIEVABLE:
        raise UpstreamError("The time server tells a time that cannot be.")
    return float(at)


async def ask_time(servers: Sequence[tuple[str, int]], not_before: float) -> tuple[float, str]:
    """The first believable time of any server, all asked at once, and which one it was. Raises UpstreamError."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[tuple[float, str]] = loop.create_future()
    opened: list[asyncio.DatagramTransport] = []
    try:
        for host, port in servers:
            asking = partial(_Asking, host, not_before, answered)
            try:
                transport, _ = await loop.create_datagram_endpoint(asking, remote_addr=(host, port))
            except OSError:
                continue
            opened.append(transport)
        async with asyncio.timeout(TIMEOUT):
            return await answered
    except TimeoutError:
        raise UpstreamTimeout("No time server answers.") from None
    finally:
        for transport in opened:
            transport.abort()


class _Asking(asyncio.DatagramProtocol):
    """One server; the connected socket takes datagrams from nobody else."""

    def __init__(self, host: str, not_before: float, answered: asyncio.Future[tuple[float, str]]) -> None:
        self._host = host
        self._not_before = not_before
        self._answered = answered
        self._cookie = os.urandom(8)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(write_request(self._cookie))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            at = read_time(data, self._cookie, self._not_before)
        except UpstreamError:
            # Another server, or the true answer behind a forged one, may still come.
            return
        if not self._answered.done():
            self._answered.set_result((at, self._host))

    def error_received(self, exc: Exception) -> None:
        """Nobody is there; the others may be."""
