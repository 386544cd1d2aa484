"""Asks upstreams: one flight for equal questions, and the next upstream when one is slow, ill or of no use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Literal

from gateway.errors import UpstreamError, UpstreamTimeout, WireError
from gateway.model.dns import Rcode
from gateway.model.event import HealthChanged
from gateway.model.query import Query
from gateway.resolver.answer import Answer, answer_of
from gateway.resolver.upstream import Upstream, is_encrypted
from gateway.resolver.upstream.member import Member, UpstreamState
from gateway.wire.question import Question

Strategy = Literal["strict", "fastest"]

# A client of ours, and the stub resolver of most televisions, gives up or asks again after three to five seconds.
DEADLINE = 2.5
_MAX_ATTEMPTS = 5
_EXPLORE = 32
_OF_NO_USE = frozenset({Rcode.FORMERR, Rcode.NOTIMP, Rcode.REFUSED})


class Forwarder:
    """Healthy upstreams in the order given, then the ill ones: none is ever given up for good.

    With the strategy "fastest" the two quickest are asked at once. Beside encrypted upstreams plain ones are not asked
    at all, or, with `plain_fallback`, after all the others.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        on_health: Callable[[HealthChanged], None],
        *,
        strategy: Strategy = "strict",
        plain_fallback: bool = False,
        deadline: float = DEADLINE,
        trust_ad: bool = False,
    ) -> None:
        encrypted = any(is_encrypted(upstream.url) for upstream in upstreams)
        self.members = [
            Member(upstream, self._notice, fallback=encrypted and not is_encrypted(upstream.url))
            for upstream in upstreams
            if plain_fallback or not encrypted or is_encrypted(upstream.url)
        ]
        self.racing = strategy == "fastest"
        self.deadline = deadline
        self._trust_ad = trust_ad
        self.asked = 0
        self.errors = 0
        self._on_health = on_health
        self._flights: dict[bytes, _Flight] = {}
        self._departures = 0
        self._in_the_open = False

    @property
    def reachable(self) -> bool:
        return any(member.healthy for member in self.members)

    def states(self) -> list[UpstreamState]:
        return [member.state() for member in self.members]

    def vouches(self, member: Member) -> bool:
        """True when the owner trusts upstreams to validate, and nobody can change their word on its way (RFC 4035
        section 4.9.3): it comes encrypted, or from this very machine.
        """
        upstream = member.upstream
        return self._trust_ad and (is_encrypted(upstream.url) or _is_here(upstream.address[0]))

    def is_under_way(self, key: bytes) -> bool:
        """True while this question (its `key`) is asked already."""
        return key in self._flights

    async def resolve(self, query: Query) -> Answer:
        question = Question.of(query)
        key = question.key
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(self, question)
            flight.depart()
        return await flight.wait()

    async def close(self) -> None:
        for flight in list(self._flights.values()):
            flight.fail(UpstreamError("The resolver is being stopped."))
        for member in self.members:
            await member.close()

    def plan(self) -> list[Member]:
        """Whom to ask, in this order. Twice over, because a datagram may just have been lost."""
        chosen = self._order([member for member in self.members if not member.fallback])
        spare = self._order([member for member in self.members if member.fallback])
        return chosen[: _MAX_ATTEMPTS - min(len(spare), 2)] + spare[:2]

    def _order(self, members: list[Member]) -> list[Member]:
        well = [member for member in members if member.healthy]
        ill = [member for member in members if not member.healthy]
        if self.racing and len(well) > 1:
            # Nobody's time is known better than an unknown one: who was never asked is asked first.
            well.sort(key=lambda member: member.latency or 0.0)
            self._departures += 1
            if len(well) > 2 and self._departures % _EXPLORE == 0:
                # One of those who rest may have become faster.
                well.insert(1, well.pop(2 + self._departures // _EXPLORE % (len(well) - 2)))
        return well + (ill if len(well) < 2 else []) + well + ill

    def answered(self, member: Member) -> None:
        """Tells once when lookups begin to leave in plain text; `_notice` tells when that is over."""
        if member.fallback and not self._in_the_open and not self._encrypted_is_well():
            self._in_the_open = True
            says = "No encrypted upstream answers: lookups leave the house in plain text, as plain_fallback allows."
            self._on_health(HealthChanged("encryption", False, says))

    def _encrypted_is_well(self) -> bool:
        return any(member.healthy for member in self.members if not member.fallback)

    def _notice(self, change: HealthChanged) -> None:
        self._on_health(change)
        if self._in_the_open and self._encrypted_is_well():
            self._in_the_open = False
            self._on_health(HealthChanged("encryption", True, "Lookups leave the house encrypted again."))

    def landed(self, key: bytes) -> None:
        self._flights.pop(key, None)


class _Flight:
    """One question under way. Attempts overlap; the first useful answer serves everybody who waits."""

    def __init__(self, forwarder: Forwarder, question: Question) -> None:
        self._forwarder = forwarder
        self._question = question
        self._loop = asyncio.get_running_loop()
        self._plan = forwarder.plan()
        self._next = 0
        self._under_way = 0
        self._ends = self._loop.time() + forwarder.deadline
        self._timer: asyncio.TimerHandle | None = None
        self._poor: Answer | None = None
        self._error: UpstreamError | None = None
        self._waiting: list[asyncio.Future[Answer]] = []
        self._over = False

    def depart(self) -> None:
        if not self._plan:
            self._loop.call_soon(self.fail, UpstreamError("No upstream is set."))
            return
        self._attempt()
        if self._forwarder.racing and self._next < len(self._plan):
            first, second = self._plan[self._next - 1 : self._next + 1]
            if second is not first and second.healthy and second.fallback == first.fallback:
                if self._timer is not None:
                    self._timer.cancel()
                self._attempt()

    async def wait(self) -> Answer:
        """Each waits on its own future, so that one client who hangs up takes nothing from the others."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append(future)
        return await future

    def fail(self, error: UpstreamError) -> None:
        if self._end():
            self._forwarder.errors += 1
            for future in self._waiting:
                if not future.done():
                    future.set_exception(error)

    def _attempt(self) -> None:
        self._timer = None
        left = self._ends - self._loop.time()
        if left <= 0:
            self._give_up()
            return
        if self._next >= len(self._plan):
            self._timer = self._loop.call_later(left, self._attempt)
            return
        member = self._plan[self._next]
        self._next += 1
        self._under_way += 1
        self._forwarder.asked += 1
        started = self._loop.time()
        self._timer = self._loop.call_later(min(member.patience, left), self._attempt)
        member.upstream.ask(self._question).add_done_callback(lambda reply: self._landed(member, started, reply))

    def _landed(self, member: Member, started: float, reply: asyncio.Future[bytes]) -> None:
        self._under_way -= 1
        if reply.cancelled():
            return
        error = reply.exception()
        refused = False
        if error is None:
            try:
                answer = answer_of(reply.result(), vouched=self._forwarder.vouches(member))
            except WireError as broken:
                error = UpstreamError(f"{member.upstream.url} sent an answer that cannot be read: {broken}")
            else:
                if answer.rcode in _OF_NO_USE or answer.rcode > 15:
                    refused = True
                    error = UpstreamError(f"{member.upstream.url} refuses to answer (rcode {answer.rcode}).")
                else:
                    member.answered(self._loop.time() - started, denied=answer.rcode == Rcode.NXDOMAIN)
                    if not member.lies:
                        self._forwarder.answered(member)
                        self._take(member, answer)
                        return
                    error = UpstreamError(f"{member.upstream.url} says that nothing exists, and is not believed.")
        if not member.lies:
            member.failed(error, refused=refused)
        if self._over:
            return
        self._error = error if isinstance(error, UpstreamError) else UpstreamError(str(error))
        self._go_on()

    def _take(self, member: Member, answer: Answer) -> None:
        if self._over:
            return
        if answer.rcode == Rcode.SERVFAIL:
            # Perhaps only this one cannot: the next may, and if none can, this is still what an upstream said.
            self._poor = answer
            self._plan = [
                other
                for other in self._plan[self._next :]
                if other is not member and other.healthy and other.fallback <= member.fallback
            ][:1]
            self._next = 0
            self._go_on()
            return
        if self._end():
            for future in self._waiting:
                if not future.done():
                    future.set_result(answer)

    def _go_on(self) -> None:
        """The next attempt at once, or the end when there is none and nothing is under way."""
        if self._next < len(self._plan):
            if self._timer is not None:
                self._timer.cancel()
            self._attempt()
        elif not self._under_way:
            self._give_up()

    def _give_up(self) -> None:
        if self._poor is not None:
            if self._end():
                for future in self._waiting:
                    if not future.done():
                        future.set_result(self._poor)
            return
        waited = f"No upstream answered within {self._forwarder.deadline:g} s."
        self.fail(self._error or UpstreamTimeout(waited))

    def _end(self) -> bool:
        if self._over:
            return False
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._forwarder.landed(self._question.key)
        return True


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
