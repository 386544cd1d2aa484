"""The verbs of the network process: the few things it does for the resolver, and what it does by itself.

It brings the last plan back after a reboot without waiting for anybody, keeps hostapd and dnsmasq running, and lets DNS
past a resolver that has died: a television must work whatever else is broken.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from gateway.catalogue.sentences import Notice
from gateway.errors import NetworkError, Refused
from gateway.files import remove, write_atomically
from gateway.model.address import Address
from gateway.model.mac import Mac
from gateway.model.network import AccessPoint, Mode, NetworkPlan
from gateway.network.builder import Builder
from gateway.network.heartbeat import Heartbeat
from gateway.network.lease_book import LeaseBook
from gateway.network.lease_guard import LeaseGuard
from gateway.network.links import link_to_json
from gateway.schema.values import MOST, from_json, to_json

log = logging.getLogger(__name__)

_TICK = 0.25
_HEALTH_EVERY = 20
_RETRY_EVERY = 5.0
_LONGEST_WAIT = 20.0
_T = TypeVar("_T")
Verb = Callable[[Mapping[str, Any]], Any]


class NetworkService:
    """On one event loop; whatever waits runs in one thread beside it, so never two things at once.

    `state` keeps the plan and the leases over a reboot. `close` leaves the network as it is.
    """

    def __init__(self, builder: Builder, state: Path) -> None:
        self.leases = LeaseBook(state / "leases.json")
        self.heartbeat = Heartbeat(self._resolver, self._resolver_changed)
        self._builder = builder
        self._stored = state / "plan.json"
        self._thread = ThreadPoolExecutor(1, "network")
        self._changing = asyncio.Lock()
        self._filtering = True
        self._health: dict[str, tuple[bool, Notice]] = {}

    def table(self) -> dict[str, Verb]:
        """Verb to method."""
        return {
            "apply": self.apply,
            "clear": self.clear,
            "status": self.status,
            "links": self.links,
            "attempts": self.attempts,
            "flows": self.flows,
            "counters": self.counters,
            "cut": self.cut,
            "mend": self.mend,
            "stations": self.stations,
            "leases": self.tell_leases,
        }

    async def run(self) -> None:
        """Until cancelled: brings the stored plan back, then watches."""
        guard = LeaseGuard(lambda: self._builder.plan, self._tenants, self._shut, self._report)
        await asyncio.gather(self._restore(), self._keep_children(), self.heartbeat.run(), guard.run())

    def close(self) -> None:
        """Lets go; the network stays."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._builder.firewall.close()

    async def apply(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """`plan`, and `dry_run` to learn only what would be done."""
        plan = from_json(NetworkPlan, arguments.get("plan"), "plan")
        async with self._changing:
            try:
                if arguments.get("dry_run") is True:
                    return {"text": await self._blocking(lambda: self._builder.rehearse(plan))}
                if plan != self._builder.plan or not await self._blocking(self._stands):
                    await self._blocking(lambda: self._builder.apply(plan))
            except NetworkError as error:
                raise Refused.saying(str(error), "plan") from None
            self._store(plan)
            self._filtering = True
            self._report("network", True, Notice("network.network-televisions-stands"))
            if plan.access_point is not None:
                self._judge_isolation(plan.access_point)
            if not self.heartbeat.answers:
                await self._let_past()
        return await self.status({})

    async def clear(self, _: Mapping[str, Any]) -> dict[str, Any]:
        async with self._changing:
            stored = self._stored_plan()
            await self._blocking(lambda: self._builder.clear(stored))
            remove(self._stored)
            self.leases.clear()
            self._health.clear()
            self._filtering = True
        return {}

    async def status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        plan = self._builder.plan
        return {
            "mode": plan.mode.value if plan else None,
            "filtering": self._filtering,
            "resolver_answers": self.heartbeat.answers,
            "access_point": None
            if plan is None or plan.access_point is None
            else {"ssid": plan.access_point.ssid, "interface": plan.access_point.interface},
            "leases": len(self.leases.all()),
            "restarts": {child.name: child.restarts for child in (self._builder.hostapd, self._builder.dnsmasq)},
            "notes": [*getattr(self._builder.firewall, "notes", ()), *self._notes_on_air()],
            "health": [
                # A copy: the thread that looks after the network may add a part.
                {"part": part, "healthy": healthy, "code": notice.code, "arguments": notice.arguments}
                for part, (healthy, notice) in list(self._health.items())
            ],
        }

    async def links(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"links": [link_to_json(link) for link in await self._blocking(self._builder.links)]}

    async def attempts(self, _: Mapping[str, Any]) -> dict[str, Any]:
        found = await self._blocking(self._builder.firewall.attempts)
        return {"attempts": [to_json(each) for each in found]}

    async def flows(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"flows": [to_json(each) for each in await self._blocking(self._builder.firewall.flows)]}

    async def counters(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"counters": await self._blocking(self._builder.firewall.counters)}

    async def cut(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        clients, servers = _addresses(arguments, "clients"), _addresses(arguments, "servers")
        seconds = arguments.get("seconds", 3600)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= 86_400:
            raise Refused("network.cut-lasts-second-day", "seconds")
        return {"cut": await self._blocking(lambda: self._builder.firewall.cut(clients, servers, float(seconds)))}

    async def mend(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        clients, servers = _addresses(arguments, "clients"), _addresses(arguments, "servers")
        await self._blocking(lambda: self._builder.firewall.mend(clients, servers))
        return {}

    async def stations(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"stations": [to_json(each) for each in await self._blocking(self._builder.stations)]}

    async def tell_leases(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """All of them, as soon as there is something newer than `after`, or after `wait` seconds."""
        after, wait = arguments.get("after", 0), arguments.get("wait", 0)
        if isinstance(after, bool) or not isinstance(after, int) or not isinstance(wait, int | float):
            raise Refused("network.after-wait-numbers", "after")
        await self.leases.wait(after, min(max(float(wait), 0.0), _LONGEST_WAIT))
        return {"sequence": self.leases.sequence, "leases": [to_json(each) for each in self.leases.all()]}

    def _tenants(self) -> list[Mac]:
        plan = self._builder.plan
        fixed = plan.tv.static if plan is not None and plan.tv is not None else ()
        return [*(lease.mac for lease in self.leases.all()), *(lease.mac for lease in fixed)]

    async def _shut(self, stations: Iterable[Mac], ports: Iterable[str], tenants: Iterable[Mac]) -> None:
        async with self._changing:
            await self._blocking(lambda: self._builder.firewall.shut(stations, ports, tenants))

    def _resolver(self) -> tuple[str, int] | None:
        plan = self._builder.plan
        if plan is None or plan.tv is None:
            return None
        return str(plan.tv.address.ip), plan.barrier.dns_port

    async def _resolver_changed(self, answers: bool) -> None:
        async with self._changing:
            if not answers:
                await self._let_past()
                return
            try:
                await self._blocking(lambda: self._builder.filter(True))
            except NetworkError as error:
                self._report("filtering", False, Notice("network.filtering-cannot-switched", error=error))
                return
            self._filtering = True
            self._report("filtering", True, Notice("network.televisions-filtered"))

    async def _let_past(self) -> None:
        plan = self._builder.plan
        if plan is None or not plan.barrier.fallback:
            self._report("filtering", False, Notice("network.dns-down-televisions"))
            return
        try:
            await self._blocking(lambda: self._builder.filter(False))
        except NetworkError as error:
            self._report("filtering", False, Notice("network.dns-down-televisions-cannot", error=error))
            return
        self._filtering = False
        self._report("filtering", False, Notice("network.filtering-off-telltale"))

    async def _restore(self) -> None:
        self.heartbeat.expect()
        while self._builder.plan is None:
            try:
                async with self._changing:
                    # Looked at only now: it may have been cleared, or set anew, while this waited.
                    plan = self._stored_plan()
                    if plan is None:
                        return
                    if self._builder.plan is None:
                        await self._blocking(partial(self._builder.apply, plan, patient=True))
                self._report("network", True, Notice("network.network-televisions-stands"))
            except NetworkError as error:
                self._report("network", False, error.notice)
                await asyncio.sleep(_RETRY_EVERY)

    async def _keep_children(self) -> None:
        ticks = 0
        while True:
            await self._blocking(self._builder.tick)
            if ticks % _HEALTH_EVERY == 0:
                await self._blocking(self._look_after)
                async with self._changing:
                    await self._blocking(self._keep_firewall)
            ticks += 1
            await asyncio.sleep(_TICK)

    def _look_after(self) -> None:
        plan = self._builder.plan
        if plan is None or plan.mode is Mode.DNS_ONLY:
            return
        running = self._builder.dnsmasq.pid != 0
        said = self._builder.dnsmasq.lines[-1][:200] if self._builder.dnsmasq.lines else "it said nothing"
        well, ended = Notice("network.televisions-get-addresses"), Notice("network.televisions-get-no", said=said)
        self._report("dhcp", running, well if running else ended)
        if plan.access_point is not None:
            self._look_at_air(plan.access_point)

    def _look_at_air(self, point: AccessPoint) -> None:
        trouble = self._builder.trouble_on_air()
        well = Notice("network.wi-fi-air")
        try:
            self._builder.keep_air(point)
        except NetworkError as error:
            trouble = trouble or str(error)
        self._report("wifi", trouble is None, Notice("network.wifi-trouble", trouble=trouble) if trouble else well)
        self._judge_isolation(point)

    def _judge_isolation(self, point: AccessPoint) -> None:
        if point.isolated and self._builder.hands_on_by_itself:
            self._report("isolation", False, Notice("network.radio-cannot-isolate"))
        elif "isolation" in self._health:
            self._report("isolation", True, Notice("network.radio-isolates"))

    def _notes_on_air(self) -> list[str]:
        plan = self._builder.plan
        if plan is None or plan.access_point is None or not self._builder.hands_on_by_itself:
            return []
        return [str(Notice("network.radio-hands-on"))]

    def _keep_firewall(self) -> None:
        """Whoever loads other rules (`nft flush ruleset`, a firewall service that starts late) takes ours along."""
        plan = self._builder.plan
        if plan is None or plan.tv is None or plan.mode is Mode.DNS_ONLY:
            return
        self._look_for_others(plan.tv.interface)
        if self._builder.firewall.is_in_force():
            return
        self._report("firewall", False, Notice("network.something-else-took"))
        try:
            self._builder.filter(self._filtering)
        except NetworkError as error:
            self._report("firewall", False, Notice("network.firewall-s-rules-taken", error=error))
            return
        self._report("firewall", True, Notice("network.firewall-s-rules"))

    def _look_for_others(self, interface: str) -> None:
        """A firewall that drops what it does not know (Docker's, ufw's) has the last word, whatever ours accepts."""
        try:
            others = self._builder.firewall.droppers(interface)
        except NetworkError:
            return
        if others:
            self._report(
                "forwarding",
                False,
                Notice("network.another-firewall-here", others=f"{others[0]}", interface=interface),
            )
        elif "forwarding" in self._health:
            self._report("forwarding", True, Notice("network.no-other-firewall"))

    def _stands(self) -> bool:
        children = [self._builder.dnsmasq, self._builder.hostapd]
        return all(child.pid for child in children if child.wanted) and self._filtering

    def _report(self, part: str, healthy: bool, notice: Notice) -> None:
        if self._health.get(part) != (healthy, notice):
            if not healthy:
                log.warning("%s: %s", part, notice)
            self._health[part] = (healthy, notice)

    def _store(self, plan: NetworkPlan) -> None:
        try:
            write_atomically(self._stored, [json.dumps(to_json(plan)).encode()], 0o600)
        except OSError as error:
            unkept = Notice("network.plan-network-cannot", strerror=error.strerror)
            self._report("plan", False, unkept)

    def _stored_plan(self) -> NetworkPlan | None:
        try:
            return from_json(NetworkPlan, json.loads(self._stored.read_bytes()), "plan")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, Refused) as error:
            unusable = Notice("network.stored-plan-network", error=error)
            self._report("network", False, unusable)
            return None

    async def _blocking(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _addresses(arguments: Mapping[str, Any], key: str) -> list[Address]:
    said = arguments.get(key)
    if not isinstance(said, list) or len(said) > MOST:
        raise Refused("network.list-most-addresses", key, key=key, most=MOST)
    try:
        return [ip_address(each) for each in said if isinstance(each, str)]
    except ValueError as error:
        raise Refused("network.failed-179", key, key=key, error=error) from None
