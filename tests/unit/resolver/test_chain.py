"""What stands above what, seen by what happens when two of them have a say."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from typing import Any

import pytest

from gateway.errors import WireError
from gateway.model.lookup import LogRow
from gateway.model.response import Response, Source
from gateway.model.verdict import Reason
from gateway.resolver.options import ResolverOptions
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from tests.support.serving import Rules, rules
from tests.unit.resolver.stage import ScriptedUpstream
from tests.unit.wire.samples import query

ZONE = {
    "www.example.com": "300 A 192.0.2.1",
    "home.example.com": "300 A 192.168.1.1",
    "ads.example": "300 A 192.0.2.66",
}


class Box:
    def __init__(self, policy: Rules | None = None, **options: Any) -> None:
        self.log: deque[LogRow] = deque()
        self.upstream = ScriptedUpstream(ZONE)
        names = {"telltale.lan": (ipaddress.ip_address("192.168.7.1"),)}
        self.resolver = Resolver(
            log=LogQueue(rows=self.log),
            upstreams=[self.upstream],
            policy=policy or rules(),
            device_of=lambda client: client,
            options=ResolverOptions(local_names=names, **options),
        )

    async def ask(self, name: str, **more: Any) -> Response:
        return await self.resolver.resolve(query(name, **more))


def test_the_dashboard_cannot_be_blocked() -> None:
    async def story() -> None:
        response = await Box(rules(block=["lan", "telltale.lan"])).ask("telltale.lan")
        assert (response.source, response.verdict.reason) == (Source.LOCAL, Reason.LOCAL)

    asyncio.run(story())


def test_a_stranger_learns_nothing_not_even_local_names() -> None:
    async def story() -> None:
        box = Box()
        for name in ("telltale.lan", "www.example.com"):
            with pytest.raises(WireError):
                await box.ask(name, client="192.0.2.1")
        assert (box.upstream.asked, list(box.log)) == ([], [])

    asyncio.run(story())


def test_a_name_that_is_in_the_cache_is_blocked_at_once_and_allowed_at_once() -> None:
    async def story() -> None:
        box = Box()
        assert (await box.ask("www.example.com")).source is Source.UPSTREAM
        box.resolver.swap_policy(rules(block=["www.example.com"], generation=2))
        assert (await box.ask("www.example.com")).source is Source.POLICY
        box.resolver.swap_policy(rules(generation=3))
        assert (await box.ask("www.example.com")).source is Source.CACHE
        assert len(box.upstream.asked) == 1

    asyncio.run(story())


def test_what_is_blocked_is_never_asked_for() -> None:
    async def story() -> None:
        box = Box(rules(block=["ads.example"]))
        await box.ask("ads.example")
        assert box.upstream.asked == []

    asyncio.run(story())


def test_a_private_address_is_withheld_from_the_cache_too_until_somebody_allows_the_name() -> None:
    async def story() -> None:
        box = Box()
        for _ in range(2):
            assert (await box.ask("home.example.com")).verdict.reason is Reason.REBINDING
        box.resolver.swap_policy(rules(allow=["home.example.com"], generation=2))
        assert (await box.ask("home.example.com")).source is Source.CACHE

    asyncio.run(story())


def test_whatever_happens_is_in_the_log() -> None:
    async def story() -> None:
        box = Box(rules(block=["ads.example"]))
        for name in ("www.example.com", "www.example.com", "ads.example", "telltale.lan", "home.example.com"):
            await box.ask(name)
        box.upstream.error = OSError("a mistake")
        box.upstream.rcode = "SERVFAIL"
        await box.ask("other.example.com")
        assert [row[2].source.value for row in box.log] == ["upstream", "cache", "policy", "local", "policy", "error"]

    asyncio.run(story())
