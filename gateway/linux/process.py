"""What every process of ours does first: a log that says who speaks, and an end when its parent ends."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import platform
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from gateway.catalogue.sentences import learn

_C = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE = 128 << 10
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_RESET_ON_FORK = 1
_SLICE = 100_000  # nanoseconds
_TIDY_EVERY, _TIDY_LATEST, _QUIET = 300, 60, 10
_WHOLE_ROUNDS = 288


def begin(name: str) -> None:
    """Logs to standard error as `name: LEVEL: message`; warnings and worse only, as journald adds the time."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format=f"{name}: %(levelname)s: %(name)s: %(message)s", force=True
    )
    _keep_memory_together()
    # While files can be opened: it is when none can that there is something to say.
    learn()


def start_of(module: str) -> tuple[str, ...]:
    """How one process of ours starts another: never with what lies in the folder that somebody happens to stand in."""
    return sys.executable, "-I" if sys.flags.isolated else "-P", "-m", module


def _keep_memory_together() -> None:
    """One heap for all threads: the C library gives each its own, and none of them gives back (mallopt(3)).

    Only one of our threads runs at a time, so they seldom wait for each other there; a few minutes of load took 46 MB
    more without this. What is large is mapped by itself, always: unless it is set so, the library takes it from the
    heap from the second time on, and what is small settles down where it was.
    """
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _give_memory_back() -> None:
    """What is free anywhere in the heap (malloc_trim(3)): of itself the C library gives back only what lies on top."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)


def end_with_parent() -> None:
    """Asks the kernel to end this process when the one that started it has gone (prctl(2))."""
    parent = os.getppid()
    _C.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def hear_no_signal() -> None:
    """For a process that has nothing left to do but to end: whoever tells it to end once more, as the end of its parent
    does, is not heard. asyncio closes the pipe of its signals before their handlers, and would print a trace.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def answer_promptly() -> None:
    """For the thread that answers: it must not wait until another thread has had its five milliseconds of the
    interpreter, nor, where both share a core, its three of the core.

    Threads and processes that it starts are ordinary ones again.
    """
    sys.setswitchinterval(0.0002)
    _take_short_slices(_RESET_ON_FORK)


def let_answers_pass() -> None:
    """For a thread whose work can wait a little."""
    # A sandbox may forbid it; then nobody goes first.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
    # Who answers has used up its share of the core in a flood, and would wait to the end of our slice.
    _take_short_slices(0)


def _take_short_slices(flags: int) -> None:
    """The shorter the slices that a thread asks for, the sooner it gets them, and the sooner it gives the core back
    (sched_setattr(2), Linux 6.12; older ones take no notice).
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None and sys.maxsize > 1 << 32 and sys.platform == "linux":
        nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        attributes = struct.pack("=IIQiIQQQ", 48, os.SCHED_OTHER, flags, nice, 0, _SLICE, 0, 0)
        _C.syscall(number, 0, ctypes.create_string_buffer(attributes), 0)


def spare_the_collector() -> None:
    """What stands by now stands for ever, and is walked no more for garbage; of what comes, only the newest is, a
    little at a time. The rest is left to `tidy`: a flood of new names makes a hundred thousand objects that stay, and
    each walk over them held up every answer for 30 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500, 2, 1_000_000)


async def tidy(busy: Callable[[], int]) -> None:
    """Collects garbage when hardly anybody asks: every five minutes what came since, once a day everything.

    `busy` counts what would have to wait; less than ten more in a second is quiet. After a minute without a quiet
    second it is done all the same: every connection that ends leaves a few kilobytes in a circle, and what came in five
    minutes is walked in some milliseconds.
    """
    rounds = waited = 0
    while True:
        await asyncio.sleep(_TIDY_EVERY)
        while waited < _TIDY_LATEST:
            before = busy()
            await asyncio.sleep(1)
            if busy() - before < _QUIET:
                break
            waited += 1
        waited, rounds = 0, rounds + 1
        if rounds % _WHOLE_ROUNDS == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
        _give_memory_back()


def since_boot() -> float:
    """Seconds that no clock moves: also those in which the machine slept (CLOCK_BOOTTIME, clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def notify(state: str) -> None:
    """Tells systemd (sd_notify(3)), when it started us: "READY=1", "WATCHDOG=1", "STATUS=..."."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            logging.getLogger(__name__).warning("systemd does not listen at %s", path)
