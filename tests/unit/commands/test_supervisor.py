"""What dies is started again; what is stopped is stopped whole."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.commands.supervisor import Program, Supervisor
from tests.support.waiting import wait_until_async


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder that children can import from."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def sleeper(folder: Path, name: str, *, code: str = "import time; time.sleep(60)") -> Program:
    (folder / f"{name}.py").write_text(code)
    return Program(name, ())


async def pid_of(supervisor: Supervisor, name: str, unlike: int = 0) -> int:
    def runs() -> int:
        pid = supervisor.pids().get(name, 0)
        return 0 if pid == unlike else pid

    return await wait_until_async(runs, f"{name} runs")


@pytest.mark.expects_log("dies ended with SIGKILL")
def test_a_killed_program_is_started_again(module: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor([sleeper(module, "dies"), sleeper(module, "lives")])
        running = asyncio.create_task(supervisor.run())
        first = await pid_of(supervisor, "dies")
        other = await pid_of(supervisor, "lives")
        os.kill(first, signal.SIGKILL)
        assert await pid_of(supervisor, "dies", unlike=first) != first
        assert supervisor.pids()["lives"] == other
        supervisor.stop()
        await asyncio.wait_for(running, 5)
        for pid in (first, other):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    asyncio.run(story())


def test_a_program_lets_what_is_more_urgent_start_first(module: Path) -> None:
    async def story() -> None:
        urgent = [False]
        patient = Program(sleeper(module, "patient").module, (), lets_pass=lambda: urgent[0])
        supervisor = Supervisor([sleeper(module, "first"), patient])
        running = asyncio.create_task(supervisor.run())
        await pid_of(supervisor, "first")
        await asyncio.sleep(0.2)
        assert "patient" not in supervisor.pids()
        urgent[0] = True
        await pid_of(supervisor, "patient")
        supervisor.stop()
        await asyncio.wait_for(running, 5)

    asyncio.run(story())


def test_a_program_that_must_not_end_ends_all(module: Path) -> None:
    async def story() -> None:
        once = Program(sleeper(module, "once", code="pass").module, (), restart=False)
        await asyncio.wait_for(Supervisor([once, sleeper(module, "stays")]).run(), 10)

    asyncio.run(story())


def test_a_program_gets_its_flags_and_its_open_socket(module: Path) -> None:
    read, write = os.pipe()
    code = "import os, sys; os.write(int(sys.argv[1]), b'here')"
    (module / "speaks.py").write_text(code)
    program = Program("speaks", (str(write),), (write,), restart=False)
    asyncio.run(Supervisor([program]).run())
    assert os.read(read, 10) == b"here"
    os.close(read)
    os.close(write)


@pytest.mark.slow
@pytest.mark.expects_log("wrong ended with status 2")
def test_wrong_settings_of_a_part_that_dns_does_not_need_end_nothing(module: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor([sleeper(module, "wrong", code="import sys; sys.exit(2)"), sleeper(module, "stays")])
        running = asyncio.create_task(supervisor.run())
        first = await pid_of(supervisor, "wrong")
        second = await pid_of(supervisor, "wrong", unlike=first)
        await pid_of(supervisor, "wrong", unlike=second)
        assert "stays" in supervisor.pids()
        assert supervisor.status == 0
        supervisor.stop()
        await asyncio.wait_for(running, 5)

    asyncio.run(story())


def test_wrong_settings_of_what_dns_needs_end_all_and_are_reported(module: Path) -> None:
    async def story() -> None:
        vital = replace(sleeper(module, "wrong", code="import sys; sys.exit(2)"), vital=True)
        supervisor = Supervisor([vital, sleeper(module, "stays")])
        await asyncio.wait_for(supervisor.run(), 10)
        assert supervisor.status == 2

    asyncio.run(story())
