"""Other processes, as the kernel knows them."""

from __future__ import annotations

from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether it can still do anything: one that has ended may wait as a zombie until its parent asks for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """All that descend from it, the nearest first."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [*direct, *(each for child in direct for each in children_of(child))]
