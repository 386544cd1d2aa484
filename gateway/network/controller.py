"""The firewall's one face: puts a plan in force, takes it away, and tells what was met. Verbs wait.

A plan is in force whole or not at all. The rules live in the kernel: when this process dies, they stay, and the
televisions keep working.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from gateway.errors import NetworkError
from gateway.model.address import Address
from gateway.model.flow import Attempt, FlowCount, Outcome
from gateway.model.mac import Mac
from gateway.model.network import Mode, NetworkPlan
from gateway.network import cuts, nft, switches
from gateway.network.attempts import MEMORIES, AttemptMeter, parse_memory
from gateway.network.between import SHUT_PORTS, SHUT_SECONDS, SHUT_STATIONS, own_ports, shut
from gateway.network.conntrack import Connection
from gateway.network.firewall import DNS_PORTS, DOT_PORT, homes, passes_dns, remove, render
from gateway.network.flows import FlowMeter
from gateway.network.limits import check_plan
from gateway.network.phrases import Network, Phrase

_RECORD: Final = "switches.json"
_MOST_WAITING: Final = 1 << 16


class FirewallController:
    """Not for two threads at once. `folder` must exist; it keeps what `clear` needs after a restart.

    `neighbours` gives IP -> MAC of what stands on the network; a pause ends the running connections of a device whose
    address it knows. `clock` gives aware UTC.
    """

    def __init__(
        self,
        folder: Path,
        *,
        neighbours: Callable[[], Mapping[str, Mac]] = dict,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.notes: tuple[str, ...] = ()
        """What this box cannot do, each one sentence; known after `apply`."""
        self._record = folder / _RECORD
        self._neighbours = neighbours
        self._clock = clock
        self._plan: NetworkPlan | None = None
        self._wanted: list[Phrase] = []
        self._attempts = AttemptMeter(clock())
        self._waiting: list[Attempt] = []
        self._flows: FlowMeter | None = None
        self._left: list[FlowCount] = []
        self._cuts: dict[cuts.Pair, float] = {}
        self._counted: dict[str, int] = {}
        self._shut: dict[tuple[str, str], float] = {}
        self._tenants: frozenset[Mac] = frozenset()

    def apply(self, plan: NetworkPlan, *, dry_run: bool = False) -> str:
        """Puts the plan in force, or only says what would be done. Answers the transaction as text for people.

        Raises NetworkError; then everything is as it was before.
        """
        check_plan(plan)
        if self._plan is None and not dry_run:
            self._adopt_cuts()
        home = switches.home_networks(plan.uplink)
        commands, notes = self._judged(plan, home)
        turned = switches.wanted(plan)
        text = _describe(commands, turned)
        if dry_run:
            return text
        if not turned:
            self.clear()
            return text
        # What began while our rules were gone began without them.
        judged_by = self._plan if self.is_in_force() else None
        before = nft.snapshot()
        self._keep_what_was_counted()
        try:
            nft.replace(commands)
        except NetworkError:
            self._count_on()
            raise
        self._attempts.forget()
        try:
            if self._flows is None:
                self._flows = FlowMeter(_networks(plan), self._clock())
            switches.switch(turned, self._record)
        except NetworkError:
            nft.apply_text(before)
            if self._plan is None:
                self.close()
            raise
        self._flows.watch(_networks(plan))
        self._plan, self.notes, self._wanted = plan, notes, commands
        try:
            cuts.forget_flows(self._outdated(judged_by, plan, home))
        except NetworkError:
            self.notes = (*notes, "Connections that were open before the change go on until they end by themselves.")
        return text

    def clear(self) -> None:
        """Takes our tables away and puts the kernel's switches back; also what an earlier process left. Raises
        NetworkError."""
        switches.put_back(self._record)
        self._keep_what_was_counted()
        for bridge in (True, False):
            commands = remove(bridge)
            try:
                nft.apply(commands)
                break
            except NetworkError:
                if not bridge:
                    raise
        self._attempts.forget()
        self._cuts.clear()
        self._shut.clear()
        self._wanted = []
        self._plan = None
        if self._flows is not None:
            with suppress(NetworkError):
                self._left += self._flows.measure(self._clock())
        self.close()

    def is_in_force(self) -> bool:
        """Whether the rules still stand as they were set. Somebody may have flushed them: then apply the plan again."""
        if self._plan is None:
            return False
        try:
            nft.verify(self._wanted)
        except NetworkError:
            return False
        return True

    def droppers(self, interface: str) -> list[str]:
        """Other firewalls here that drop what comes from there, each as "family table". Raises NetworkError."""
        return nft.droppers(interface)

    def close(self) -> None:
        """Lets go of the kernel; the rules stay in force."""
        if self._flows is not None:
            self._flows.close()
            self._flows = None

    def attempts(self) -> list[Attempt]:
        """Who tried to walk round us since the last call. Raises NetworkError; then nothing is lost."""
        self._measure_attempts()
        found, self._waiting = self._waiting, []
        return found

    def flows(self) -> list[FlowCount]:
        """Bytes and connections since the last call. Call it every few seconds. Raises NetworkError."""
        found = [] if self._flows is None else self._flows.measure(self._clock())
        left, self._left = self._left, []
        return [*left, *found]

    def counters(self) -> dict[str, int]:
        """Packets that each rule with a name has met, since this process began. Raises NetworkError."""
        total = dict(self._counted)
        for name, packets in nft.read_counters().items():
            total[name] = total.get(name, 0) + packets
        return total

    def cut(
        self,
        clients: Iterable[Address],
        servers: Iterable[Address],
        seconds: float = 3600,
    ) -> int:
        """Ends what goes on between them, and keeps them apart for so long. How many flows ended.

        Raises NetworkError.
        """
        if self._plan is None:
            raise NetworkError("network.no-firewall-force")
        if not 1 <= seconds <= cuts.LONGEST:
            raise NetworkError("network.cut-lasts-second", longest=f"{cuts.LONGEST // 3600}")
        pairs = cuts.pairs_of(clients, servers)
        if len(self._living_cuts()) + len(pairs) > cuts.MOST_PAIRS:
            raise NetworkError("network.most-pairs-device", most_pairs=cuts.MOST_PAIRS)
        if not pairs:
            return 0
        fresh = dict.fromkeys(pairs, float(seconds))
        # Out and in again in one transaction: an element that is there already would keep its old end.
        nft.apply([*cuts.removals(pairs), *cuts.elements(fresh)])
        end = time.monotonic() + seconds
        self._cuts.update(dict.fromkeys(pairs, end))
        return cuts.forget_flows(cuts.is_between(pairs), after_reset=True)

    def mend(self, clients: Iterable[Address], servers: Iterable[Address]) -> None:
        """Takes a cut back, for who allows again what was blocked. Raises NetworkError."""
        pairs = [pair for pair in cuts.pairs_of(clients, servers) if pair in self._cuts]
        if self._plan is not None and pairs:
            nft.apply(cuts.removals(pairs))
        for pair in pairs:
            self._cuts.pop(pair, None)

    def shut(self, stations: Iterable[Mac], ports: Iterable[str], tenants: Iterable[Mac]) -> None:
        """For an hour gives these stations, and at these ports everybody but the tenants, no address. Tenants, who have
        one, are those of this call alone. Where the kernel has no rules between televisions, this does nothing.

        Raises NetworkError.
        """
        end = time.monotonic() + SHUT_SECONDS
        for name, values in ((SHUT_STATIONS, stations), (SHUT_PORTS, ports)):
            self._shut |= {(name, str(value)): end for value in values}
        self._tenants = frozenset(tenants)
        if any(add_set.get("name") == SHUT_PORTS for add_set in _sets(self._wanted)):
            nft.apply(self._still_shut())

    def _still_shut(self) -> list[Phrase]:
        now = time.monotonic()
        self._shut = {key: end for key, end in self._shut.items() if end > now}
        by_set: dict[str, dict[str, float]] = {SHUT_STATIONS: {}, SHUT_PORTS: {}}
        for (name, value), end in self._shut.items():
            by_set[name][value] = end - now
        return shut(by_set[SHUT_STATIONS], by_set[SHUT_PORTS], self._tenants)

    def _judged(self, plan: NetworkPlan, home: Sequence[Network]) -> tuple[list[Phrase], tuple[str, ...]]:
        """The transaction that this kernel takes: without the rules between televisions where it has no such thing."""
        living = cuts.elements(self._living_cuts()) if plan.mode is not Mode.DNS_ONLY else []
        whole = [*render(plan, home), *living, *(self._still_shut() if plan.tv is not None and own_ports(plan) else ())]
        try:
            nft.check(whole)
        except NetworkError as error:
            part = [*render(plan, home, bridge=False), *living]
            try:
                nft.check(part)
            except NetworkError:
                raise error from None
            notes = ["This kernel cannot keep one television from posing as a router to the others."]
            if plan.barrier.keep_apart:
                notes.append("This kernel cannot keep televisions apart.")
            return part, tuple(notes)
        return whole, ()

    def _living_cuts(self) -> dict[cuts.Pair, float]:
        now = time.monotonic()
        self._cuts = {pair: end for pair, end in self._cuts.items() if end > now}
        return {pair: end - now for pair, end in self._cuts.items()}

    def _adopt_cuts(self) -> None:
        """What an earlier process cut stays cut."""
        with suppress(NetworkError):
            now = time.monotonic()
            for pair, seconds in cuts.parse_cuts(nft.list_sets(cuts.SETS)).items():
                self._cuts.setdefault(pair, now + seconds)

    def _measure_attempts(self) -> None:
        plan = self._plan
        if plan is None or len(self._waiting) >= _MOST_WAITING:
            return
        outcomes = {
            True: Outcome.NOTED if passes_dns(plan) else Outcome.ANSWERED,
            False: Outcome.REFUSED if plan.barrier.refuse_encrypted else Outcome.NOTED,
        }
        self._waiting += self._attempts.measure(parse_memory(nft.list_sets(MEMORIES)), self._clock(), outcomes)

    def _keep_what_was_counted(self) -> None:
        """The kernel's counts end with the table they stand in."""
        if self._plan is None:
            return
        try:
            self._measure_attempts()
            self._counted = self.counters()
        except NetworkError:
            # Somebody has emptied our table: there is nothing left to keep, and all the more reason to set it again.
            return

    def _count_on(self) -> None:
        """After a change that failed: the kernel may count on from where it was, or from nought."""
        with suppress(NetworkError):
            still = nft.read_counters()
            self._counted = {name: total - still.get(name, 0) for name, total in self._counted.items()}

    def _known_neighbours(self) -> Mapping[str, Mac]:
        try:
            return self._neighbours()
        except OSError:
            return {}

    def _outdated(
        self, old: NetworkPlan | None, new: NetworkPlan, home: Sequence[Network]
    ) -> Callable[[Connection], bool]:
        """Flows that the new rules would not have let begin, or would have sent elsewhere."""
        networks = _networks(new)
        was, now = old.barrier if old else None, new.barrier
        turned = was is None or _redirecting(old) != _redirecting(new)
        refused = was is None or (was.resolvers, was.refuse_encrypted) != (now.resolvers, now.refuse_encrypted)
        isolated = now.isolate_home and (was is None or not was.isolate_home)
        apart = now.keep_apart and (was is None or not was.keep_apart)
        fresh = set(now.paused) - set(was.paused if was else ())
        paused = {address for address, mac in self._known_neighbours().items() if mac in fresh} if fresh else set()
        resolvers = {str(address) for address in now.resolvers}
        at_home = homes(home)
        own = [each.ip for each in (new.tv.address, new.tv.address6) if each] if new.tv else []

        def is_outdated(connection: Connection) -> bool:
            asked = connection.original
            if not any(ip_address(asked.source) in network for network in networks):
                return False
            if asked.source in paused:
                return True
            if turned and asked.target_port in (*DNS_PORTS, 123):
                return True
            if refused and (asked.target_port == DOT_PORT or asked.target in resolvers):
                return True
            target = ip_address(asked.target)
            within = any(target in network for network in networks)
            if within:
                return apart and target not in own
            return isolated and any(target in network for network in at_home)

        return is_outdated


def _sets(commands: Iterable[Phrase]) -> Iterable[Mapping[str, Any]]:
    return (each["add"]["set"] for each in commands if "set" in each.get("add", {}))


def _redirecting(plan: NetworkPlan | None) -> object:
    """Everything that decides where a television's question goes."""
    if plan is None or plan.tv is None:
        return None
    barrier = plan.barrier
    port, time_too = barrier.dns_port, barrier.redirect_time
    return plan.tv.address, plan.tv.address6, port, time_too, passes_dns(plan), barrier.fallback


def _networks(plan: NetworkPlan) -> tuple[Network, ...]:
    if plan.tv is None:
        return ()
    six = plan.tv.address6
    return (plan.tv.address.network, *((six.network,) if six else ()))


def _describe(commands: list[Phrase], turned: Mapping[str, str]) -> str:
    """For people and for `nft -j -f -` alike but for the first lines."""
    lines = [f"# net/{name} = {value}" for name, value in turned.items()]
    return "\n".join([*lines, nft.to_text(commands)])
