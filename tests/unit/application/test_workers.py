"""A worker that misbehaves is replaced, and whoever asks meanwhile is answered by the resolver."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.application import workers as pools
from gateway.application.workers import WorkerPool
from gateway.linux.process import start_of
from gateway.model.event import HealthChanged
from gateway.model.lookup import LogBatch, LogRow
from tests.support.waiting import PATIENCE, wait_until_async

# What a worker does: `channel` and `asking` are its two sockets, `frame` makes messages.
_PLAY = """
import json, socket, sys, time
sys.path[:0] = {path!r}
from gateway.control.worker_messages import BatchWriter, Unframer, frame
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
channel = socket.socket(fileno=int(flags["--channel"]))
asking = socket.socket(fileno=int(flags["--asking"]))
def listen():
    unframer = Unframer()
    while piece := channel.recv(1 << 16):
        yield from unframer.feed(piece)
heard = listen()
orders = next(heard)[1]
{acts}
"""
_BEGINS = 'channel.send(frame("done", orders["serial"]))\nassert next(heard)[0] == "begin"\n'
ENDED = "a worker ended; it is replaced"


class Stage:
    """A workers of one, whose worker plays `acts`; and what the resolver would have seen of it."""

    def __init__(self, acts: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.health: list[HealthChanged] = []
        self.rows: list[LogRow] = []
        self.batches: list[LogBatch] = []
        self.resting: list[str] = []
        self.workers = WorkerPool(
            [()], (), (),
            orders=lambda: {"book": "a book", "makers": {}}, know=lambda question: f"{question[0]} of {question[1]}",
            resolver=self, report=self.health.append,
        )  # fmt: skip
        code = _PLAY.format(path=[str(Path.cwd())], acts=acts)
        real = asyncio.create_subprocess_exec

        async def play(*command: str, **more: Any) -> asyncio.subprocess.Process:
            flags = command[len(start_of("")) :]
            return await real(sys.executable, "-c", code, *flags, **more)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", play)
        monkeypatch.setattr(pools, "_FIRST_PAUSE", 0.02)
        monkeypatch.setattr(pools, "_ENDING", 0.1)
        monkeypatch.setattr(pools, "_FAREWELL", 0.1)

    def rest(self, _: object) -> None:
        self.resting.append("rest")

    def resume(self, _: object) -> None:
        self.resting.append("resume")

    def record(self, rows: list[LogRow], batches: list[LogBatch]) -> None:
        self.rows += rows
        self.batches += batches

    def run(self, until: Callable[[], bool]) -> None:
        async def story() -> None:
            await self.workers.start()
            try:
                await wait_until_async(until)
            finally:
                await self.workers.stop()

        asyncio.run(story())


@pytest.mark.expects_log(ENDED)
@pytest.mark.expects_log("a worker:")
@pytest.mark.parametrize(
    "garbage",
    ['b"\\xff" * 64', 'frame("log", [1, 2])', 'frame("counts", {"counters": {"a": "b"}})', 'frame("nobody knows", 1)'],
)
def test_a_worker_that_makes_no_sense_is_replaced(garbage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(f"{_BEGINS}channel.send({garbage})\ntime.sleep(60)", monkeypatch)
    stage.run(lambda: stage.resting.count("rest") >= 2)
    assert stage.resting[:3] == ["rest", "resume", "rest"]
    assert (stage.rows, stage.batches) == ([], [])


@pytest.mark.expects_log(ENDED)
def test_the_owner_is_informed_when_a_worker_is_missing_and_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(f"{_BEGINS}time.sleep(0.2)", monkeypatch)
    stage.run(lambda: len(stage.health) >= 3)
    assert [each.healthy for each in stage.health[:3]] == [True, False, True]
    assert stage.health[0].says == "2 processes answer DNS."
    assert "the resolver answers for the others" in stage.health[1].says


@pytest.mark.slow
@pytest.mark.expects_log(ENDED)
@pytest.mark.expects_log("a worker says nothing any more")
def test_a_worker_that_says_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_SILENCE", 2.0)
    stage = Stage(f"{_BEGINS}time.sleep(60)", monkeypatch)
    stage.run(lambda: stage.resting.count("rest") >= 2)


def test_the_first_click_too_is_confirmed_only_when_the_worker_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_OBEDIENCE", PATIENCE)
    follows = tmp_path / "follows"
    acts = (
        f"{_BEGINS}"
        "orders = next(heard)[1]\n"
        "time.sleep(0.3)\n"
        f"open({str(follows)!r}, 'w').close()\n"
        'channel.send(frame("done", orders["serial"]))\n'
        "time.sleep(60)"
    )
    stage = Stage(acts, monkeypatch)

    async def story() -> None:
        await stage.workers.start()
        try:
            await wait_until_async(lambda: stage.resting)
            stage.workers.tell()
            assert not follows.exists()
            await stage.workers.settled()
            assert follows.exists()
            await stage.workers.settled()
        finally:
            await stage.workers.stop()

    asyncio.run(story())


def test_counts_add_up_and_a_device_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    acts = (
        f"{_BEGINS}"
        'asking.send(json.dumps([7, "device", "192.0.2.9"]).encode())\n'
        "key = asking.recv(1000).decode()\n"
        'histogram = {"buckets": [[0.1, 2], [0.2, 3]], "sum": 0.5, "count": 4}\n'
        'counters = {"fast": 5, key: 1, "in_flight": 2}\n'
        'channel.send(frame("counts", {"counters": counters, "latency": {"cache": histogram}}))\n'
        "time.sleep(60)"
    )
    stage = Stage(acts, monkeypatch)
    stage.run(lambda: stage.workers.add_counters({"fast": 1.0})["fast"] == 6)
    key = '[7, "device of 192.0.2.9"]'
    assert stage.workers.add_counters({"fast": 1.0, key: 0.0})[key] == 1, "what the resolver answered when it was asked"
    # It has ended: what it did stays counted, what it held is gone.
    assert stage.workers.add_counters({"fast": 1.0, "in_flight": 1.0}) == {"fast": 6, "in_flight": 1}


def test_histograms_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"cache": {"buckets": [[0.1, 1], [0.2, 1]], "sum": 0.05, "count": 1}}
    acts = (
        f"{_BEGINS}"
        'histogram = {"buckets": [[0.1, 2], [0.2, 3]], "sum": 0.5, "count": 4}\n'
        'channel.send(frame("counts", {"counters": {}, "latency": {"cache": histogram}}))\n'
        "time.sleep(60)"
    )
    stage = Stage(acts, monkeypatch)
    seen: list[dict[str, Any]] = []

    def all_arrived() -> bool:
        seen.append(stage.workers.add_latencies(own))
        return bool(seen[-1]["cache"]["count"] == 5)

    stage.run(all_arrived)
    assert seen[-1] == {"cache": {"buckets": [[0.1, 3], [0.2, 4]], "sum": 0.55, "count": 5}}


def test_a_worker_begins_only_with_the_newest_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more, obeyed = tmp_path / "more", tmp_path / "obeyed"
    acts = (
        f"import os\nwhile not os.path.exists({str(more)!r}): time.sleep(0.01)\n"
        'channel.send(frame("done", orders["serial"]))\n'
        'kind, value = next(heard)\nassert kind == "orders", kind\n'
        f"open({str(obeyed)!r}, 'w').close()\n"
        'channel.send(frame("done", value["serial"]))\n'
        'assert next(heard)[0] == "begin"\n'
        "time.sleep(60)"
    )
    stage = Stage(acts, monkeypatch)

    async def story() -> None:
        await stage.workers.start()
        try:
            await wait_until_async(lambda: any(each.writer for each in stage.workers._members))
            stage.workers.tell()
            more.touch()
            await wait_until_async(lambda: stage.resting)
            assert obeyed.exists(), "what was decided before it began is in force before it answers"
        finally:
            await stage.workers.stop()

    asyncio.run(story())
