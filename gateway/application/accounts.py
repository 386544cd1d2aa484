"""Keeps account of what devices exchanged and of how they tried to go round us, and makes a click felt at once.

`note` is called in the journal's thread, everything else on the loop. Nothing here is ever waited for by DNS.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from gateway.application.core import Core
from gateway.application.cuts import CutKeeper, Cuts, FlowCutter, NoCuts
from gateway.application.registry import Figures, Registry
from gateway.classifier.known_resolvers import known_resolvers
from gateway.control.caller import Caller
from gateway.devices.inventory import Inventory
from gateway.exposure.places import packed_if_abroad
from gateway.exposure.resolved import ResolvedNames
from gateway.journal.exchange_store import ExchangeStore
from gateway.model.address import Address
from gateway.model.device import Device
from gateway.model.flow import Attempt, Detour, Exchange, FlowCount, Outcome
from gateway.model.lookup import Facts
from gateway.model.name import ancestors
from gateway.model.network import Mode
from gateway.model.policy import Policy
from gateway.settings import Settings

log = logging.getLogger(__name__)


_DNS_PORTS = frozenset({53, 853})
_MOST_SERVERS = 200
_MOST_CONNECTIONS = 4_096
# Times of connections are cut to the microsecond on their way here.
_SLACK = 0.000_01


def register(core: Core, registry: Registry) -> None:
    """Brings the accounts, where somebody counts what devices exchange; clicks reach what goes on when this box makes
    the network.
    """
    settings = core.settings
    if not (makes_the_network(settings) or settings.simulated):
        return
    resolved = ResolvedNames()
    cuts: CutKeeper = NoCuts()
    if settings.network is not None:
        cutter = FlowCutter(Caller(Path(settings.network.socket), "The network process"))
        cuts = Cuts(resolved, partial(_addresses_of, core.inventory), cutter.cut, cutter.mend)
    store = ExchangeStore(core.recording.writer)
    accounts = Accounts(core.inventory, store, resolved, cuts, doh_names=known_resolvers().names)
    accounts.policy_changed(core.policy.policy)
    events = core.events
    events.answered.listen(accounts.note)
    events.policy_changed.listen(lambda policy, _: accounts.policy_changed(policy))
    events.device_joined.listen(accounts.device_joined)
    events.attempts_met.listen(accounts.take_attempts)
    events.attempts_of_devices.listen(accounts.note_attempts)
    events.flows_counted.listen(accounts.take_flows)
    registry.add_counters(partial(_count, accounts))
    registry.add_end(accounts.settle)


def makes_the_network(settings: Settings) -> bool:
    """Whether this box makes the televisions' network."""
    return settings.network is not None and settings.network.mode is not Mode.DNS_ONLY


def _count(accounts: Accounts, figures: Figures) -> Figures:
    return {**figures, **{f"network_{name}": count for name, count in accounts.counters.items()}}


def _addresses_of(inventory: Inventory, device: str) -> list[Address]:
    known = inventory.get(device)
    return [ip_address(address) for address in known.addresses] if known else []


