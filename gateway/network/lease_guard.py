"""Watches who asks for addresses, and has the firewall shut whoever asks for too many. On one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress

from gateway.catalogue.sentences import Notice
from gateway.errors import NetworkError
from gateway.linux.packet_tap import PacketTap
from gateway.model.mac import Mac
from gateway.model.network import NetworkPlan
from gateway.network.between import SHUT_SECONDS, own_ports, share_of_port
from gateway.network.lease_shares import Excess, LeaseShares, parse_request

_DHCP = 67
_BATCH = 256
_PAUSE = 0.05
_AGAIN = 60.0
_TENANTS_EVERY = 10.0
Shut = Callable[[Iterable[Mac], Iterable[str], Iterable[Mac]], Awaitable[None]]


class LeaseGuard:
    """`plan` is what stands, `tenants` are who has an address; `shut` has stations, and ports but for these tenants,
    get none for an hour; `report` hears what a person should know.
    """

    def __init__(
        self,
        plan: Callable[[], NetworkPlan | None],
        tenants: Callable[[], Collection[Mac]],
        shut: Shut,
        report: Callable[[str, bool, Notice], None],
    ) -> None:
        self._plan, self._tenants, self._shut, self._report = plan, tenants, shut, report
        self._judged_by: NetworkPlan | None = None
        self._shares = LeaseShares(0, 0.0)
        self._until: dict[Excess, float] = {}
        self._known: frozenset[Mac] = frozenset()
        self._look_again = 0.0

    async def run(self) -> None:
        """Until cancelled. Without the right to look, nobody is stopped, and that is said."""
        while True:
            try:
                tap = PacketTap(_DHCP)
            except OSError as error:
                self._report("leases", False, Notice("network.leases-unwatched", strerror=error.strerror))
                await asyncio.sleep(_AGAIN)
                continue
            try:
                await self._watch(tap)
            finally:
                tap.close()

    async def _watch(self, tap: PacketTap) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    await _readable(tap)
            now = time.monotonic()
            found = self._judge(tap.frames(_BATCH), now)
            if found or now >= self._look_again:
                await self._act(found)
            self._forget(time.monotonic())
            # A flood is looked at in handfuls, and costs no more than these.
            await asyncio.sleep(_PAUSE)

    def _judge(self, frames: list[tuple[str, bytes]], now: float) -> list[Excess]:
        plan = self._plan()
        if plan is None or plan.tv is None:
            return []
        if self._judged_by is None or self._judged_by.tv != plan.tv or own_ports(self._judged_by) != own_ports(plan):
            self._shares = LeaseShares(share_of_port(plan), plan.tv.lease_seconds)
        self._judged_by = plan
        found: dict[Excess, None] = {}
        for port, frame in frames:
            request = parse_request(frame) if port in own_ports(plan) else None
            excess = self._shares.saw(port, request, now) if request else None
            if excess is not None and excess not in self._until:
                found[excess] = None
        return list(found)

    async def _act(self, found: list[Excess]) -> None:
        self._look_again = time.monotonic() + _TENANTS_EVERY
        tenants = frozenset(self._tenants())
        plan = self._plan()
        if plan is None or plan.tv is None or (not found and tenants == self._known):
            return
        stations = [each.station for each in found if each.station is not None]
        ports = [each.port for each in found if each.station is None]
        try:
            await self._shut(stations, ports, tenants)
        except NetworkError as error:
            self._report("leases", False, error.notice)
            return
        self._known = tenants
        end = time.monotonic() + SHUT_SECONDS
        for each in found:
            self._until[each] = end
            self._report("leases", False, _words(each))

    def _forget(self, now: float) -> None:
        over = [each for each, end in self._until.items() if end <= now]
        for each in over:
            del self._until[each]
        if over and not self._until:
            self._report("leases", True, Notice("network.leases-shared"))


def _words(excess: Excess) -> Notice:
    if excess.station is None:
        return Notice("network.port-asks-too-much", port=excess.port, most=excess.most)
    return Notice("network.station-asks-too-much", station=excess.station, port=excess.port, most=excess.most)


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _readable(tap: PacketTap) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(tap.fileno(), _tell, ready)
    try:
        await ready
    finally:
        loop.remove_reader(tap.fileno())
