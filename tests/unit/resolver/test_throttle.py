"""A client that asks for ever new names waits, and takes nothing from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import pytest

from gateway.errors import WireError
from gateway.model.query import Query, Transport
from gateway.model.response import Response
from gateway.resolver.options import ResolverOptions
from gateway.resolver.throttle import ClientThrottle
from gateway.wire.patch import fit
from tests.support.clock import run_simulated, simulated_now
from tests.unit.resolver.stage import Below, answer, together
from tests.unit.wire.samples import query


def throttle(
    holder_of: Callable[[str], str] = str, is_under_way: Callable[[bytes], bool] = lambda key: False, **settings: Any
) -> ClientThrottle:
    values = {"rate": 10.0, "burst": 5, "patience": 1.0, "slip": 0} | settings
    options = ResolverOptions(**{f"client_{name}": value for name, value in values.items()})
    return ClientThrottle(options, clock=simulated_now, is_under_way=is_under_way, holder_of=holder_of)


def below() -> Below:
    return Below(lambda asked: answer(asked, f"{asked.name.text}. 60 A 192.0.2.1"))


async def outcome(link: ClientThrottle, asked: Query, rest: Below) -> tuple[float, str]:
    """After how many seconds there was an answer, or silence."""
    began = simulated_now()
    try:
        response: Response = await link.resolve(asked, rest)
    except WireError as error:
        return simulated_now() - began, "silence" if error.rcode is None else f"rcode {error.rcode}"
    return simulated_now() - began, "TC" if response.wire[2] & 2 else "answer"


async def flood(link: ClientThrottle, count: int, rest: Below, client: str = "192.168.7.20") -> list[tuple[float, str]]:
    return await together(*(outcome(link, query(f"n{n}.example", client=client), rest) for n in range(count)))


def test_a_burst_passes_and_what_follows_waits() -> None:
    async def story() -> None:
        results = await flood(throttle(), 10, below())
        assert [said for _, said in results] == ["answer"] * 10
        assert [round(waited, 3) for waited, _ in results] == [0.0] * 5 + [0.1, 0.2, 0.3, 0.4, 0.5]

    run_simulated(story())


def test_what_would_wait_too_long_is_dropped_and_never_refused() -> None:
    async def story() -> None:
        link, rest = throttle(), below()
        results = await flood(link, 100, rest)
        assert [said for _, said in results] == ["answer"] * 15 + ["silence"] * 85
        assert (link.slowed, link.dropped, len(rest.asked)) == (10, 85, 15)

    run_simulated(story())


def test_the_others_notice_nothing() -> None:
    async def story() -> None:
        link, rest = throttle(), below()
        _, other = await together(flood(link, 100, rest), flood(link, 5, rest, "192.168.7.21"))
        assert other == [(0.0, "answer")] * 5

    run_simulated(story())


def test_who_was_quiet_may_burst_again() -> None:
    async def story() -> None:
        link, rest = throttle(), below()
        await flood(link, 5, rest)
        await asyncio.sleep(10)
        assert await flood(link, 5, rest) == [(0.0, "answer")] * 5

    run_simulated(story())


def test_a_question_that_is_under_way_already_is_free() -> None:
    async def story() -> None:
        link = throttle(is_under_way=lambda key: key.startswith(b"\x04busy"))
        rest = below()
        await flood(link, 100, rest)
        assert await outcome(link, query("busy.example"), rest) == (0.0, "answer")

    run_simulated(story())


def test_over_tcp_everybody_only_waits() -> None:
    async def story() -> None:
        link = throttle()
        asked = [query(f"n{n}.example", transport=Transport.TCP) for n in range(50)]
        results = await together(*(outcome(link, one, below()) for one in asked))
        assert {said for _, said in results} == {"answer"}
        assert round(results[-1][0], 3) == 4.5

    run_simulated(story())


def test_with_slip_some_of_the_dropped_are_led_to_tcp() -> None:
    async def story() -> None:
        results = await flood(throttle(slip=3), 45, below())
        assert [said for _, said in results].count("TC") == 10
        asked = query("tv.example", edns=1232)
        link = throttle(slip=1, burst=0, patience=0.0)
        reply = dns.message.from_wire(fit((await link.resolve(asked, below())).wire, asked))
        assert reply.flags & dns.flags.TC
        assert (reply.rcode(), reply.answer) == (0, [])

    run_simulated(story())


@pytest.mark.parametrize(("client", "rate"), [("127.0.0.1", 10.0), ("::1", 10.0), ("192.168.7.20", 0.0)])
def test_this_machine_is_not_limited_and_a_rate_of_nothing_is_no_limit(client: str, rate: float) -> None:
    async def story() -> None:
        assert await flood(throttle(rate=rate), 500, below(), client) == [(0.0, "answer")] * 500

    run_simulated(story())


@pytest.mark.slow
def test_forged_senders_fill_no_memory() -> None:
    async def story() -> None:
        link, rest = throttle(), below()
        for n in range(10_000):
            await link.resolve(query("tv.example", client=f"10.0.{n >> 8}.{n & 255}"), rest)
        assert len(link) == 4_096

    run_simulated(story())


def test_many_addresses_of_one_device_share_a_bucket() -> None:
    async def story() -> None:
        link, rest = throttle(holder_of=lambda client: "the same television"), below()
        asked = [outcome(link, query(f"n{n}.example", client=f"192.168.7.{n}"), rest) for n in range(100)]
        results = await together(*asked)
        assert [said for _, said in results] == ["answer"] * 15 + ["silence"] * 85

    run_simulated(story())
