"""Simulated time passes only while everybody waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.clock import run_simulated, simulated_now


def test_a_week_passes_at_once() -> None:
    async def story() -> float:
        await asyncio.sleep(604_800)
        return simulated_now()

    assert run_simulated(story()) == pytest.approx(604_800)


def test_sleepers_wake_in_order() -> None:
    async def story() -> list[tuple[str, float]]:
        woken: list[tuple[str, float]] = []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append((name, simulated_now()))

        await asyncio.gather(sleeper("late", 20), sleeper("early", 10))
        return woken

    assert run_simulated(story()) == [("early", pytest.approx(10)), ("late", pytest.approx(20))]


def test_waiting_for_nothing_fails() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="nothing will ever happen"):
        run_simulated(story())
