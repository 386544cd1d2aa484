"""`telltale up`: starts our processes, starts again what dies, and stops them all together."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

_PATIENCE = 10.0
_STEADY = 1.5
_SLOWEST = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """One process: a module with a main, its flags, and the open sockets it inherits.

    Without `restart`, its end is the end of all.
    """

    module: str
    flags: tuple[str, ...]
    fds: tuple[int, ...] = ()
    restart: bool = True

    @property
    def name(self) -> str:
        return self.module.rpartition(".")[2]


class Supervisor:
    """Runs programs until SIGINT, SIGTERM or `stop`."""

    def __init__(self, programs: list[Program], clock: Callable[[], float] = time.monotonic) -> None:
        self._programs = programs
        self._clock = clock
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.subprocess.Process] = {}

    def stop(self) -> None:
        self._stopping.set()

    def pids(self) -> dict[str, int]:
        """Process ids of what runs now, by program."""
        return {name: process.pid for name, process in self._running.items()}

    async def run(self) -> None:
        """Returns when everything has ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        tasks = [asyncio.create_task(self._keep(program)) for program in self._programs]
        await self._stopping.wait()
        for process in list(self._running.values()):
            _end(process, signal.SIGTERM)
        _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
        if late:
            for process in list(self._running.values()):
                _end(process, signal.SIGKILL)
            await asyncio.wait(late)

    async def _keep(self, program: Program) -> None:
        delay = 0.05
        while not self._stopping.is_set():
            started = self._clock()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                program.module,
                *program.flags,
                pass_fds=program.fds,
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            self._running[program.name] = process
            if self._stopping.is_set():
                _end(process, signal.SIGTERM)
            code = await process.wait()
            self._running.pop(program.name, None)
            if self._stopping.is_set():
                return
            if not program.restart:
                self.stop()
                return
            delay = 0.05 if self._clock() - started > _STEADY else min(delay * 2, _SLOWEST)
            log.warning("%s ended with %s; it starts again in %.1f s", program.name, _said(code), delay)
            try:
                await asyncio.wait_for(self._stopping.wait(), delay)
            except TimeoutError:
                pass


def _end(process: asyncio.subprocess.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        pass


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"status {code}"
