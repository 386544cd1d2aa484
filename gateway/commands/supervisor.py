"""`telltale up`: starts our processes, starts again what dies, and stops them all together."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.linux.process import start_of

log = logging.getLogger(__name__)

PATIENCE = 10.0
_STEADY = 30.0
_KILLED_STEADY = 1.5
_WRONG_SETTINGS = 2
_SLOWEST = 5.0
_SLOWEST_WRONG = 60.0
_POLITE = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """One process: a module with a main, its flags, and the open sockets it inherits.

    Without `restart`, its end is the end of all; so it is when one without which there is no DNS (`vital`) finds the
    settings wrong. `lets_pass` tells whether what should be first is there; this one
    is started then, or after a few seconds all the same.
    """

    module: str
    flags: tuple[str, ...]
    fds: tuple[int, ...] = ()
    restart: bool = True
    vital: bool = False
    lets_pass: Callable[[], bool] | None = None

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
        self.status = 0

    def stop(self) -> None:
        self._stopping.set()

    def pids(self) -> dict[str, int]:
        """Process ids of what runs now, by program."""
        return {name: process.pid for name, process in self._running.items()}

    async def run(self) -> None:
        """Returns when everything has ended; `status` is then 2 when a program found the settings wrong."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        tasks = [asyncio.create_task(self._keep(program)) for program in self._programs]
        await self._stopping.wait()
        for process in list(self._running.values()):
            _end(process, signal.SIGTERM)
        _, late = await asyncio.wait(tasks, timeout=PATIENCE)
        if late:
            for process in list(self._running.values()):
                _end(process, signal.SIGKILL)
            await asyncio.wait(late)

    async def _keep(self, program: Program) -> None:
        await self._let_pass(program)
        delay = 0.05
        while not self._stopping.is_set():
            started = self._clock()
            try:
                process = await _start(program)
            except OSError as error:
                log.warning("%s cannot be started: %s; trying again in %.0f s", program.name, error.strerror, _SLOWEST)
                await self._rest(_SLOWEST)
                continue
            self._running[program.name] = process
            if self._stopping.is_set():
                _end(process, signal.SIGTERM)
            code = await process.wait()
            self._running.pop(program.name, None)
            if self._stopping.is_set():
                return
            hopeless = code == _WRONG_SETTINGS and (program.vital or not program.restart)
            if hopeless:
                # It has said why; starting it again would not change its mind.
                self.status = code
            if hopeless or not program.restart:
                self.stop()
                return
            # Who was killed while it ran well comes back at once; who fails by itself is likely to fail again.
            steady = self._clock() - started > (_KILLED_STEADY if code < 0 else _STEADY)
            slowest = _SLOWEST_WRONG if code == _WRONG_SETTINGS else _SLOWEST
            delay = 0.05 if steady else min(delay * 2, slowest)
            log.warning("%s ended with %s; it starts again in %.1f s", program.name, _said(code), delay)
            await self._rest(delay)

    async def _let_pass(self, program: Program) -> None:
        latest = self._clock() + _POLITE
        while program.lets_pass is not None and not self._stopping.is_set() and self._clock() < latest:
            if program.lets_pass():
                return
            await self._rest(0.02)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            pass


async def _start(program: Program) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *start_of(program.module),
        *program.flags,
        pass_fds=program.fds,
        start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def _end(process: asyncio.subprocess.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        pass


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"status {code}"
