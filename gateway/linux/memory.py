"""How much memory a process may have, and who goes first when there is none left."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ENDED_FIRST: Final = "900"


def limit_data(size: int) -> None:
    """Lets this process have so many bytes of data (RLIMIT_DATA, setrlimit(2)), and no more where it has less already.

    Mapped files are not counted. Whoever asks for more gets MemoryError, or is ended where C++ cannot go on.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    size = size if most == resource.RLIM_INFINITY else min(size, most)
    # A sandbox may forbid it; the lists have bounds of their own.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def be_ended_first() -> None:
    """When the machine has no memory left, the kernel shall end this process, not the one that started it (proc(5))."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_ENDED_FIRST, encoding="ascii")


def count_of_ended() -> int:
    """How many processes the kernel has ended since it started, because there was no memory left (proc_vmstat(5))."""
    try:
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process of ours ended: its exit status, or the signal that ended it, and the most bytes it had."""

    status: int
    signal: int
    peak: int


def wait_for(pid: int) -> Ending:
    """Waits for a child to end."""
    _, status, usage = os.wait4(pid, 0)
    if os.WIFSIGNALED(status):
        return Ending(0, os.WTERMSIG(status), usage.ru_maxrss << 10)
    return Ending(os.WEXITSTATUS(status), 0, usage.ru_maxrss << 10)
