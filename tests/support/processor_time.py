"""How much processor time a process has had: what a test may compare where a clock would measure the machine's load."""

from __future__ import annotations

from pathlib import Path


def processor_seconds(pid: int) -> float:
    """Of all its threads, to the nanosecond (proc(5), schedstat)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