class Accounts:
    """`doh_names` are the names of known resolvers over HTTPS; a lookup of one announces a way round us.

    `resolved` is what our answers said, `cuts` ends what goes on.
    """

    def __init__(
        self,
        inventory: Inventory,
        store: ExchangeStore,
        resolved: ResolvedNames,
        cuts: CutKeeper,
        *,
        doh_names: frozenset[str] = frozenset(),
    ) -> None:
        self._counters: Counter[str] = Counter(attempts=0, bytes_up=0, bytes_down=0, connections=0, unexplained=0)
        self._inventory, self._store = inventory, store
        self._doh_names = doh_names
        self._resolved, self._cuts = resolved, cuts
        self._servers: dict[tuple[str, Detour, int], set[tuple[str, str, int]]] = defaultdict(set)
        self._heard: list[tuple[str, Attempt]] = []
        self._hearing = threading.Lock()
        self._explained: OrderedDict[tuple[str, bytes, str, int, datetime], str] = OrderedDict()
        self._loop = asyncio.get_running_loop()

    @property
    def counters(self) -> Counter[str]:
        """attempts, unexplained, connections, bytes_up, bytes_down, cuts (addresses) since the start."""
        return Counter({**self._counters, **self._cuts.counters})

    def note(self, client: str, facts: Facts, when: float) -> None:
        """A client was given an answer at `when`, seconds since the epoch."""
        device = self._inventory.identify(client)
        if facts.addresses:
            self._resolved.note(device, facts.name, facts.addresses, when)
            if self._cuts.concern(device, facts.name, facts.addresses):
                self._loop.call_soon_threadsafe(self._cuts.look, device, facts.addresses)
        if self._doh_names:
            listed = next((parent for parent in ancestors(facts.name) if parent in self._doh_names), None)
            if listed is not None:
                self._hear(device, listed, facts.verdict.blocked, datetime.fromtimestamp(when, UTC))

    def _hear(self, device: str, server: str, refused: bool, at: datetime) -> None:
        """Somebody looked up a resolver. Gathered, so that many rows are one entry in the journal."""
        outcome = Outcome.REFUSED if refused else Outcome.NOTED
        with self._hearing:
            first = not self._heard
            self._heard.append((device, Attempt(None, Detour.DOH_NAME, server, "tcp", 443, outcome, 1, at, at)))
        if first:
            self._loop.call_soon_threadsafe(self._flush)

    def take_attempts(self, attempts: Sequence[Attempt]) -> None:
        """What the firewall met since the last time."""
        self.note_attempts([(self._inventory.meet_card(each.mac), each) for each in attempts if each.mac])

    def note_attempts(self, tried: Sequence[tuple[str, Attempt]]) -> None:
        """As `take_attempts`, by the device's id."""
        self._counters["attempts"] += sum(attempt.count for _, attempt in tried)
        self._save((), [(device, self._singly(device, attempt)) for device, attempt in tried])

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
                size = flow.up + flow.down
                kind = (Detour.UNEXPLAINED, flow.server, flow.protocol, flow.port, Outcome.NOTED)
                stranger = Attempt(None, *kind, flow.connections, flow.first, flow.last, size)
                tried.append((device, self._singly(device, stranger)))
            elif self._cuts.blocks(device, server):
                # It has kept the address for longer than a cut lasts, or was given it in the moment of the click.
                returned[device].add(server)
        for device, servers in returned.items():
            self._cuts.look(device, servers)
        self._counters["unexplained"] += sum(attempt.count for _, attempt in tried)
        for up, down, connections in exchanged.values():
            self._counters.update(bytes_up=up, bytes_down=down, connections=connections)
        self._save([Exchange(*key, *sums) for key, sums in exchanged.items()], tried)

    def _explain(self, device: str, server: bytes, flow: FlowCount) -> str | None:
        """Whose bytes these are. A connection stays with the name that it began for, whatever is looked up later."""
        if flow.began is None:
            return self._resolved.explain(device, server, flow.first.timestamp() + 1)
        connection = (device, server, flow.protocol, flow.port, flow.began)
        name = self._explained.get(connection) or self._resolved.explain(
            device, server, flow.began.timestamp() + _SLACK
        )
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
        self._cuts.policy_changed(policy)

    def device_joined(self, old: str, new: str) -> None:
        self._resolved.move(old, new)

    async def settle(self) -> None:
        """Returns when nothing is under way any more."""
        await self._cuts.settle()

    def _flush(self) -> None:
        # Between a look at the list and an entry in it nobody may take it away: the next one would wait for ever.
        with self._hearing:
            heard, self._heard = self._heard, []
        self.note_attempts(heard)

    def _singly(self, device: str, attempt: Attempt) -> Attempt:
        """Of the servers that a device tried in one way only so many a day are listed one by one."""
        day = int(attempt.last.timestamp() // 86_400)
        known = self._servers[device, attempt.detour, day]
        place = (attempt.server, attempt.protocol, attempt.port)
        if place not in known and len(known) >= _MOST_SERVERS:
            return replace(attempt, server="", port=0)
        if not known:
            for old in [key for key in self._servers if key[2] < day - 1]:
                del self._servers[old]
        self._servers[device, attempt.detour, day].add(place)
        return attempt

    def _save(self, exchanged: Sequence[Exchange], tried: Sequence[tuple[str, Attempt]]) -> None:
        if not exchanged and not tried:
            return
        spoken_of = {each.device for each in exchanged} | {device for device, _ in tried}
        known: list[Device] = [device for each in spoken_of if (device := self._inventory.get(each)) is not None]
        # The journal says itself when it cannot be written.
        self._store.add(exchanged, tried, known).add_done_callback(lambda done: done.cancelled() or done.exception())
