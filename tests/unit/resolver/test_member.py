from __future__ import annotations

import asyncio
import ssl
from itertools import pairwise

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.model.event import HealthChanged
from gateway.resolver.upstream.member import PROBE, Member
from gateway.wire.question import Question
from tests.support.clock import run_simulated, simulated_now
from tests.unit.resolver.stage import ScriptedUpstream

ZONE = {".": "60 NS a.root-servers.net."}


def never(change: HealthChanged) -> None:
    raise AssertionError(change)


def test_three_failures_in_a_row_make_it_ill_and_one_answer_well() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        member = Member(ScriptedUpstream(ZONE), reported.append)
        for _ in range(2):
            member.failed(UpstreamTimeout("no answer"))
        member.answered(0.02)
        for _ in range(2):
            member.failed(UpstreamTimeout("no answer"))
        assert member.healthy
        member.failed(UpstreamTimeout("no answer"))
        assert not member.healthy
        member.failed(UpstreamTimeout("no answer"))
        assert [change.healthy for change in reported] == [False]
        assert "does not answer" in reported[0].says
        member.answered(0.02)
        assert [change.healthy for change in reported] == [False, True]
        state = member.state()
        assert (state.healthy, state.failures, state.latency_ms, state.last_error) == (True, 0, 20.0, "no answer")

    run_simulated(story())


def times_of_probes(error: UpstreamError, count: int) -> list[float]:
    times: list[float] = []

    async def story() -> None:
        upstream = ScriptedUpstream(ZONE)
        upstream.error = error
        member = Member(upstream, lambda change: None)
        for _ in range(3):
            member.failed(error)
        seen = 0
        while len(times) < count:
            await asyncio.sleep(0.05)
            if len(upstream.asked) > seen:
                seen = len(upstream.asked)
                times.append(simulated_now())
        assert set(upstream.asked) == {PROBE}
        await member.close()
        await asyncio.sleep(100)
        assert len(upstream.asked) == count

    run_simulated(story())
    return times


def test_it_is_probed_every_second_for_five_minutes_and_then_less_often() -> None:
    times = times_of_probes(UpstreamError("the network is down"), 305)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == pytest.approx(1, abs=0.1)
    assert gaps[:298] == pytest.approx([1] * 298, abs=0.1)
    assert gaps[300:] == pytest.approx([5, 5, 5, 5], abs=0.1)


def test_one_that_cannot_be_trusted_is_not_bothered_with_handshakes() -> None:
    error = UpstreamError("its certificate is refused")
    error.__cause__ = ssl.SSLCertVerificationError("expired")

    class Untrusted(ScriptedUpstream):
        async def _say(self, question: Question) -> bytes:
            raise error from error.__cause__

    async def story() -> None:
        upstream = Untrusted(ZONE)
        member = Member(upstream, lambda change: None)
        for _ in range(3):
            member.failed(error)
        await asyncio.sleep(125)
        assert len(upstream.asked) <= 10
        await member.close()

    run_simulated(story())


def test_a_recovery_is_seen_although_an_earlier_probe_still_waits() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        upstream = ScriptedUpstream(ZONE)
        member = Member(upstream, reported.append)
        upstream.delay = 60
        for _ in range(3):
            member.failed(UpstreamTimeout("no answer"))
        await asyncio.sleep(10.5)
        upstream.delay = 0.01
        await asyncio.sleep(1)
        assert [change.healthy for change in reported] == [False, True]
        await member.close()

    run_simulated(story())


def test_one_that_denies_the_root_of_all_names_lies() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        upstream = ScriptedUpstream(ZONE)
        upstream.rcode = "NXDOMAIN"
        member = Member(upstream, reported.append)
        for _ in range(8):
            member.answered(0.01, denied=True)
        await asyncio.sleep(0.1)
        assert (member.healthy, member.lies) == (False, True)
        assert "nothing exists" in reported[0].says
        member.answered(0.01, denied=True)
        await asyncio.sleep(1)
        assert not member.healthy
        upstream.rcode = None
        await asyncio.sleep(1.1)
        assert (member.healthy, member.lies) == (True, False)
        await member.close()

    run_simulated(story())


def test_many_names_that_do_not_exist_are_no_lie() -> None:
    async def story() -> None:
        upstream = ScriptedUpstream(ZONE)
        member = Member(upstream, never)
        for _ in range(500):
            member.answered(0.01, denied=True)
            await asyncio.sleep(0.01)
        assert member.healthy
        assert len(upstream.asked) == 1
        await member.close()

    run_simulated(story())


def test_one_that_refuses_everything_is_not_found_well_by_its_refusals() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        upstream = ScriptedUpstream(ZONE)
        upstream.rcode = "REFUSED"
        member = Member(upstream, reported.append)
        for _ in range(3):
            member.failed(UpstreamError("refuses"), refused=True)
        await asyncio.sleep(5)
        assert [change.healthy for change in reported] == [False]
        upstream.rcode = None
        await asyncio.sleep(1.1)
        assert [change.healthy for change in reported] == [False, True]
        await member.close()

    run_simulated(story())


def test_patience_follows_the_round_trip_within_bounds() -> None:
    async def story() -> None:
        for seconds, patience in ((0.001, 0.3), (0.1, 0.4), (1.0, 0.8)):
            member = Member(ScriptedUpstream(ZONE), lambda change: None)
            assert member.patience == 0.4
            member.answered(seconds)
            assert member.patience == pytest.approx(patience)

    run_simulated(story())
