"""The resolver's hand on the network: gives the plan, and hears who came, who tried to walk round, and what flowed.

The network process stands by itself. When it is away, DNS goes on, and the dashboard says so.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from gateway.application.accounts import makes_the_network
from gateway.application.core import Core
from gateway.application.naming import NOT_NAMES
from gateway.application.registry import Registry
from gateway.catalogue.sentences import Notice
from gateway.classifier.known_resolvers import known_resolvers
from gateway.control.caller import Caller
from gateway.control.server import Handler
from gateway.errors import Refused, SettingsError, TelltaleError, Unavailable
from gateway.files import write_atomically
from gateway.model.address import Address
from gateway.model.event import HealthChanged
from gateway.model.flow import Attempt, FlowCount
from gateway.model.lease import Lease
from gateway.model.mac import Mac
from gateway.model.network import Mode, NetworkPlan, StaticLease
from gateway.network_settings import NetworkSettings, own_network, plan_network
from gateway.schema.checking import checked
from gateway.schema.requests import NetworkApply, NetworkIsolate, NetworkPause
from gateway.schema.values import from_json, to_json

log = logging.getLogger(__name__)

_EVERY = 3.0
_BREATH = 5.0
_GATHERED = 0.5
_WAIT = 20.0


def register(core: Core, registry: Registry) -> None:
    """Brings the network's verbs and tasks, where this box makes the televisions' network."""
    settings = core.settings.network
    if settings is None or not makes_the_network(core.settings):
        return
    client = NetworkClient(
        core,
        settings,
        Caller(Path(settings.socket), "The network process"),
        resolvers=known_resolvers().addresses,
    )
    registry.add_verbs(client.table())
    registry.add_task("network", client.watch)
    registry.add_task("leases", client.follow_leases)


class NetworkClient:
    """On the resolver's loop. While nobody listens for what is counted, the network process keeps it. `resolvers` are
    addresses of known encrypted resolvers.
    """

    def __init__(
        self, core: Core, settings: NetworkSettings, caller: Caller, *, resolvers: Iterable[Address] = ()
    ) -> None:
        self.status: dict[str, Any] = {}
        """What the network process said last; empty while it is away."""
        self.plan: NetworkPlan | None = None
        """The plan that is in force."""
        self._core, self._settings, self._caller = core, settings, caller
        self._resolvers = tuple(resolvers)
        self._paused_file = core.settings.data / "paused.json"
        self._paused = _read_paused(self._paused_file)
        self._isolated_file = core.settings.data / "isolated.json"
        self._isolated = _read_isolated(self._isolated_file)
        self._changing, self._choosing = asyncio.Lock(), asyncio.Lock()
        self._wanted = True

    def table(self) -> dict[str, Handler]:
        """Verbs of the resolver's own control socket."""
        return {
            "network.status": self.tell_status,
            "network.pause": checked(NetworkPause, self.pause),
            "network.isolate": checked(NetworkIsolate, self.isolate),
            "network.apply": checked(NetworkApply, self.apply),
            "network.clear": self.clear,
            "network.join": self.join,
            "network.stations": lambda _: self._caller.call("stations"),
            "network.links": lambda _: self._caller.call("links"),
            "network.counters": lambda _: self._caller.call("counters"),
        }

    async def watch(self) -> None:
        """For ever: has the plan in force, asks how it is, and hands on what was counted."""
        while True:
            try:
                if self.plan is None and self._wanted:
                    await self._put_in_force()
                await self._look()
            except Unavailable as error:
                # It may have been restarted without its plan: ours is handed over anew.
                self.plan, self.status = None, {}
                self._report("network", False, Notice("box.televisions-keep-network", error=error))
                await asyncio.sleep(_BREATH)
            except TelltaleError as error:
                self._report("network", False, error.notice)
                await asyncio.sleep(_BREATH)
            await asyncio.sleep(_EVERY)

    async def follow_leases(self) -> None:
        """For ever: every lease into the inventory and into DNS, as it happens."""
        after = 0
        while True:
            try:
                said = await self._caller.call("leases", after=after, wait=_WAIT)
                leases = [from_json(Lease, each, "lease") for each in said["leases"]]
                newer = int(said["sequence"])
            except (TelltaleError, KeyError, TypeError, ValueError):
                # `watch` reports that nobody answers; a new process counts from the beginning.
                after = 0
                await asyncio.sleep(_BREATH)
                continue
            if newer != after:
                after = newer
                self._take(leases)

    def tell_status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "planned": self._settings.mode.value,
            "reached": bool(self.status),
            "paused": sorted(self._paused),
            "isolated": self._isolated if self._settings.isolated is None else self._settings.isolated,
            "isolated_by_settings": self._settings.isolated is not None,
            **self.status,
        }

    async def pause(self, asked: NetworkPause) -> dict[str, Any]:
        """The device reaches nothing while it is paused; that survives a restart."""
        device = self._core.inventory.get(asked.device)
        if device is None or device.mac is None:
            raise Refused("box.only-device-whose", "device")
        async with self._choosing:
            before = self._paused
            await self._store_paused(before | {device.mac} if asked.paused else before - {device.mac})
            try:
                await self._put_in_force()
            except TelltaleError:
                await self._store_paused(before)
                raise
            return {"paused": sorted(self._paused)}

    async def isolate(self, asked: NetworkIsolate) -> dict[str, Any]:
        """Devices of this network are kept from each other, or not; that survives a restart."""
        if self._settings.isolated is not None:
            raise Refused("box.isolation-in-settings", "isolated")
        async with self._choosing:
            before = self._isolated
            await self._store_isolated(asked.isolated)
            try:
                await self._put_in_force()
            except TelltaleError:
                await self._store_isolated(before)
                raise
            return {"isolated": self._isolated}

    async def apply(self, asked: NetworkApply) -> dict[str, Any]:
        """Puts the settings of this run in force now, or with `dry_run` tells what that would do."""
        if asked.dry_run:
            said = await self._caller.call("apply", plan=to_json(await self._make_plan()), dry_run=True)
            return {"text": str(said["text"])}
        await self._put_in_force()
        return self.tell_status({})

    async def clear(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Takes the network away, until `apply` or the next start."""
        async with self._changing:
            self._wanted = False
            await self._caller.call("clear")
            self.plan = None
        return {}

    async def join(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """How to join the Wi-Fi; null parts without an access point. For who may see the passphrase."""
        plan = self.plan or await self._make_plan()
        if plan.access_point is None:
            return {"ssid": None, "passphrase": None, "uri": None, "svg": None}
        from gateway.network.join import join_picture, join_uri

        point = plan.access_point
        uri = join_uri(point.ssid, point.passphrase)
        return {"ssid": point.ssid, "passphrase": point.passphrase, "uri": uri, "svg": join_picture(uri)}

    async def _store_paused(self, paused: frozenset[Mac]) -> None:
        """What is to be in force from now on. Raises SettingsError when it cannot be stored; then nothing changes."""
        await _store(self._paused_file, sorted(paused))
        self._paused = paused

    async def _store_isolated(self, isolated: bool) -> None:
        """As `_store_paused`."""
        await _store(self._isolated_file, isolated)
        self._isolated = isolated

    async def _put_in_force(self) -> None:
        async with self._changing:
            plan = await self._make_plan()
            self.status = await self._caller.call("apply", plan=to_json(plan))
            self.plan, self._wanted = plan, True

    async def _make_plan(self) -> NetworkPlan:
        said = await self._caller.call("links")
        links = [each for each in said.get("links", []) if isinstance(each, dict)]
        uplink = next((str(each["name"]) for each in links if each.get("uplink")), "")
        taken = [network for each in links if each.get("name") != self._settings.bridge for network in _networks(each)]
        try:
            own = await asyncio.to_thread(own_network, self._core.settings.own_network, taken)
            return plan_network(
                self._settings,
                own,
                uplink=uplink,
                dns_port=_port(self._core.listening),
                web_port=self._core.settings.web.port or 80,
                resolvers=self._resolvers,
                paused=self._paused,
                isolated=self._isolated,
            )
        except SettingsError as error:
            raise Refused.like(error) from None

    async def _look(self) -> None:
        self.status = status = await self._caller.call("status")
        if status.get("mode") != self._settings.mode.value and self._settings.mode is not Mode.DNS_ONLY:
            self.plan = None
        for part in status.get("health", []):
            self._report(
                f"network {part['part']}", bool(part["healthy"]), Notice(str(part["code"]), **part["arguments"])
            )
        self._report("network", True, Notice("box.network-process-answers"))
        events = self._core.events
        if events.attempts_met:
            said = await self._caller.call("attempts")
            if attempts := [from_json(Attempt, each, "attempt") for each in said["attempts"]]:
                events.attempts_met(attempts)
        if events.flows_counted:
            said = await self._caller.call("flows")
            if flows := [from_json(FlowCount, each, "flow") for each in said["flows"]]:
                try:
                    # What was looked up just before they began is on its way through the journal's thread.
                    await asyncio.sleep(_GATHERED)
                finally:
                    events.flows_counted(flows)

    def _take(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            self._core.inventory.take_lease(lease)
        domain, static = self._settings.domain, self._settings.static
        self._core.events.leases_named(domain, lease_names(domain, leases, static))
        self._core.events.clients_forgotten()

    def _report(self, part: str, healthy: bool, notice: Notice) -> None:
        self._core.health.report(HealthChanged(part, healthy, notice))


def lease_names(
    domain: str, leases: Sequence[Lease], static: Sequence[StaticLease] = ()
) -> dict[str, tuple[Address, ...]]:
    """Names of devices in DNS. A name that the owner gives wins over what a device calls itself; of two devices with
    one name the later gets the end of its MAC address behind it.
    """
    given = {each.mac: each.name for each in static if each.name}
    owners = {f"{name}.{domain}": mac for mac, name in given.items()}
    found: dict[str, tuple[Address, ...]] = {}
    for lease in leases:
        host = given.get(lease.mac) or lease.host
        if not host or host in NOT_NAMES:
            continue
        name = f"{host}.{domain}"
        if owners.setdefault(name, lease.mac) != lease.mac:
            name = f"{host[:58]}-{lease.mac[-5:].replace(':', '')}.{domain}"
            if owners.setdefault(name, lease.mac) != lease.mac:
                continue
        found[name] = (*found.get(name, ()), lease.address)
    return found


def _networks(link: Mapping[str, Any]) -> list[IPv4Network]:
    found = []
    for text in link.get("addresses", []):
        try:
            found.append(IPv4Interface(text).network)
        except ValueError:
            continue
    return found


def _port(listening: Sequence[str]) -> int:
    """Where the resolver can be reached from another machine."""
    for address in listening:
        host, _, port = address.rpartition(":")
        if not host.startswith(("127.", "[::1]")):
            return int(port)
    raise Refused("box.dns-listens-machine")


async def _store(path: Path, choice: object) -> None:
    try:
        await asyncio.to_thread(write_atomically, path, [json.dumps(choice).encode()])
    except OSError as error:
        raise SettingsError("box.choice-not-stored", strerror=error.strerror or error) from None


def _read_paused(path: Path) -> frozenset[Mac]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return frozenset()
    return frozenset(mac for each in value if (mac := Mac.read(each))) if isinstance(value, list) else frozenset()


def _read_isolated(path: Path) -> bool:
    try:
        return json.loads(path.read_bytes()) is True
    except (OSError, ValueError):
        return False
