"""What every process of ours does first: a log that says who speaks, and an end when its parent ends."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8


def begin(name: str) -> None:
    """Logs to standard error as `name: LEVEL: message`; warnings and worse only, as journald adds the time."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format=f"{name}: %(levelname)s: %(name)s: %(message)s", force=True
    )
    _keep_memory_together()


def _keep_memory_together() -> None:
    """One heap for all threads: the C library gives each its own, and none of them gives back (mallopt(3)).

    Only one of our threads runs at a time, so they seldom wait for each other there; a few minutes of load took 46 MB
    more without this.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def end_with_parent() -> None:
    """Asks the kernel to end this process when the one that started it has gone (prctl(2))."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def share_the_interpreter() -> None:
    """An answer must not wait until another thread has had its five milliseconds."""
    sys.setswitchinterval(0.0005)


def spare_the_collector() -> None:
    """What stands by now stands for ever: walking it again and again for garbage cost a sixth of a query's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
