"""Keeps account of what devices exchanged and of how they tried to go round us, and makes a click felt at once.

`note` is called in the journal's thread, everything else on the loop. Nothing here is ever waited for by DNS.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from gateway.daemons.house import House
from gateway.devices.inventory import Inventory
from gateway.errors import TelltaleError
from gateway.exposure.places import packed_if_abroad
from gateway.exposure.told import Told
from gateway.journal.exchange_store import ExchangeStore
from gateway.model.device import Device
from gateway.model.flow import Attempt, Detour, Exchange, FlowCount, Outcome
from gateway.model.lookup import Facts
from gateway.model.name import ancestors
from gateway.model.policy import Policy
from gateway.network.known_resolvers import known_resolvers

log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Cut = Callable[[Iterable[Address], Iterable[Address], float], Awaitable[object]]
Mend = Callable[[Iterable[Address], Iterable[Address]], Awaitable[object]]

_DNS_PORTS = frozenset({53, 853})
_CUT_SECONDS = 600.0
# Connections to what was told longer ago have ended, or were explained by something newer.
_RECENT = 3_600.0
_MOST_STRANGERS = 200
_MOST_CONNECTIONS = 4_096
# Times of connections are cut to the microsecond on their way here.
_SLACK = 0.000_01


def open_accounts(house: House) -> Accounts:
    """The accounts of a house; clicks reach what goes on when it makes the network."""

    async def cut(clients: Iterable[Address], servers: Iterable[Address], seconds: float) -> None:
        if house.gatekeeper is not None:
            await house.gatekeeper.cut(clients, servers, seconds)

    async def mend(clients: Iterable[Address], servers: Iterable[Address]) -> None:
        if house.gatekeeper is not None:
            await house.gatekeeper.mend(clients, servers)

    made = Accounts(
        house.inventory,
        ExchangeStore(house.writer),
        doh_names=known_resolvers().names,
        cut=cut,
        mend=mend,
    )
    made.policy_changed(house.policy.policy)
    return made


class Accounts:
    """`doh_names` are the names of known resolvers over HTTPS; a lookup of one announces a way round us.

    `cut` ends flows between these clients and servers for so many seconds, `mend` takes that back.
    """

    def __init__(
        self,
        inventory: Inventory,
        store: ExchangeStore,
        *,
        doh_names: frozenset[str] = frozenset(),
        cut: Cut | None = None,
        mend: Mend | None = None,
    ) -> None:
        self.told = Told()
        self.counters: Counter[str] = Counter(
            attempts=0, bytes_up=0, bytes_down=0, connections=0, unexplained=0, cuts=0
        )
        self._inventory, self._store = inventory, store
        self._doh_names = doh_names
        self._cut, self._mend = cut, mend
        self._policy: Policy | None = None
        self._cuts: dict[str, dict[bytes, float]] = {}
        self._strangers: dict[tuple[str, int], set[tuple[str, str, int]]] = defaultdict(set)
        self._explained: OrderedDict[tuple[str, bytes, str, int, datetime], str] = OrderedDict()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, client: str, facts: Facts, when: float) -> None:
        """A client was given an answer at `when`, seconds since the epoch."""
        device = self._inventory.identify(client)
        if facts.addresses:
            self.told.note(device, facts.name, facts.addresses, when)
            cut = self._cuts.get(device)
            if cut and not cut.keys().isdisjoint(facts.addresses):
                # Another name lives there as well, and this one is allowed.
                self._loop.call_soon_threadsafe(self._spare, device, facts.addresses)
        if self._doh_names and any(parent in self._doh_names for parent in ancestors(facts.name)):
            outcome = Outcome.REFUSED if facts.verdict.blocked else Outcome.NOTED
            at = datetime.fromtimestamp(when, UTC)
            attempt = Attempt("", Detour.DOH_NAME, facts.name, "tcp", 443, outcome, 1, at, at)
            self._loop.call_soon_threadsafe(self._save, (), ((device, attempt),))

    def take_attempts(self, attempts: Sequence[Attempt]) -> None:
        """What the firewall met since the last time."""
        self.note_attempts([(self._inventory.meet_card(each.mac), each) for each in attempts])

    def note_attempts(self, tried: Sequence[tuple[str, Attempt]]) -> None:
        """As `take_attempts`, by the device's id."""
        self.counters["attempts"] += sum(attempt.count for _, attempt in tried)
        self._save((), tried)

    def take_flows(self, flows: Sequence[FlowCount]) -> None:
        """What was counted since the last time. DNS itself and what stays at home are no exchange with anybody."""
        exchanged: dict[tuple[str, str | None, datetime], list[int]] = defaultdict(lambda: [0, 0, 0])
        tried: list[tuple[str, Attempt]] = []
        returned: dict[str, set[bytes]] = defaultdict(set)
        for flow in flows:
            server = packed_if_abroad(flow.server)
            if server is None or flow.port in _DNS_PORTS:
                continue
            device = self._inventory.identify(flow.client)
            name = self._explain(device, server, flow)
            hour = flow.last.replace(minute=0, second=0, microsecond=0)
            sums = exchanged[device, name, hour]
            for index, count in enumerate((flow.up, flow.down, flow.connections)):
                sums[index] += count
            if name is None:
                tried.append((device, self._stranger(device, flow)))
            elif self._is_blocked(device, server):
                returned[device].add(server)
        for device, servers in returned.items():
            self._begin(self._cut_again(device, servers))
        self.counters["unexplained"] += sum(attempt.count for _, attempt in tried)
        for up, down, connections in exchanged.values():
            self.counters.update(bytes_up=up, bytes_down=down, connections=connections)
        self._save([Exchange(*key, *sums) for key, sums in exchanged.items()], tried)

    def _explain(self, device: str, server: bytes, flow: FlowCount) -> str | None:
        """Whose bytes these are. A connection stays with the name that it began for, whoever is told of later."""
        if flow.began is None:
            return self.told.explain(device, server, flow.first.timestamp() + 1)
        connection = (device, server, flow.protocol, flow.port, flow.began)
        name = self._explained.get(connection) or self.told.explain(device, server, flow.began.timestamp() + _SLACK)
        if name is not None:
            self._explained[connection] = name
            self._explained.move_to_end(connection)
            if len(self._explained) > _MOST_CONNECTIONS:
                self._explained.popitem(last=False)
        return name

    def policy_changed(self, policy: Policy) -> None:
        """Ends what goes on between a device and addresses that only blocked names explain, and mends what was cut and
        is allowed now.
        """
        self._policy = policy
        if self._cut is not None:
            self._begin(self._enforce(policy))

    def device_joined(self, old: str, new: str) -> None:
        self.told.move(old, new)

    async def settle(self) -> None:
        """Returns when nothing is under way any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _enforce(self, policy: Policy) -> None:
        now = datetime.now(UTC).timestamp()
        for device in self.told.devices():
            wanted = await asyncio.to_thread(self._blocked_addresses, policy, device, now - _RECENT)
            ends = {address: end for address, end in self._cuts.get(device, {}).items() if end > now}
            over = {address for address in ends.keys() - wanted if not self._is_blocked(device, address)}
            clients = self._clients(device)
            try:
                if clients and (new := wanted - ends.keys()) and self._cut is not None:
                    await self._cut(clients, map(ip_address, new), _CUT_SECONDS)
                    self.counters["cuts"] += len(new)
                if clients and over and self._mend is not None:
                    await self._mend(clients, map(ip_address, over))
            except TelltaleError as error:
                log.info("what goes on cannot be ended: %s", error)
                continue
            kept = wanted | (ends.keys() - over)
            self._cuts[device] = {address: ends.get(address, now + _CUT_SECONDS) for address in kept}

    def _is_blocked(self, device: str, address: bytes) -> bool:
        """Whether every name that explains the address is blocked now."""
        policy, names = self._policy, self.told.names_of(device, address)
        return policy is not None and bool(names) and all(policy.decide(name, device).blocked for name in names)

    async def _cut_again(self, device: str, addresses: set[bytes]) -> None:
        """The device has kept an address for longer than a cut lasts, or was told it in the moment of the click."""
        now, clients = datetime.now(UTC).timestamp(), self._clients(device)
        cut = self._cuts.setdefault(device, {})
        fresh = [address for address in addresses if cut.get(address, 0.0) <= now]
        if self._cut is None or not clients or not fresh:
            return
        cut.update(dict.fromkeys(fresh, now + _CUT_SECONDS))
        try:
            await self._cut(clients, map(ip_address, fresh), _CUT_SECONDS)
            self.counters["cuts"] += len(fresh)
        except TelltaleError as error:
            for address in fresh:
                cut.pop(address, None)
            log.info("what goes on cannot be ended: %s", error)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _blocked_addresses(self, policy: Policy, device: str, since: float) -> frozenset[bytes]:
        return self.told.only(device, since, lambda name: policy.decide(name, device).blocked)

    def _spare(self, device: str, addresses: Iterable[bytes]) -> None:
        cut = self._cuts.get(device, {})
        spared = [address for address in addresses if cut.pop(address, None) is not None]
        if spared and self._mend is not None:
            self._begin(self._mend_now(self._clients(device), spared))

    async def _mend_now(self, clients: Sequence[Address], addresses: Sequence[bytes]) -> None:
        assert self._mend is not None
        try:
            await self._mend(clients, map(ip_address, addresses))
        except TelltaleError as error:
            log.info("a cut cannot be taken back: %s", error)

    def _clients(self, device: str) -> list[Address]:
        known = self._inventory.get(device)
        return [ip_address(address) for address in known.addresses] if known else []

    def _stranger(self, device: str, flow: FlowCount) -> Attempt:
        """Of a device's unexplained servers only so many a day are told one by one."""
        day = int(flow.last.timestamp() // 86_400)
        known = self._strangers[device, day]
        place = (flow.server, flow.protocol, flow.port)
        if place not in known and len(known) >= _MOST_STRANGERS:
            place = ("", flow.protocol, 0)
        elif not known:
            for old in [key for key in self._strangers if key[1] < day - 1]:
                del self._strangers[old]
        known.add(place)
        server, protocol, port = place
        count = flow.connections
        size = flow.up + flow.down
        return Attempt(
            "", Detour.UNEXPLAINED, server, protocol, port, Outcome.NOTED, count, flow.first, flow.last, size
        )

    def _save(self, exchanged: Sequence[Exchange], tried: Sequence[tuple[str, Attempt]]) -> None:
        if not exchanged and not tried:
            return
        spoken_of = {each.device for each in exchanged} | {device for device, _ in tried}
        known: list[Device] = [device for each in spoken_of if (device := self._inventory.get(each)) is not None]
        # The journal says itself when it cannot be written.
        self._store.add(exchanged, tried, known).add_done_callback(lambda done: done.cancelled() or done.exception())
