"""Keeps what is cut off true to the policy in force: a click is felt at once, and so is taking it back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Protocol, TypeAlias

from gateway.control.caller import Caller
from gateway.errors import TelltaleError
from gateway.exposure.resolved import ResolvedNames
from gateway.model.address import Address
from gateway.model.policy import Policy

log = logging.getLogger(__name__)

Cut: TypeAlias = Callable[[Iterable[Address], Iterable[Address], float], Awaitable[object]]
Mend: TypeAlias = Callable[[Iterable[Address], Iterable[Address]], Awaitable[object]]

_SECONDS = 600.0
# Connections to what was given longer ago have ended, or were explained by something newer.
_RECENT = 3_600.0


class CutKeeper(Protocol):
    """What accounts need of whoever cuts: see `Cuts`, and `NoCuts` for a home where nothing can be cut."""

    @property
    def counters(self) -> Counter[str]: ...

    def policy_changed(self, policy: Policy) -> None: ...

    def look(self, device: str, addresses: Iterable[bytes] = ()) -> None: ...

    def concern(self, device: str, name: str, addresses: Iterable[bytes]) -> bool: ...

    def blocks(self, device: str, address: bytes) -> bool: ...

    async def settle(self) -> None: ...


class NoCuts:
    """Where another box makes the network nothing can be cut."""

    @property
    def counters(self) -> Counter[str]:
        return Counter()

    def policy_changed(self, policy: Policy) -> None:
        pass

    def look(self, device: str, addresses: Iterable[bytes] = ()) -> None:
        pass

    def concern(self, device: str, name: str, addresses: Iterable[bytes]) -> bool:
        return False

    def blocks(self, device: str, address: bytes) -> bool:
        return False

    async def settle(self) -> None:
        pass


class FlowCutter:
    """Asks the network process to end what goes on, and to take that back. Raises ControlError."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def cut(self, clients: Iterable[Address], servers: Iterable[Address], seconds: float) -> int:
        """Ends what goes on between them for so many seconds; how many flows ended."""
        said = await self._caller.call("cut", clients=_texts(clients), servers=_texts(servers), seconds=seconds)
        return int(said["cut"])

    async def mend(self, clients: Iterable[Address], servers: Iterable[Address]) -> None:
        """Takes a cut back."""
        await self._caller.call("mend", clients=_texts(clients), servers=_texts(servers))


def _texts(addresses: Iterable[Address]) -> list[str]:
    return [str(each) for each in addresses]


class Cuts:
    """One task does all of it, a device at a time, so that of two clicks the later one stays.

    `clients_of` gives the addresses of a device; `cut` ends flows between clients and servers for so many seconds,
    `mend` takes that back. Only addresses that no allowed name explains are cut. `blocks` may be asked in any thread,
    everything else belongs to the loop.
    """

    def __init__(
        self, resolved: ResolvedNames, clients_of: Callable[[str], Sequence[Address]], cut: Cut, mend: Mend
    ) -> None:
        self.counters: Counter[str] = Counter(cuts=0)
        self._resolved, self._clients_of = resolved, clients_of
        self._cut, self._mend = cut, mend
        self._policy: Policy | None = None
        # For each device what is cut, and until when by a clock that nobody sets: as the kernel counts.
        self._active: dict[str, dict[bytes, float]] = {}
        self._due: dict[str, set[bytes]] = {}
        self._task: asyncio.Task[None] | None = None

    def policy_changed(self, policy: Policy) -> None:
        """Looks at every device anew."""
        self._policy = policy
        for device in {*self._resolved.devices(), *self._active}:
            self.look(device)

    def look(self, device: str, addresses: Iterable[bytes] = ()) -> None:
        """Looks at one device anew, and at these addresses of it, however long ago it was given them."""
        self._due.setdefault(device, set()).update(addresses)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    def concern(self, device: str, name: str, addresses: Iterable[bytes]) -> bool:
        """True when an answer that the device was given changes something: its name is blocked by now, or an allowed
        name proves to live where something is cut.
        """
        policy, active = self._policy, self._active.get(device)
        if policy is None:
            return False
        return policy.foresee(name, device).blocked or bool(active and not active.keys().isdisjoint(addresses))

    def blocks(self, device: str, address: bytes) -> bool:
        """True when every name that explains the address is blocked."""
        policy, names = self._policy, self._resolved.names_of(device, address)
        return policy is not None and bool(names) and all(policy.foresee(name, device).blocked for name in names)

    async def settle(self) -> None:
        """Returns when nothing is under way any more."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while self._due:
            device = next(iter(self._due))
            asked = self._due.pop(device)
            try:
                await self._reconcile(device, asked)
            except TelltaleError as error:
                # The network process says itself that it is away; the next change tries again.
                log.info("what goes on cannot be ended: %s", error)

    async def _reconcile(self, device: str, asked: set[bytes]) -> None:
        now, clients = time.monotonic(), self._clients_of(device)
        active = {address: ends for address, ends in self._active.get(device, {}).items() if ends > now}
        wanted = await asyncio.to_thread(self._wanted, device, asked | active.keys(), time.time() - _RECENT)
        self._active[device] = active
        if not clients:
            return
        if new := wanted - active.keys():
            await self._cut(clients, map(ip_address, new), _SECONDS)
            active.update(dict.fromkeys(new, now + _SECONDS))
            self.counters["cuts"] += len(new)
        if over := active.keys() - wanted:
            await self._mend(clients, map(ip_address, over))
            for address in over:
                del active[address]

    def _wanted(self, device: str, asked: Iterable[bytes], since: float) -> frozenset[bytes]:
        policy = self._policy
        if policy is None:
            return frozenset()
        recent = self._resolved.only(device, since, lambda name: policy.foresee(name, device).blocked)
        return recent | {address for address in asked if self.blocks(device, address)}
