from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.model.event import HealthChanged
from gateway.resolver.upstream.member import PROBE, Member
from tests.support.clock import run_simulated, simulated_now
from tests.unit.resolver.stage import ScriptedUpstream

ZONE = {".": "60 NS a.root-servers.net."}


def test_three_failures_in_a_row_make_it_ill_and_one_answer_well() -> None:
    async def story() -> None:
        told: list[HealthChanged] = []
        member = Member(ScriptedUpstream(ZONE), told.append)
        for _ in range(2):
            member.failed(UpstreamTimeout("no answer"))
        member.answered(0.02)
        for _ in range(2):
            member.failed(UpstreamTimeout("no answer"))
        assert member.healthy
        member.failed(UpstreamTimeout("no answer"))
        assert not member.healthy
        member.failed(UpstreamTimeout("no answer"))
        assert [change.healthy for change in told] == [False]
        assert "does not answer" in told[0].says
        member.answered(0.02)
        assert [change.healthy for change in told] == [False, True]
        state = member.state()
        assert (state.healthy, state.failures, state.latency_ms, state.last_error) == (True, 0, 20.0, "no answer")

    run_simulated(story())


def test_it_is_probed_ever_less_often() -> None:
    async def story() -> None:
        upstream = ScriptedUpstream(ZONE)
        upstream.error = UpstreamError("the network is down")
        member = Member(upstream, lambda change: None)
        for _ in range(3):
            member.failed(upstream.error)
        times: list[float] = []
        seen = 0
        while len(times) < 8:
            await asyncio.sleep(0.05)
            if len(upstream.asked) > seen:
                seen = len(upstream.asked)
                times.append(simulated_now())
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert times[0] == pytest.approx(1, abs=0.1)
        assert gaps == pytest.approx([2, 4, 8, 16, 30, 30, 30], abs=0.2)
        assert set(upstream.asked) == {PROBE}
        await member.close()
        await asyncio.sleep(100)
        assert len(upstream.asked) == 8

    run_simulated(story())


def test_patience_follows_the_round_trip_within_bounds() -> None:
    async def story() -> None:
        for seconds, patience in ((0.001, 0.3), (0.1, 0.4), (1.0, 0.8)):
            member = Member(ScriptedUpstream(ZONE), lambda change: None)
            assert member.patience == 0.4
            member.answered(seconds)
            assert member.patience == pytest.approx(patience)

    run_simulated(story())
