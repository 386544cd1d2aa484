"""Who asks for too many addresses is shut, and named; with a scripted kernel on both sides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import replace
from typing import Any

import pytest

from gateway.catalogue.sentences import Notice
from gateway.errors import NetworkError
from gateway.model.mac import Mac
from gateway.model.network import NetworkPlan
from gateway.network import lease_guard
from gateway.network.lease_guard import LeaseGuard
from tests.netns.dhcp_flood import frame, message
from tests.support.waiting import wait_until_async
from tests.unit.network.plans import plan_with

TV = Mac("cc:6d:a0:11:22:33")


class Kernel:
    """Frames come in by `hear`; what is shut is written down."""

    def __init__(self) -> None:
        self.plan: NetworkPlan | None = plan_with()
        self.tenants: list[Mac] = []
        self.shut: list[tuple[list[Mac], list[str], frozenset[Mac]]] = []
        self.said: list[tuple[bool, str, dict[str, Any]]] = []
        self.fails = False
        self._frames: list[tuple[str, bytes]] = []
        self._bell, self._ring = socket.socketpair()

    def hear(self, port: str, *clients: int, station: bytes | None = None) -> None:
        for number in clients:
            client = b"\x02\xba" + number.to_bytes(4, "big")
            self._frames.append((port, frame(station or client, message(1, number, client, number, named=False))))
        self._ring.send(b"x")

    def tap(self, port: int) -> Kernel:
        assert port == 67
        return self

    def fileno(self) -> int:
        return self._bell.fileno()

    def frames(self, most: int) -> list[tuple[str, bytes]]:
        self._bell.recv(64)
        found, self._frames = self._frames[:most], self._frames[most:]
        return found

    def close(self) -> None:
        self._bell.close()
        self._ring.close()

    async def do_shut(self, stations: Iterable[Mac], ports: Iterable[str], tenants: Collection[Mac]) -> None:
        if self.fails:
            raise NetworkError("network.no-firewall-force")
        self.shut.append((list(stations), list(ports), frozenset(tenants)))

    def report(self, part: str, healthy: bool, notice: Notice) -> None:
        assert part == "leases"
        self.said.append((healthy, notice.code, dict(notice.arguments)))


def play(monkeypatch: pytest.MonkeyPatch, story: Callable[[Kernel], Coroutine[Any, Any, None]]) -> None:
    monkeypatch.setattr(lease_guard, "_PAUSE", 0.0)

    async def run() -> None:
        kernel = Kernel()
        monkeypatch.setattr(lease_guard, "PacketTap", kernel.tap)
        guard = LeaseGuard(lambda: kernel.plan, lambda: kernel.tenants, kernel.do_shut, kernel.report)
        task = asyncio.create_task(guard.run())
        try:
            await story(kernel)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            kernel.close()

    asyncio.run(run())


def test_a_port_that_asks_for_more_than_its_share_is_shut_but_for_its_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(kernel: Kernel) -> None:
        kernel.tenants = [TV]
        kernel.hear("eth1", *range(50))
        await wait_until_async(lambda: kernel.shut)
        assert kernel.shut == [([], [], frozenset({TV}))], "a share is 50; who has an address is known to the kernel"
        kernel.hear("eth1", 1, 50)
        await wait_until_async(lambda: len(kernel.shut) == 2)
        assert kernel.shut[1] == ([], ["eth1"], frozenset({TV}))
        assert kernel.said == [(False, "network.port-asks-too-much", {"port": "eth1", "most": 50})]
        kernel.hear("eth1", 51, 52)
        kernel.hear("eth0", *range(200))
        kernel.hear("eth1", 300, 301, 302, 303, 304, 305, 306, 307, 308, station=b"\xcc\x6d\xa0\x11\x22\x33")
        await wait_until_async(lambda: len(kernel.shut) == 3)
        assert kernel.shut[2] == ([TV], [], frozenset({TV})), "once for a port, and never for the home's own"
        assert kernel.said[-1][1:] == ("network.station-asks-too-much", {"station": TV, "port": "eth1", "most": 8})

    play(monkeypatch, story)


def test_after_an_hour_all_is_said_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_guard, "SHUT_SECONDS", 0)

    async def story(kernel: Kernel) -> None:
        kernel.hear("eth1", *range(51))
        await wait_until_async(lambda: len(kernel.said) == 2)
        assert kernel.said[1] == (True, "network.leases-shared", {})

    play(monkeypatch, story)


def test_a_plan_without_televisions_has_nobody_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(kernel: Kernel) -> None:
        kept = kernel.plan
        assert kept is not None
        for plan in (None, replace(kept, tv=None)):
            kernel.plan = plan
            kernel.hear("eth1", *range(60))
            await wait_until_async(lambda: not kernel._frames)
        kernel.plan = kept
        kernel.hear("eth1", *range(51))
        await wait_until_async(lambda: kernel.shut)
        assert [ports for _, ports, _ in kernel.shut] == [["eth1"]]

    play(monkeypatch, story)


def test_a_firewall_that_refuses_is_said_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(kernel: Kernel) -> None:
        kernel.fails = True
        kernel.hear("eth1", *range(51))
        await wait_until_async(lambda: kernel.said)
        assert kernel.said[0][:2] == (False, "network.no-firewall-force")
        kernel.fails = False
        kernel.hear("eth1", 51)
        await wait_until_async(lambda: kernel.shut)
        assert kernel.shut[0][1] == ["eth1"]

    play(monkeypatch, story)


def test_without_the_right_to_look_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(kernel: Kernel) -> None:
        await wait_until_async(lambda: kernel.said)
        assert kernel.said == [(False, "network.leases-unwatched", {"strerror": "Operation not permitted"})]

    def refused(self: Kernel, port: int) -> Kernel:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Kernel, "tap", refused)
    play(monkeypatch, story)
