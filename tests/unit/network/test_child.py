"""A program that is started, watched, started again, and found again by the next process."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import NetworkError
from gateway.network.child import Child
from tests.support.waiting import wait_until

TALKS = ("/bin/sh", "-c", "echo hello; exec sleep 60")


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    made = Child("talker", tmp_path)
    yield made
    made.drop()


def test_it_runs_and_is_heard(child: Child) -> None:
    child.want(TALKS, "one")
    pid = child.pid
    assert pid

    def heard() -> bool:
        child.tick()
        return list(child.lines) == ["hello"]

    wait_until(heard)
    child.want(TALKS, "one")
    assert child.pid == pid
    child.want(TALKS, "two")
    assert child.pid not in (0, pid)
    child.drop()
    assert child.pid == 0
    assert not child.wanted


def test_on_a_full_disk_nothing_runs_that_nobody_could_find_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    now = [0.0]
    child = Child("talker", tmp_path, clock=lambda: now[0])
    monkeypatch.setattr("gateway.network.child.write_atomically", full)
    with pytest.raises(NetworkError, match="No space left"):
        child.want(TALKS, "one")
    assert child.pid == 0
    for _ in range(3):
        now[0] += 10
        child.tick()
    assert child.pid == 0
    assert any("No space left" in line for line in child.lines)
    monkeypatch.undo()
    wait_until(lambda: now.__setitem__(0, now[0] + 10) or child.tick() or child.pid)
    child.drop()


def test_it_is_started_again_with_more_and_more_patience(tmp_path: Path) -> None:
    now = [0.0]
    child = Child("talker", tmp_path, clock=lambda: now[0])
    child.want(("/bin/false",), "one")
    for after, restarts in ((0.2, 1), (0.4, 2), (0.8, 3)):
        wait_until(lambda: child.pid == 0)
        child.tick()
        now[0] += after - 0.01
        child.tick()
        assert child.restarts == restarts - 1
        now[0] += 0.02
        child.tick()
        assert child.restarts == restarts
    child.drop()


def test_the_next_process_takes_it_over(child: Child, tmp_path: Path) -> None:
    child.want(TALKS, "one")
    heir = Child("talker", tmp_path)
    heir.want(TALKS, "one")
    assert heir.pid == child.pid
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: heir.pid == 0)


def test_another_configuration_or_another_process_is_not_taken_over(child: Child, tmp_path: Path) -> None:
    child.want(TALKS, "one")
    first = child.pid
    heir = Child("talker", tmp_path)
    heir.want(TALKS, "two")
    assert heir.pid != first
    wait_until(lambda: child.pid == 0)
    note = tmp_path / "talker.pid"
    note.write_text(f'{{"pid": {os.getpid()}, "born": "1", "token": "two"}}')
    third = Child("talker", tmp_path)
    third.drop()
    os.kill(os.getpid(), 0)
    heir.drop()


def test_a_program_that_is_missing_is_said(child: Child) -> None:
    with pytest.raises(NetworkError, match="install its package"):
        child.want(("/nowhere/hostapd",), "one")
