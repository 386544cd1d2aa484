"""Many trials beside each other, each watched: what its end means, and when it will never end."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tests.mutation.trial import Trial, start

_IDLE_SECONDS = 60.0
_LOOK = 0.5
_PASSED, _FAILED, _NOT_IMPORTABLE, _NO_TESTS = 0, 1, 2, 5


class Outcome(Enum):
    SURVIVED = "survived"
    KILLED = "killed"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trial ended; `because` names the test that failed, or says what else happened. `tests`: see `Trial`."""

    outcome: Outcome
    because: str
    tests: dict[str, dict[str, Any]]
    printed: str


@dataclass(slots=True)
class _Running:
    number: int
    pid: int
    fd: int
    folder: Path
    started: float = field(default_factory=time.monotonic)
    hangs: bool = False

    def idle(self) -> float:
        """Seconds in which the process neither ran nor waited for a core: a busy machine does not make it longer."""
        try:
            ran, waited, _ = map(int, Path(f"/proc/{self.pid}/schedstat").read_text().split())
        except (OSError, ValueError):
            return 0.0
        return time.monotonic() - self.started - (ran + waited) / 1e9


def run(trials: Iterable[Callable[[], Trial]], jobs: int) -> Iterator[tuple[int, Ending]]:
    """Each trial's number and ending, as they end. A trial is made when there is room for it."""
    waiting = enumerate(trials)
    running: dict[int, _Running] = {}
    with tempfile.TemporaryDirectory(prefix="telltale-mutation-") as base:
        try:
            while True:
                while len(running) < jobs and (entry := next(waiting, None)) is not None:
                    begun = _begin(entry[0], entry[1](), Path(base) / str(entry[0]))
                    running[begun.fd] = begun
                if not running:
                    return
                for fd in select.select(list(running), [], [], _LOOK)[0]:
                    ended = running.pop(fd)
                    yield ended.number, _end(ended)
                for each in running.values():
                    if each.idle() > _IDLE_SECONDS:
                        each.hangs = True
                        os.killpg(each.pid, signal.SIGKILL)
        finally:
            for each in running.values():
                _end(each)


def _begin(number: int, trial: Trial, folder: Path) -> _Running:
    folder.mkdir()
    pid = start(trial, folder)
    try:
        os.setpgid(pid, pid)
    except PermissionError:  # it has done so itself
        pass
    return _Running(number, pid, os.pidfd_open(pid), folder)


def _end(ended: _Running) -> Ending:
    """Ends what is left of the process and of those that it started, and reads what it found."""
    try:
        os.killpg(ended.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(ended.pid, 0)[1])
    os.close(ended.fd)
    printed = _read(ended.folder / "out.txt")
    result = json.loads(_read(ended.folder / "result.json") or "{}")
    shutil.rmtree(ended.folder, ignore_errors=True)
    outcome, because = _meaning(status, ended.hangs, result.get("failed"))
    return Ending(outcome, because, result.get("tests", {}), printed)


def _meaning(status: int, hangs: bool, failed: str | None) -> tuple[Outcome, str]:
    if hangs:
        return Outcome.KILLED, "it waits for ever"
    if status in (-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGKILL):
        return Outcome.KILLED, "it computes for ever"
    if status == _FAILED and failed:
        return Outcome.KILLED, failed
    if status == _NOT_IMPORTABLE:
        return Outcome.KILLED, "its tests cannot be imported"
    if status in (_PASSED, _NO_TESTS):
        return Outcome.SURVIVED, "every test passes" if status == _PASSED else "no test comes there"
    return Outcome.UNCLEAR, f"pytest ended with {status}"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
