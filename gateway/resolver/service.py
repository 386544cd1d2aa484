"""The resolver as its neighbours see it: sockets in, answers out, a policy that can be swapped at any time."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from math import inf

from gateway.errors import SettingsError, WireError
from gateway.model.device_names import DeviceNames
from gateway.model.dns import Rcode
from gateway.model.event import HealthChanged
from gateway.model.lookup import LogBatch, LogRow
from gateway.model.policy import Policy
from gateway.model.query import Query, Transport
from gateway.model.response import Response, Source
from gateway.resolver.answer import Answer
from gateway.resolver.cache import Cache
from gateway.resolver.chain import Links, build_chain, order
from gateway.resolver.clients import Client, Clients
from gateway.resolver.connections import Connections
from gateway.resolver.datagrams import DatagramServer, Reply
from gateway.resolver.fastpath import MAX_QUERY, Concern, Memos
from gateway.resolver.filter import Filter
from gateway.resolver.forward_zones import ForwardZones, open_forward_zones
from gateway.resolver.forwarder import Forwarder
from gateway.resolver.guard import Guard
from gateway.resolver.histogram import Histogram
from gateway.resolver.local_zone import LocalZone
from gateway.resolver.minimal import Minimal
from gateway.resolver.options import ResolverOptions
from gateway.resolver.pending import Journey
from gateway.resolver.probe import of_ourselves
from gateway.resolver.rebinding import Rebinding
from gateway.resolver.recorder import LogQueue, Recorder, facts_of
from gateway.resolver.streams import StreamServer
from gateway.resolver.synchronous import Errand, SynchronousChain
from gateway.resolver.throttle import ClientThrottle
from gateway.resolver.upstream import Upstream
from gateway.resolver.upstream.member import UpstreamState
from gateway.resolver.waiting import Waiter, Waiting
from gateway.wire.message import refusal
from gateway.wire.patch import fit
from gateway.wire.peek import peek_query

# What we make up ourselves stays true until the policy changes; what others said, and failures, age.
_OURS = frozenset({Source.POLICY, Source.LOCAL})
_MOST_PROFILES = 1_024
_MEMORABLE = _OURS | {Source.CACHE, Source.ERROR}


class Resolver:
    """Everything runs on the event loop that `start` is called on; only `log` and `batches` (see `Recorder`) are shared
    with other threads.

    `clock` is monotonic, `wall` is seconds since the epoch. `on_health` is called on the loop when an upstream falls
    ill or gets well.
    """

    def __init__(
        self,
        *,
        upstreams: Sequence[Upstream],
        policy: Policy,
        device_of: Callable[[str], str | None],
        log: LogQueue,
        options: ResolverOptions | None = None,
        on_health: Callable[[HealthChanged], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._options = options = options or ResolverOptions()
        self._policy = policy
        self._clock = clock
        self._wall = wall
        self._log, self._log_limit = log.rows, log.limit
        self._memos = Memos(options.memo_entries)
        self._devices = DeviceNames()
        guard = Guard(options.allowed_networks)
        self._clients = Clients(guard, device_of, self._memos, policy)
        policy_filter = Filter(policy, self._clients.device_of, mode=options.block_mode, ttl=options.block_ttl)
        forwards = open_forward_zones(upstreams, options, on_health or _ignore, self._clients.holder_of)
        forwarder = forwards.simplest()
        self._links = Links(
            recorder=Recorder(log.rows, log.limit, batches=log.batches, clock=clock, wall=wall),
            guard=guard,
            local_zone=LocalZone(options.local_names, ttl=options.local_ttl, forwards=forwards),
            policy=policy_filter,
            minimal=Minimal(),
            rebinding=Rebinding(
                enabled=options.rebinding_protection,
                exceptions=(*options.rebinding_exceptions, *options.forward_zones),
                ttl=options.block_ttl,
                pardons=policy_filter.pardons,
            ),
            cache=_cache(options, clock, forwarder),
            throttle=ClientThrottle(
                options, clock=clock, is_under_way=forwarder.is_under_way, holder_of=self._clients.holder_of
            ),
            forwarder=forwarder,
        )
        self._chain = build_chain(self._links)
        self._synchronous = SynchronousChain(
            order(self._links), recorder=self._links.recorder, cache=self._links.cache, throttle=self._links.throttle,
            forwarder=forwarder, finish=self._conclude,
        )  # fmt: skip
        self._udp: list[DatagramServer] = []
        self._tcp: list[StreamServer] = []
        self._connections = Connections(limit=options.tcp_connections, per_holder=options.tcp_connections_per_device)
        self._journeys: set[Journey[Response]] = set()
        self._malformed = 0
        self._waiting = Waiting(options.max_in_flight)
        self._joined_blocked = 0
        self._latency = {source: Histogram() for source in Source}

    @property
    def policy(self) -> Policy:
        """The one in force."""
        return self._policy

    def swap_policy(self, policy: Policy, concern: Concern | None = None) -> None:
        """The very next packet sees it. When the new policy differs for some names only, `concern` says for which, and
        all other answers stay prepared: deciding a thousand hot names anew takes its time.
        """
        self._policy = policy
        self._links.policy.policy = policy
        if concern is None:
            self._memos.clear()
        else:
            self._memos.forget(concern)
        self._clients.forget(policy)

    def name_devices(self, devices: DeviceNames) -> None:
        """What the devices of the home are called; see `LocalZone`."""
        before, self._devices = self._devices, devices
        self._links.local_zone.name_devices(devices)
        changed = before.differences(devices)
        if changed is None:
            self.forget_clients()
        elif changed:
            self._memos.forget(Concern(changed))

    def forget_device(self, device: str) -> None:
        """Its profile is another one now; what the others are answered stays prepared."""
        if self._memos.profiles > _MOST_PROFILES:
            self.forget_clients()
        else:
            self._clients.forget_device(device)

    def forget_clients(self) -> None:
        """The device table changed: which client is which device is looked up again."""
        self._memos.clear()
        self._clients.forget(self._policy)

    async def start(self, udp: Sequence[socket.socket], tcp: Sequence[socket.socket]) -> None:
        """Serves on these sockets: bound, and the TCP ones listening. After `stop` the caller may close them.

        Raises SettingsError when an upstream is one of them.
        """
        own = {sock.getsockname()[:2] for sock in (*udp, *tcp)}
        for member in self._links.forwarder.members:
            if member.upstream.address in own:
                raise SettingsError("upstream.upstream-resolver-itself", url=member.upstream.url)
        loop = asyncio.get_running_loop()
        for sock in udp:
            server = DatagramServer(
                sock, clients=self._clients, memos=self._memos, recorder=self._links.recorder,
                serve=self._serve_datagram, clock=self._clock, wall=self._wall, batched=self._options.batched,
            )  # fmt: skip
            server.is_crowded = lambda: self._links.forwarder.is_crowded
            server.start(loop)
            self._udp.append(server)
        for sock in tcp:
            stream = StreamServer(
                sock, clients=self._clients, connections=self._connections, serve=self._serve_message,
                options=self._options, clock=self._clock,
            )  # fmt: skip
            await stream.start(loop)
            self._tcp.append(stream)

    def rest(self, udp: Collection[socket.socket]) -> None:
        """Leaves these of its sockets to another process, until `resume`."""
        for server in self._udp:
            if server.sock in udp:
                server.rest()

    def resume(self, udp: Collection[socket.socket]) -> None:
        """Answers on these of its sockets again."""
        loop = asyncio.get_running_loop()
        for server in self._udp:
            if server.sock in udp:
                server.start(loop)

    def record(self, rows: list[LogRow], batches: Iterable[LogBatch]) -> None:
        """Puts into the log what another process has answered."""
        recorder = self._links.recorder
        recorder.extend(rows)
        for batch in batches:
            recorder.bind(batch.when, batch.clients, batch.facts, batch.latency)

    async def stop(self) -> None:
        """Answers nobody any more; returns when no task of ours is left."""
        loop = asyncio.get_running_loop()
        for server in self._udp:
            server.stop(loop)
        for stream in self._tcp:
            await stream.stop()
        for journey in list(self._journeys):
            journey.cancel()
        self._synchronous.close()
        # What waited for the loop ends in its next round.
        await asyncio.sleep(0)
        await self._links.cache.close()
        await self._links.forwarder.close()

    async def resolve(self, query: Query) -> Response:
        """The whole chain, for one query. Raises WireError when silence is the answer."""
        return await self._chain(query)

    def counters(self) -> dict[str, int | float]:
        """What has happened since the start; sizes are of now."""
        links = self._links
        fast = sum(server.fast for server in self._udp)
        by_source = links.recorder.by_source
        return {
            "queries_udp": self.received(),
            "queries_tcp": sum(stream.received for stream in self._tcp),
            "fast": fast,
            "blocked": links.recorder.blocked + self._joined_blocked + sum(s.fast_blocked for s in self._udp),
            "coalesced": self._waiting.joined,
            "cache_hits": links.cache.hits,
            "misses": links.cache.misses,
            "stale": links.cache.stale,
            "prefetches": links.cache.prefetches,
            "local": by_source[Source.LOCAL],
            "servfail": by_source[Source.ERROR],
            "errors": links.recorder.errors,
            "upstream_asked": links.forwarder.asked,
            "upstream_errors": links.forwarder.errors,
            "upstream_forged": links.forwarder.forged,
            "log_dropped": links.recorder.dropped,
            "malformed": self._malformed,
            "outsiders": links.guard.dropped + sum(server.refused for server in self._udp),
            "overload": self._waiting.turned_away + sum(server.crowded_out for server in self._udp),
            "slowed": links.throttle.slowed,
            "throttled": links.throttle.dropped,
            "unsent": sum(server.unsent for server in self._udp),
            "tcp_turned_away": self._connections.turned_away,
            "tcp_displaced": self._connections.displaced,
            "in_flight": len(self._journeys) + self._synchronous.under_way,
            "cache_entries": len(links.cache),
            "cache_bytes": links.cache.size,
            "memo_entries": len(self._memos),
        }

    def received(self) -> int:
        """How many queries have come over UDP."""
        return sum(server.received for server in self._udp)

    def latencies(self) -> dict[str, dict[str, object]]:
        """How long answers took that were not prepared, by where they came from; see `Histogram.to_json`."""
        return {source.value: histogram.to_json() for source, histogram in self._latency.items()}

    def upstreams(self) -> list[UpstreamState]:
        return self._links.forwarder.states()

    def _serve_datagram(self, wire: bytes, client: Client, at: float, reply: Reply) -> None:
        key = (client.text, wire[2:])
        if self._waiting.join(key, (wire[:2], reply, at)):
            return
        try:
            query = peek_query(wire, Transport.UDP, client.text, at)
        except WireError as error:
            refused = self._refuse(wire, error)
            if refused is not None:
                reply(refused)
            return
        if ours := of_ourselves(query, self._policy):
            reply(ours)
            return
        if self._waiting.admit(key, client.holder):
            errand = Errand(query, client, reply, key, self._memos.epoch)
            if not self._synchronous.depart(errand):
                self._send_off(query, partial(self._answer_datagram, errand))

    def _conclude(self, errand: Errand, response: Response | None) -> None:
        # Hundreds of answers can come from upstreams at once; who asks for what is known already must not wait for all.
        for server in self._udp:
            server.look_in()
        try:
            self._answer_datagram(errand, response)
        except WireError:
            # What came cannot be made to fit this query.
            return
        except Exception as mistake:  # noqa: BLE001 - whoever brought the answer goes on with the others
            self._links.recorder.confess(mistake)

    def _answer_datagram(self, errand: Errand, response: Response | None) -> None:
        waiters = self._waiting.leave(errand.key, errand.client.holder)
        if response is None:
            return
        query, source = errand.query, response.source
        wire = fit(response.wire, query, rcode=response.rcode, ede=response.ede)
        errand.reply(wire)
        self._latency[source].observe(self._clock() - query.at)
        if waiters:
            self._answer_waiters(query, response, wire, waiters)
        if source in _MEMORABLE and errand.epoch == self._memos.epoch and len(query.wire) <= MAX_QUERY:
            self._remember(query, response, wire)

    def _answer_waiters(self, query: Query, response: Response, wire: bytes, waiters: Iterable[Waiter]) -> None:
        facts, tail, now, when = facts_of(query, response), wire[2:], self._clock(), self._wall()
        for message_id, reply, asked in waiters:
            reply(message_id + tail)
            self._joined_blocked += facts.verdict.blocked
            if len(self._log) < self._log_limit:
                self._log.append((when, query.client, facts, now - asked))
            else:
                self._links.recorder.dropped += 1

    def _remember(self, query: Query, response: Response, wire: bytes) -> None:
        if response.verdict.passing:
            return
        offsets: tuple[int, ...] = ()
        seconds: float = inf if response.source in _OURS else response.ttl
        if isinstance(response, Answer) and response.peek is not None:
            seconds = response.recheck
            offsets = response.ttl_offsets_in(wire)
        if seconds > 0:
            # Its device may have another profile than when it asked: the memo is that of now.
            memo = self._clients.of(query.client).memo
            self._memos.remember(
                memo, query.wire, wire, facts_of(query, response), now=self._clock(), lifetime=seconds,
                ttl_offsets=offsets,
            )  # fmt: skip

    def _serve_message(self, wire: bytes, client: Client, at: float, reply: Callable[[bytes | None], None]) -> None:
        try:
            query = peek_query(wire, Transport.TCP, client.text, at)
        except WireError as error:
            reply(self._refuse(wire, error))
            return
        if ours := of_ourselves(query, self._policy):
            reply(ours)
            return
        self._send_off(query, partial(self._answer_message, query, reply))

    def _refuse(self, wire: bytes, error: WireError) -> bytes | None:
        # Another kind of question than we answer is a question all the same: so a heartbeat may ask.
        self._malformed += error.rcode != Rcode.NOTIMP
        return None if error.rcode is None else refusal(wire, error.rcode)

    def _answer_message(self, query: Query, reply: Callable[[bytes | None], None], response: Response | None) -> None:
        if response is None:
            reply(None)
            return
        reply(fit(response.wire, query, rcode=response.rcode, ede=response.ede))
        self._latency[response.source].observe(self._clock() - query.at)

    def _send_off(self, query: Query, finish: Callable[[Response | None], None]) -> None:
        """Through the whole chain; `finish` is called with the response, or with None when silence is the answer."""
        journey = Journey(self._chain(query), partial(self._arrived, finish))
        self._journeys.add(journey)
        journey.go()

    def _arrived(
        self,
        finish: Callable[[Response | None], None],
        journey: Journey[Response],
        response: Response | None,
        error: BaseException | None,
    ) -> None:
        self._journeys.discard(journey)
        try:
            try:
                finish(response)
            except WireError:
                # What came cannot be made to fit this query.
                return
            if error is not None and not isinstance(error, WireError | asyncio.CancelledError):
                raise error
        except Exception as mistake:  # noqa: BLE001 - whoever brought the answer goes on with the others
            self._links.recorder.confess(mistake)


def _ignore(change: HealthChanged) -> None:
    """Nobody wants to know."""


def _cache(options: ResolverOptions, clock: Callable[[], float], forwarder: Forwarder | ForwardZones) -> Cache:
    return Cache(
        entries=options.cache_entries,
        size=options.cache_bytes,
        max_stale=options.max_stale,
        clock=clock,
        reachable=lambda: forwarder.reachable,
    )
