"""What a run of the bench says: as a table for people and as JSON for comparing."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import Spread, ratios, spread


@dataclass(frozen=True)
class Result:
    """One server under one workload in one round. CPU in microseconds a query, latencies in milliseconds."""

    server: str
    workload: str
    round: int
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    asked: int
    checked: int
    complaints: tuple[str, ...]


def machine() -> dict[str, Any]:
    """Where it was measured and what else was going on."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith(("model name", "Model")):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpus": os.cpu_count(),
        "model": model,
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "load_average": list(os.getloadavg()),
    }


def summary(results: Sequence[Result], servers: Sequence[str]) -> dict[str, Any]:
    """Per workload and server: median, least and most over the rounds; ours against each other server as ratios."""
    said: dict[str, Any] = {}
    for workload in dict.fromkeys(result.workload for result in results):
        rows: dict[str, Any] = {}
        for server in servers:
            mine = _of(results, workload, server)
            rows[server] = {
                "queries_per_second": asdict(spread([one.per_second for one in mine])),
                "cpu_us_per_query": asdict(spread([one.cpu_us for one in mine])),
                "p50_ms": asdict(spread([one.p50_ms for one in mine])),
                "p99_ms": asdict(spread([one.p99_ms for one in mine])),
            }
        first = servers[0]
        rows["ratios"] = {
            f"{first} / {other}": {
                "cpu": asdict(_ratio(results, workload, first, other, "cpu_us")),
                "queries_per_second": asdict(_ratio(results, workload, first, other, "per_second")),
                "p99_ms": asdict(_ratio(results, workload, first, other, "p99_ms")),
            }
            for other in servers[1:]
        }
        said[workload] = rows
    return said


def table(results: Sequence[Result], servers: Sequence[str]) -> str:
    """The summary for people: median (least-most)."""
    lines = []
    for workload in dict.fromkeys(result.workload for result in results):
        lines.append(f"\n{workload}")
        lines.append(f"  {'':16} {'queries/s':>24} {'CPU us/query':>20} {'p50 ms':>22} {'p99 ms':>22}")
        for server in servers:
            mine = _of(results, workload, server)
            cells = [
                str(spread([getattr(one, what) for one in mine]))
                for what in ("per_second", "cpu_us", "p50_ms", "p99_ms")
            ]
            lines.append(f"  {server:16} {cells[0]:>24} {cells[1]:>20} {cells[2]:>22} {cells[3]:>22}")
        for other in servers[1:]:
            cpu = _ratio(results, workload, servers[0], other, "cpu_us")
            rate = _ratio(results, workload, servers[0], other, "per_second")
            slow = _ratio(results, workload, servers[0], other, "p99_ms")
            lines.append(f"  {servers[0]} / {other}: CPU {cpu}, queries/s {rate}, p99 {slow}")
    bad = [
        f"  {one.server}, {one.workload}, round {one.round + 1}: {text}" for one in results for text in one.complaints
    ]
    if bad:
        lines += ["", "These runs do not count:", *bad]
    return "\n".join(lines)


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Written beside and renamed, so that a broken run leaves the last report alone."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _of(results: Iterable[Result], workload: str, server: str) -> list[Result]:
    return [one for one in results if one.workload == workload and one.server == server]


def _ratio(results: Sequence[Result], workload: str, ours: str, theirs: str, what: str) -> Spread:
    return ratios(
        [getattr(one, what) for one in _of(results, workload, ours)],
        [getattr(one, what) for one in _of(results, workload, theirs)],
    )
