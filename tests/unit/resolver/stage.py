"""Actors for the tests of the chain: upstreams that follow a script, and a world without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype

from gateway.errors import UpstreamError
from gateway.model.query import Query
from gateway.model.response import Response
from gateway.resolver.answer import Answer, answer_of
from gateway.wire.question import Question, build_query
from tests.support.zone import Zone, answerer, build
from tests.unit.wire.samples import response


def answer(asked: Query, *records: str, authority: tuple[str, ...] = (), rcode: str = "NOERROR") -> Answer:
    """What the forwarder would hand up for this query."""
    return answer_of(response(asked, records, authority, rcode=rcode))


class Below:
    """The rest of the chain: says what it is asked to, and counts."""

    def __init__(self, say: Callable[[Query], Response | Exception] | Response | Exception) -> None:
        self.say = say
        self.delay = 0.0
        self.asked: list[Query] = []

    async def __call__(self, query: Query) -> Response:
        self.asked.append(query)
        if self.delay:
            await asyncio.sleep(self.delay)
        said = self.say(query) if callable(self.say) else self.say
        if isinstance(said, Exception):
            raise said
        return said


class ScriptedUpstream:
    """Answers from a zone after `delay` seconds; with `error` it raises that, with `silent` it takes two seconds to."""

    def __init__(self, zone: Zone, *, name: str = "a") -> None:
        self.url = f"udp://{name}.invalid"
        self.address = (f"{name}.invalid", 53)
        self.delay = 0.01
        self.error: Exception | None = None
        self.rcode: str | None = None
        self.spoil: Callable[[bytes], bytes] = lambda wire: wire
        self.asked: list[Question] = []
        self.closed = False
        self._answer = answerer(zone)
        self._tasks: set[asyncio.Task[bytes]] = set()

    def ask(self, question: Question) -> asyncio.Future[bytes]:
        self.asked.append(question)
        task = asyncio.get_running_loop().create_task(self._say(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        self.closed = True
        for task in list(self._tasks):
            task.cancel()

    async def _say(self, question: Question) -> bytes:
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        query = dns.message.from_wire(build_query(0, question))
        asked = query.question[0]
        made = build(query, self._answer(asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)))
        if self.rcode is not None:
            made.answer.clear()
            made.set_rcode(dns.rcode.from_text(self.rcode))
        return self.spoil(made.to_wire())


def down(says: str = "nobody is there") -> UpstreamError:
    return UpstreamError(says)


async def together(*stories: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*stories))
