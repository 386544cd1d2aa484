"""Does our resolver still answer? Asked from outside, so that a resolver that hangs counts as dead as well."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable

_MISSES = 3
_EVERY = 0.4
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
"""IP_RECVERR and IPV6_RECVERR (ip(7), ipv6(7)): a socket that is not connected hears as well that a port is shut."""
_STATUS = 2 << 11
"""Opcode STATUS (RFC 1035 section 4.1.1): answered NOTIMP at once, and no lookup that would stand in the history."""

Probe = Callable[[str, int, float], Awaitable[bool]]


async def ask_resolver(host: str, port: int, patience: float) -> bool:
    """Whether something answers DNS there in time; `host` is an address of this machine. Raises ConnectionRefusedError
    when nobody listens there.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    number = os.urandom(2)
    message = number + _STATUS.to_bytes(2, "big") + bytes(8)
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.setsockopt(*_RECVERR[family], 1)
        try:
            async with asyncio.timeout(patience):
                # From loopback: from our address on the bridge it would pass the rules for what televisions send. Not
                # connected: a resolver on the wildcard address answers from another one than was asked.
                channel.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
                await loop.sock_sendto(channel, message, (host, port))
                while True:
                    answer = await loop.sock_recv(channel, 512)
                    if answer[:2] == number and len(answer) > 2 and answer[2] & 0x80:
                        return True
        except ConnectionRefusedError:
            raise
        except OSError:
            return False


class Heartbeat:
    """Tells `on_change` when the resolver at `target()` falls silent for about 1.2 seconds, or nobody listens there for
    half a second, and when it answers again.

    `target` gives None while there is nobody to ask. `grace` is for how many seconds after `expect` silence is fine.
    """

    def __init__(
        self,
        target: Callable[[], tuple[str, int] | None],
        on_change: Callable[[bool], Awaitable[None]],
        *,
        probe: Probe = ask_resolver,
        clock: Callable[[], float] = time.monotonic,
        grace: float = 5.0,
    ) -> None:
        self.answers = True
        self._target, self._on_change, self._probe, self._clock = target, on_change, probe, clock
        self._grace = grace
        self._patient_until = float("-inf")
        self._misses = 0

    def expect(self) -> None:
        """Somebody has just begun: silence means nothing yet."""
        self._patient_until = self._clock() + self._grace

    async def beat(self) -> None:
        """One question; never raises for what the other side does."""
        target = self._target()
        if target is None:
            self._misses, self.answers = 0, True
            return
        try:
            alive = await self._probe(*target, _EVERY)
        except ConnectionRefusedError:
            # A resolver that hangs may come to itself; where nobody listens, only a new one helps. It counts double.
            alive = False
            self._misses += 1
        if alive:
            self._misses = 0
            self._patient_until = float("-inf")
            if not self.answers:
                self.answers = True
                await self._on_change(True)
            return
        self._misses += 1
        if self.answers and self._misses >= _MISSES and self._clock() >= self._patient_until:
            self.answers = False
            await self._on_change(False)

    async def run(self) -> None:
        """For ever, a few times a second."""
        while True:
            began = self._clock()
            await self.beat()
            await asyncio.sleep(max(0.05, began + _EVERY - self._clock()))
