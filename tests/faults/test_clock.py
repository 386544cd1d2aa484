"""A clock that jumps, under a running box: history stays, and what was asked for some time ends when that is over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.application import recording, timekeeping
from gateway.application.core import NO_SOCKETS, Core, open_core
from gateway.application.parts import register_all
from gateway.application.running import run
from gateway.control.caller import Caller
from gateway.errors import ControlError
from gateway.journal.reader import LookupFilter, Reader
from gateway.journal.writer import Writer
from gateway.policy import service
from gateway.policy.steady_clock import SteadyClock
from gateway.settings import Endpoint, Settings
from tests.support.tls_upstream import TimeServer
from tests.support.waiting import wait_until_async
from tests.unit.journal.home import facts, record

DAY = 86_400.0
YEAR = 365.25 * DAY


@dataclass
class Box:
    """`days` is how far its clock was set, whatever has passed."""

    core: Core
    server: TimeServer
    days: float = 0.0

    async def call(self, verb: str, **arguments: Any) -> Any:
        return await Caller(self.core.settings.control.note, "The resolver").call(verb, **arguments)

    def shown(self) -> float:
        return time.time() + self.days * DAY

    def lookups(self) -> int:
        reader = Reader(self.core.settings.journal)
        try:
            return len(reader.lookups(LookupFilter(), limit=1_000).lookups)
        finally:
            reader.close()

    async def sweeps(self, count: int = 3) -> None:
        """Until so many more have begun."""
        writer = self.core.recording.writer
        until = writer._sweeps + count
        await wait_until_async(lambda: writer._sweeps >= until)

    async def says(self, code: str) -> None:
        async def said() -> bool:
            return any(each["code"] == code for each in (await self.call("status"))["health"])

        await wait_until_async(said, code)

    async def rules(self) -> list[Any]:
        return list((await self.call("rules.list"))["rules"])

    async def is_over(self, rule: Any) -> None:
        async def gone() -> bool:
            return rule["id"] not in [each["id"] for each in await self.rules()]

        await wait_until_async(gone, "it is over")

    def seconds_left(self, rule: Any) -> float:
        return datetime.fromisoformat(rule["ends"]).timestamp() - self.shown()


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, story: Any) -> None:
    """Runs a box in which thirty-nine days of lookups lie, two a day, and which keeps thirty of them."""
    now = time.time()
    asked = [(now - n * DAY / 2, "192.168.4.2", facts("ads.example"), 0.01) for n in range(78, -1, -1)]
    record(folder / "journal.sqlite", asked)

    async def whole() -> None:
        async with TimeServer(now) as server:
            settings = Settings(data=folder, time_servers=(Endpoint(*server.address),))
            box = Box.__new__(Box)
            box.days, box.server = 0.0, server
            monkeypatch.setattr(service, "SteadyClock", partial(SteadyClock, box.shown))
            monkeypatch.setattr(recording, "Writer", partial(Writer, clock=box.shown, sweep_every=0.1))
            box.core = open_core(settings, NO_SOCKETS, asyncio.get_running_loop())
            stop = asyncio.Event()
            running = asyncio.create_task(run(box.core, register_all(box.core), stop))
            await wait_until_async(partial(box.call, "status"), ignoring=(ControlError, OSError))
            try:
                await story(box)
            finally:
                stop.set()
                await running

    monkeypatch.setattr(timekeeping, "_HEARTBEAT", 0.05)
    monkeypatch.setattr(timekeeping, "_ASK_AGAIN", 0.2)
    asyncio.run(whole())


def test_ten_years_forward_and_one_back_destroy_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(box: Box) -> None:
        await wait_until_async(lambda: box.lookups() <= 61, "what is over goes, a day at once")
        before = box.lookups()
        timed = await box.call("rules.add", action="block", name="ads.example", seconds=600)
        for days in (3_652.0, -365.0):
            pause = await box.call("pause", seconds=2)
            box.days = days
            asked = box.server.asked
            await box.says("history.clock-in-doubt")
            await box.is_over(pause)
            await wait_until_async(lambda asked=asked: box.server.asked > asked)
            await box.sweeps()
            assert box.lookups() >= before - 1
            [left] = await box.rules()
            assert (left["id"], left["name"]) == (timed["id"], "ads.example")
            assert 0 < box.seconds_left(left) <= 600
            box.days = 0.0
            await box.says("history.clock-trusted")
            [left] = await box.rules()
            assert 0 < box.seconds_left(left) <= 600
        assert box.lookups() >= before - 1

    play(tmp_path, monkeypatch, story)


def test_a_box_that_was_off_for_long_goes_on_when_a_time_server_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(box: Box) -> None:
        await wait_until_async(lambda: box.lookups() <= 61)
        box.days = 20.0
        await box.says("history.clock-in-doubt")
        await box.sweeps()
        assert box.lookups() >= 60
        box.server.at = box.shown()
        await box.says("history.clock-trusted")
        await wait_until_async(lambda: box.lookups() <= 21, "what is over by the true time goes")

    play(tmp_path, monkeypatch, story)
