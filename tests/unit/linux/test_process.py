"""Garbage is collected when nobody waits, and who answers goes first."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import threading
from collections.abc import Callable, Iterator

import pytest

from gateway.linux import process
from gateway.linux.process import answer_promptly, let_answers_pass, spare_the_collector, tidy


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def run_tidy(busy: Callable[[], int], monkeypatch: pytest.MonkeyPatch, rounds: int) -> list[str]:
    done: list[str] = []
    slept = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        if len([each for each in done if each == "collect"]) >= rounds:
            raise asyncio.CancelledError

    monkeypatch.setattr(process.asyncio, "sleep", sleep)
    monkeypatch.setattr(process.gc, "collect", lambda: done.append("collect"))
    monkeypatch.setattr(process.gc, "freeze", lambda: done.append(f"freeze after {slept:.0f} s"))
    monkeypatch.setattr(process.gc, "unfreeze", lambda: done.append("unfreeze"))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(tidy(busy))
    return done


def test_in_a_quiet_home_it_tidies_every_five_minutes_and_daily_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = run_tidy(lambda: 0, monkeypatch, 289)
    assert done[:2] == ["collect", "freeze after 301 s"]
    assert done.count("unfreeze") == 1
    assert done.index("unfreeze") == 2 * 287


def test_while_many_ask_it_waits_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = iter(range(0, 10_000_000, 100))
    assert run_tidy(lambda: next(asked), monkeypatch, 1) == ["collect", "freeze after 360 s"]


def test_the_collector_walks_only_what_is_new() -> None:
    spare_the_collector()
    assert gc.get_freeze_count() > 1_000
    for _ in range(10_000):
        Knot()
    left = sum(isinstance(each, Knot) for each in gc.get_objects())
    assert left < 2_000, "the young ones are found as they come"


def test_a_thread_lets_the_answers_pass_and_the_others_stay_as_they_are() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    nice: list[int] = []

    def work() -> None:
        let_answers_pass()
        nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert nice == [5]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_an_answer_is_never_behind_in_the_queue_for_the_core() -> None:
    # In a process of its own, for it cannot be taken back.
    pid = os.fork()
    if pid == 0:
        try:
            answer_promptly()
            # The kernel took the wish; where we do not know how to say it, nothing has changed.
            wished = os.SCHED_OTHER | (os.SCHED_RESET_ON_FORK if platform.machine() in process._SCHED_SETATTR else 0)
            os._exit(0 if os.sched_getscheduler(0) == wished else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
