"""The bench's arithmetic: parsing what others print, and sums that do not flatter. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_COUNT = re.compile(r"^\s*Queries (sent|completed|lost):\s+(\d+)", re.MULTILINE)
_RATE = re.compile(r"^\s*Queries per second:\s+([\d.]+)", re.MULTILINE)
_RUN = re.compile(r"^\s*Run time \(s\):\s+([\d.]+)", re.MULTILINE)
_CODES = re.compile(r"^\s*Response codes:\s+(.*)$", re.MULTILINE)
_CODE = re.compile(r"([A-Z0-9]+) (\d+) \([\d.]+%\)")


@dataclass(frozen=True)
class Load:
    """What dnsperf saw. `codes` counts answers by RCODE."""

    sent: int
    completed: int
    lost: int
    seconds: float
    per_second: float
    codes: Mapping[str, int]


def parse_dnsperf(text: str) -> Load:
    """Raises ValueError when the statistics are missing: then the run did not happen."""
    counts = {kind: int(number) for kind, number in _COUNT.findall(text)}
    rate, run, codes = _RATE.search(text), _RUN.search(text), _CODES.search(text)
    if rate is None or run is None or counts.keys() != {"sent", "completed", "lost"}:
        raise ValueError(f"dnsperf gave no statistics: {text.strip()[-300:] or 'it said nothing'}")
    return Load(
        sent=counts["sent"],
        completed=counts["completed"],
        lost=counts["lost"],
        seconds=float(run[1]),
        per_second=float(rate[1]),
        codes={code: int(number) for code, number in _CODE.findall(codes[1])} if codes else {},
    )


def complaints(load: Load, *, lost_share: float = 0.001) -> list[str]:
    """Why a run does not count: nothing answered, answers lost, or answers that are not NOERROR."""
    said = []
    if not load.completed:
        said.append("nothing was answered")
    if load.lost > load.sent * lost_share:
        said.append(f"{load.lost} of {load.sent} queries were lost")
    wrong = {code: number for code, number in load.codes.items() if code != "NOERROR"}
    if wrong:
        said.append(f"answers that are not NOERROR: {wrong}")
    return said


@dataclass(frozen=True)
class Stat:
    """One line of /proc/PID/stat: CPU times in clock ticks, those of ended children apart."""

    pid: int
    parent: int
    own: int
    ended_children: int


def parse_stat(line: str) -> Stat:
    """Field 2, the command, may hold spaces and parentheses: what counts begins behind the last one (proc(5))."""
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    return Stat(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        own=int(fields[11]) + int(fields[12]),
        ended_children=int(fields[13]) + int(fields[14]),
    )


def family(stats: Iterable[Stat], root: int) -> dict[int, Stat]:
    """The process `root` and everything that descends from it, by process id."""
    by_parent: dict[int, list[Stat]] = {}
    known = {}
    for stat in stats:
        known[stat.pid] = stat
        by_parent.setdefault(stat.parent, []).append(stat)
    members: dict[int, Stat] = {}
    waiting = [known[root]] if root in known else []
    while waiting:
        stat = waiting.pop()
        members[stat.pid] = stat
        waiting += by_parent.get(stat.pid, [])
    return members


def ticks(members: Mapping[int, Stat]) -> int:
    """CPU of a family: its living members, and children that ended meanwhile."""
    return sum(stat.own + stat.ended_children for stat in members.values())


@dataclass(frozen=True)
class Spread:
    """A median and how far single values lay from it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}-{_short(self.high)})"


def spread(values: Sequence[float]) -> Spread:
    if not values:
        raise ValueError("nothing was measured")
    return Spread(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours divided by theirs, round by round, so that what disturbs a whole round cancels out."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if b > 0]
    return spread([a / b for a, b in pairs])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of all values does not exceed (nearest rank)."""
    if not values:
        raise ValueError("nothing was measured")
    rank = max(1, math.ceil(share * len(values)))
    return sorted(values)[rank - 1]


def rotate(items: Sequence[str], round_number: int) -> list[str]:
    """The same items, beginning with another one each round, so that none is always first."""
    start = round_number % len(items)
    return [*items[start:], *items[:start]]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
