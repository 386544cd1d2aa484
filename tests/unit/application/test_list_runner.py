"""Why lists are not the newest is said in a sentence of its own for each reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.application.list_job import JobEnd, shrinking_of
from gateway.application.list_runner import ListRunner, said_of
from gateway.catalogue.sentences import Notice
from gateway.daemons.lists import end_of
from gateway.linux.memory import Ending
from gateway.lists.bounds import COMPILER_MEMORY
from gateway.model.book import Book
from gateway.settings import Settings

SMALL = 30 << 20


@pytest.mark.parametrize(
    ("ending", "memory_ran_out", "end"),
    [
        (Ending(JobEnd.DONE, 0, SMALL), True, JobEnd.DONE),
        (Ending(JobEnd.FAILED, 0, SMALL), False, JobEnd.FAILED),
        (Ending(JobEnd.TOO_MUCH_MEMORY, 0, SMALL), False, JobEnd.TOO_MUCH_MEMORY),
        (Ending(0, 11, COMPILER_MEMORY * 3 // 4), False, JobEnd.TOO_MUCH_MEMORY),
        (Ending(0, 6, COMPILER_MEMORY * 3 // 4), True, JobEnd.TOO_MUCH_MEMORY),
        (Ending(0, 11, SMALL), False, JobEnd.ENDED),
        (Ending(0, 9, SMALL), True, JobEnd.NO_MEMORY),
        (Ending(0, 9, COMPILER_MEMORY), False, JobEnd.ENDED),
    ],
)
def test_how_the_work_ended_is_distinguished(ending: Ending, memory_ran_out: bool, end: JobEnd) -> None:
    assert end_of(ending, memory_ran_out) == end


@pytest.mark.parametrize(
    ("status", "said", "notice"),
    [
        (JobEnd.FAILED, b"noise\nThe disk is full.\n", Notice("box.lists-could-not", error="The disk is full.")),
        (JobEnd.WRONG, b"", Notice("box.lists-could-not", error="the process ended early")),
        (JobEnd.TOO_MUCH_MEMORY, b"", Notice("box.lists-need-memory", mib=COMPILER_MEMORY >> 20)),
        (JobEnd.NO_MEMORY, b"", Notice("box.lists-no-memory")),
        (JobEnd.ENDED, b"SIGSEGV\n", Notice("box.lists-ended", signal="SIGSEGV")),
        (-9, b"", Notice("box.lists-ended", signal="SIGKILL")),
    ],
)
def test_each_end_has_its_own_sentence(status: int, said: bytes, notice: Notice) -> None:
    assert said_of(status, said) == notice
    assert "{" not in str(notice)


@pytest.mark.parametrize(
    ("entry", "shrinking"),
    [
        ({"copy": {"entries": 20_000}, "held": {"entries": 1}}, {"before": 20_000, "entries": 1}),
        ({"copy": {"entries": 20_000}, "held": None}, None),
        ({"held": {"entries": 1}}, None),
        ({"copy": [], "held": 7}, None),
        ({"copy": {"entries": "x"}, "held": {"entries": 1}}, None),
        ({}, None),
    ],
)
def test_only_a_list_that_waits_is_shrinking(entry: dict[str, Any], shrinking: dict[str, int] | None) -> None:
    assert shrinking_of(entry) == shrinking


def test_a_job_that_fails_again_and_again_is_tried_less_and_less_often(tmp_path: Path) -> None:
    runner = ListRunner(Settings(data=tmp_path), Book, lambda _: None, lambda *_: None)
    now = datetime.now(UTC)
    runner.failed(now)
    assert not runner.may_try(now + timedelta(seconds=59))
    assert runner.may_try(now + timedelta(seconds=61))
    for _ in range(5):
        runner.failed(now)
    assert not runner.may_try(now + timedelta(minutes=59))
    assert runner.may_try(now + timedelta(minutes=61))
    assert runner.may_try(now - timedelta(days=400))
