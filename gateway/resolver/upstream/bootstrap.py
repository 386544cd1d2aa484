"""Where an upstream with a name stands, asked of resolvers that are given by address, never of ourselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Protocol, cast

from gateway.errors import UpstreamError, WireError
from gateway.model.dns import QType
from gateway.model.name import Name
from gateway.resolver.pending import Future
from gateway.wire.peek import peek_response
from gateway.wire.question import Question

_SHORTEST, _LONGEST = 60.0, 3_600.0
_MAX_ADDRESSES = 8
# How long an answer about IPv4 waits for the one about IPv6, or the other way round (RFC 8305 section 3).
_GRACE = 0.05


class PlainUpstream(Protocol):
    """A plain upstream."""

    def ask(self, question: Question) -> Future[bytes]: ...

    async def close(self) -> None: ...


class Bootstrap:
    """Plain text goes out for the name of an upstream and for nothing else."""

    def __init__(self, resolvers: Sequence[PlainUpstream], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolvers = resolvers
        self._clock = clock
        self._known: dict[str, tuple[float, list[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._resolvers)

    async def look_up(self, name: str) -> list[str]:
        """Addresses, IPv4 first. When nobody answers, the last ones known. Raises UpstreamError when there are none."""
        expires, addresses = self._known.get(name, (0.0, []))
        if addresses and self._clock() < expires:
            return addresses
        try:
            ttl, found = await self._ask(name)
        except UpstreamError:
            if addresses:
                return addresses
            raise
        self._known[name] = (self._clock() + min(max(ttl, _SHORTEST), _LONGEST), found)
        return found

    def doubt(self, name: str) -> None:
        """Nobody is where this name was found: it is looked up again, and kept as a last resort."""
        if name in self._known:
            self._known[name] = (0.0, self._known[name][1])

    async def close(self) -> None:
        for resolver in self._resolvers:
            await resolver.close()

    async def _ask(self, name: str) -> tuple[float, list[str]]:
        pending = {asyncio.create_task(_both(resolver, name)) for resolver in self._resolvers}
        says = "no bootstrap address is set"
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = task.exception()
                    if error is None:
                        return task.result()
                    says = str(error).rstrip(".")
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        raise UpstreamError(f"Where {name} is cannot be found out: {says}.")


async def _both(resolver: PlainUpstream, name: str) -> tuple[float, list[str]]:
    wire = Name.parse(name).to_wire()
    questions = [Question(wire, int(qtype).to_bytes(2) + b"\0\1") for qtype in (QType.A, QType.AAAA)]
    # asyncio.wait takes whatever behaves like a future, but does not say so.
    asked = [cast("asyncio.Future[bytes]", resolver.ask(question)) for question in questions]
    for reply in asked:
        reply.add_done_callback(_look_at)
    try:
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(asked, timeout=_GRACE)
        found = _read(asked)
        if not found[1] and not all(reply.done() for reply in asked):
            await asyncio.wait(asked)
            found = _read(asked)
    finally:
        for reply in asked:
            reply.cancel()
    if found[1]:
        return found
    for reply in asked:
        if (error := reply.exception()) is not None:
            raise UpstreamError(str(error))
    raise UpstreamError("the name has no address")


def _read(asked: Sequence[Future[bytes]]) -> tuple[float, list[str]]:
    ttl, addresses = _LONGEST, []
    for reply in asked:
        if not reply.done() or reply.exception() is not None:
            continue
        try:
            peek = peek_response(reply.result())
        except WireError:
            continue
        addresses += [str(ip_address(packed)) for packed in peek.addresses]
        ttl = min(ttl, ttl if peek.ttl is None or not peek.addresses else peek.ttl)
    return ttl, list(dict.fromkeys(addresses))[:_MAX_ADDRESSES]


def _look_at(reply: Future[bytes]) -> None:
    """So that no error is logged that nobody was interested in."""
    if not reply.cancelled():
        reply.exception()
