"""How much processor time a process has had: what a test may compare where a clock would measure the machine's load."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def processor_seconds(pid: int) -> float:
    """Of all its threads, to the nanosecond (proc(5), schedstat)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def processor_time(work: Callable[[], object]) -> float:
    """Seconds of this process; the least of three times."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def plain_loop() -> float:
    """Processor seconds of ten thousand steps of plain Python now and here: what others are measured in. 0.7 ms on the
    machine that bounds were chosen on.
    """
    return processor_time(lambda: sum(number * number for number in range(10_000)))
