"""Asks upstreams: one flight for equal questions, and the next upstream when one is slow, ill or of no use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Literal, TypeAlias

from gateway.catalogue.sentences import Notice
from gateway.errors import UpstreamError, UpstreamTimeout, WireError
from gateway.model.dns import Rcode
from gateway.model.event import HealthChanged
from gateway.model.query import Query
from gateway.resolver.answer import Answer, answer_of
from gateway.resolver.departures import NOBODY_YET, Departures
from gateway.resolver.pending import Future, Pending
from gateway.resolver.upstream import Upstream, is_encrypted
from gateway.resolver.upstream.member import Member, UpstreamState
from gateway.wire.question import Question

Strategy = Literal["strict", "fastest"]
# Called once: with an answer, or with None and what went wrong. It raises nothing.
Waiter: TypeAlias = Callable[[Answer | None, Exception | None], None]

# A client of ours, and the stub resolver of most televisions, gives up or asks again after three to five seconds.
DEADLINE = 2.5
_MAX_ATTEMPTS = 5
_EXPLORE = 32
_SWEEP = 0.02
# Plain numbers: an enum's member costs a look-up each time.
_OF_NO_USE = frozenset({int(Rcode.FORMERR), int(Rcode.NOTIMP), int(Rcode.REFUSED)})
_SERVFAIL, _NXDOMAIN = int(Rcode.SERVFAIL), int(Rcode.NXDOMAIN)


class Forwarder:
    """Healthy upstreams in the order given, then the ill ones: none is ever given up for good.

    With the strategy "fastest" the two quickest are asked at once. Beside encrypted upstreams plain ones are not asked
    at all, or, with `plain_fallback`, after all the others. `partial` upstreams are asked about some zones only.
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
        partial: bool = False,
        holder_of: Callable[[str], str] = str,
    ) -> None:
        encrypted = any(is_encrypted(upstream.url) for upstream in upstreams)
        self.members = [
            Member(
                upstream,
                self._notice,
                fallback=encrypted and not is_encrypted(upstream.url),
                vouched=trust_ad and _reaches_us_unchanged(upstream),
                partial=partial,
            )
            for upstream in upstreams
            if plain_fallback or not encrypted or is_encrypted(upstream.url)
        ]
        self.racing = strategy == "fastest"
        self.deadline = deadline
        self.asked = 0
        self.errors = 0
        self._on_health = on_health
        self._flights: dict[bytes, _Flight] = {}
        self._holder_of = holder_of
        self._departures: Departures[_Flight] = Departures()
        self.answered_after = self._departures.answered
        self._sweeper: asyncio.TimerHandle | None = None
        self._usual: tuple[Member, ...] | None = None
        self._races = 0
        self._in_the_open = False

    @property
    def reachable(self) -> bool:
        return any(member.healthy for member in self.members)

    @property
    def forged(self) -> int:
        """How many datagrams came to our ports that answer none of our questions; a connection brings none."""
        return sum(getattr(member.upstream, "forged", 0) for member in self.members)

    def states(self) -> list[UpstreamState]:
        return [member.state() for member in self.members]

    def is_under_way(self, key: bytes) -> bool:
        """True while this question (its `key`) is asked already."""
        return key in self._flights

    async def resolve(self, query: Query) -> Answer:
        pending: Pending[Answer] = Pending()
        self.ask(query, partial(settle, pending))
        return await pending

    def ask(self, query: Query, waiter: Waiter) -> None:
        """Has `waiter` called once, with the answer or with what went wrong; maybe before this returns."""
        key = query.key
        flight = self._flights.get(key)
        loop = asyncio.get_running_loop()
        if flight is not None:
            flight.waiting.append(waiter)
            # Who floods must not keep from others what it has asked for before them.
            if flight.is_held and self._departures.ask(self._holder_of(query.client), flight, loop.time()):
                flight.depart()
            return
        flight = self._flights[key] = _Flight(self, loop, Question.of(query), key, waiter)
        if self._departures.ask(self._holder_of(query.client), flight, flight.asked_at):
            flight.leave(flight.asked_at)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP, self._sweep, loop)

    async def close(self) -> None:
        for flight in list(self._flights.values()):
            flight.fail(UpstreamError("The resolver is being stopped."))
        if self._sweeper is not None:
            self._sweeper.cancel()
        for member in self.members:
            await member.close()

    def plan(self) -> Sequence[Member]:
        """Whom to ask, in this order. Twice over, because a datagram may just have been lost."""
        if self._usual is not None:
            return self._usual
        plan = self._plan()
        if not self.racing:
            self._usual = tuple(plan)
        return plan

    def _plan(self) -> list[Member]:
        chosen = self._order([member for member in self.members if not member.fallback])
        spare = self._order([member for member in self.members if member.fallback])
        return chosen[: _MAX_ATTEMPTS - min(len(spare), 2)] + spare[:2]

    def _order(self, members: list[Member]) -> list[Member]:
        well = [member for member in members if member.healthy]
        ill = [member for member in members if not member.healthy]
        if self.racing and len(well) > 1:
            # Nobody's time is known better than an unknown one: who was never asked is asked first.
            well.sort(key=lambda member: member.latency or 0.0)
            self._races += 1
            if len(well) > 2 and self._races % _EXPLORE == 0:
                # One of those who rest may have become faster.
                well.insert(1, well.pop(2 + self._races // _EXPLORE % (len(well) - 2)))
        return well + (ill if len(well) < 2 else []) + well + ill

    def answered(self, member: Member) -> None:
        """Tells once when lookups begin to leave in plain text; `_notice` tells when that is over."""
        if member.fallback and not self._in_the_open and not self._encrypted_is_well():
            self._in_the_open = True
            plain = Notice("upstream.no-encrypted-upstream")
            self._on_health(HealthChanged("encryption", False, plain))

    def _encrypted_is_well(self) -> bool:
        return any(member.healthy for member in self.members if not member.fallback)

    def _notice(self, change: HealthChanged) -> None:
        self._usual = None
        self._on_health(change)
        if self._in_the_open and self._encrypted_is_well():
            self._in_the_open = False
            self._on_health(HealthChanged("encryption", True, Notice("upstream.lookups-leave-home")))

    def landed(self, key: bytes, *, left: bool) -> None:
        self._flights.pop(key, None)
        if left:
            self._departures.landed()

    @property
    def is_crowded(self) -> bool:
        """Whether questions wait for others to be answered first."""
        return self._departures.waiting > 0

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        # One timer for all flights: one for each cost as much as asking does.
        now = loop.time()
        try:
            for flight in [flight for flight in self._flights.values() if flight.alarm <= now]:
                self._departures.late(now)
                flight.ring(now)
            self._departures.measure(now)
        finally:
            # Whatever goes wrong with one: without a sweeper nobody's time would ever be over again.
            self._sweeper = loop.call_later(_SWEEP, self._sweep, loop) if self._flights else None


class _Flight:
    """One question under way. Attempts overlap; the first useful answer serves everybody who waits."""

    __slots__ = (
        "_ends", "_error", "_forwarder", "_key", "_left", "_loop", "_next", "_plan", "_poor", "_question", "_under_way",
        "alarm", "asked_at", "is_over", "level", "waiting",
    )  # fmt: skip

    def __init__(
        self, forwarder: Forwarder, loop: asyncio.AbstractEventLoop, question: Question, key: bytes, waiter: Waiter
    ) -> None:
        self._forwarder = forwarder
        self._loop = loop
        self._question = question
        self._key = key
        self._plan: Sequence[Member] = ()
        self._next = 0
        self._under_way = 0
        self._left = False
        self.level = NOBODY_YET
        self.asked_at = now = loop.time()
        self._ends = now + forwarder.deadline
        # When, by the loop's clock, `ring` is to be called at the latest.
        self.alarm = self._ends
        self._poor: Answer | None = None
        self._error: UpstreamError | None = None
        # Each waits on its own, so that one client who hangs up takes nothing from the others.
        self.waiting: list[Waiter] = [waiter]
        self.is_over = False

    @property
    def is_held(self) -> bool:
        return not (self._left or self.is_over)

    def depart(self) -> None:
        """Leaves now; counted by whoever let it."""
        self.leave(self._loop.time())

    def leave(self, now: float) -> None:
        """As `depart`, where it is known how late it is."""
        self._left = True
        self._plan = self._forwarder.plan()
        if not self._plan:
            self.fail(UpstreamError("No upstream is set."))
            return
        self._attempt(now)
        if self._forwarder.racing and self._next < len(self._plan) and not self.is_over:
            first, second = self._plan[self._next - 1], self._plan[self._next]
            if second is not first and second.healthy and second.fallback == first.fallback:
                self._attempt(self._loop.time())

    def fail(self, error: Exception) -> None:
        if not self.is_over:
            self._forwarder.errors += 1
            self._end(None, error)

    def ring(self, now: float) -> None:
        """Whoever was asked takes too long."""
        if now >= self._ends:
            self._give_up()
        elif not self._left or self._next >= len(self._plan):
            self.alarm = self._ends
        else:
            self._attempt(now)

    def _attempt(self, now: float) -> None:
        member = self._plan[self._next]
        self._next += 1
        self._under_way += 1
        self._forwarder.asked += 1
        alarm = now + member.patience
        self.alarm = alarm if alarm < self._ends else self._ends
        try:
            reply = member.upstream.ask(self._question)
        except Exception as mistake:  # noqa: BLE001 - whoever waits gets it, and whoever called goes on with the others
            self._under_way -= 1
            self.fail(mistake)
            return
        reply.add_done_callback(partial(self._landed, member, now))

    def _landed(self, member: Member, started: float, reply: Future[bytes]) -> None:
        self._under_way -= 1
        error: BaseException | None = None
        refused = False
        try:
            wire = reply.result()
        except asyncio.CancelledError:
            return
        except Exception as failure:  # noqa: BLE001 - a mistake in one transport is that upstream's failure
            error = failure
        else:
            try:
                answer = answer_of(wire, vouched=member.vouched, asked=self._key)
            except WireError as broken:
                error = UpstreamError(f"{member.upstream.url} sent an answer that cannot be read: {broken}")
            else:
                if answer.rcode in _OF_NO_USE or answer.rcode > 15:
                    refused = True
                    error = UpstreamError(f"{member.upstream.url} refuses to answer (rcode {answer.rcode}).")
                else:
                    took = self._loop.time() - started
                    self._forwarder.answered_after(took)
                    member.answered(took, denied=answer.rcode == _NXDOMAIN)
                    if not member.lies:
                        if member.fallback:
                            self._forwarder.answered(member)
                        if answer.rcode == _SERVFAIL or answer.half:
                            self._take_poor(member, answer)
                        else:
                            self._end(answer, None)
                        return
                    error = UpstreamError(f"{member.upstream.url} says that nothing exists, and is not believed.")
        if not member.lies:
            member.failed(error, refused=refused)
        if self.is_over:
            return
        self._error = error if isinstance(error, UpstreamError) else UpstreamError(str(error))
        self._go_on()

    def _take_poor(self, member: Member, answer: Answer) -> None:
        """Perhaps only this one cannot: the next may, and if none can, this is still what an upstream said."""
        if self.is_over:
            return
        if self._poor is None or answer.half:
            self._poor = answer
        self._plan = [
            other
            for other in self._plan[self._next :]
            if other is not member and other.healthy and other.fallback <= member.fallback
        ][:1]
        self._next = 0
        self._go_on()

    def _go_on(self) -> None:
        """The next attempt at once, or the end when there is none and nothing is under way."""
        if self._next < len(self._plan) and (now := self._loop.time()) < self._ends:
            self._attempt(now)
        elif not self._under_way:
            self._give_up()

    def _give_up(self) -> None:
        if self._poor is not None:
            self._end(self._poor, None)
            return
        waited = f"No upstream answered within {self._forwarder.deadline:g} s."
        self.fail(self._error or UpstreamTimeout(waited))

    def _end(self, answer: Answer | None, error: Exception | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._forwarder.landed(self._key, left=self._left)
        for waiter in self.waiting:
            waiter(answer, error)


def settle(pending: Pending[Answer], answer: Answer | None, error: Exception | None) -> None:
    """A `Waiter` for whoever awaits the answer."""
    if pending.done():
        return
    if answer is not None:
        pending.set_result(answer)
    elif error is not None:
        pending.set_exception(error)


def _reaches_us_unchanged(upstream: Upstream) -> bool:
    """True when nobody can change its word on the way (RFC 4035 section 4.9.3): it comes encrypted, or from this very
    machine.
    """
    try:
        return is_encrypted(upstream.url) or ip_address(upstream.address[0]).is_loopback
    except ValueError:
        return False
