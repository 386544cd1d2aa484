"""CPU is read from every process of a server, and servers end when they are asked to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.processes import Process, written_bytes
from tests.support.processes import is_running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
CHILD = BUSY + "time.sleep(60)"
PARENT = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {CHILD!r}])\n{CHILD}"


@pytest.mark.slow
def test_the_cpu_of_children_counts(tmp_path: Path) -> None:
    with Process("busy", [sys.executable, "-c", PARENT], core=0, log=tmp_path / "log", cwd=tmp_path) as process:
        wait_until(lambda: process.cpu_seconds() >= 0.6, shows=process.cpu_seconds)
        assert 0.6 <= process.settled_cpu_seconds(quiet=0.2) < 3
        assert process.resident_bytes() > 5_000_000
        process.check()


def test_a_server_that_ended_says_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    with Process("short", command, core=0, log=tmp_path / "log", cwd=tmp_path) as process:
        process._child.wait(20)
        with pytest.raises(RuntimeError, match="short ended with status 1: the port is taken"):
            process.check()


def test_a_deaf_server_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    deaf = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r} + '.draft', 'w').write(str(child.pid))\n"
        f"os.rename({str(pids)!r} + '.draft', {str(pids)!r})\n"
        "time.sleep(60)\n"
    )
    process = Process("deaf", [sys.executable, "-c", deaf], core=0, log=tmp_path / "log", cwd=tmp_path)
    wait_until(pids.exists)
    process.stop(patience=0.3)
    child = int(pids.read_text())
    wait_until(lambda: not is_running(child))


def test_folders_are_weighed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_bytes(b"x" * 100)
    (tmp_path / "list").write_bytes(b"x" * 20)
    assert written_bytes(tmp_path) == 120
