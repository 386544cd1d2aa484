"""Whether a process can still do anything, and who descends from it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.processes import children_of, is_running
from tests.support.waiting import wait_until


def test_one_that_has_ended_does_not_run_although_nobody_asked_for_it_yet() -> None:
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_running(program.pid)
    assert program.pid in children_of(os.getpid())
    program.kill()
    wait_until(lambda: not is_running(program.pid))
    program.communicate()
    assert not is_running(program.pid)
    assert children_of(program.pid) == []


def test_grandchildren_are_found() -> None:
    program = subprocess.Popen(["/bin/sh", "-c", "sleep 600 & read line; kill $!"], stdin=subprocess.PIPE)
    (sleeper,) = wait_until(lambda: children_of(program.pid))
    assert children_of(os.getpid()).index(program.pid) < children_of(os.getpid()).index(sleeper)
    program.communicate(b"\n")
    wait_until(lambda: not is_running(sleeper))
