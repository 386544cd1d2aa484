"""`python -m tests.bench`: our resolver beside others, same list, same upstream, same cores, one after another."""

from __future__ import annotations

import argparse
import itertools
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.bench.click import clicks
from tests.bench.fairness import FLOOD, QUIET, SOURCES, Fairness, beside_many
from tests.bench.figures import Spread, complaints, parse_dnsperf, rotate, spread
from tests.bench.processes import Process, written_bytes
from tests.bench.report import Result, machine, summary, table, write_json
from tests.bench.servers import ECHO, RECIPES, Setting, choose, logged
from tests.bench.watch import Checker, latencies, wait_until_open, wait_until_right
from tests.bench.workload import MISS, MISSES, Workload, allowed_names, block_list, misses, workloads
from tests.support.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_SERVER_CORE, _CLIENT_CORE = 0, 1
_START_PATIENCE = 120.0
LATENCIES = 2_000
CLICKS = 10
# What the command line of the resolver's process has and no other.
_RESOLVER = "gateway.daemons.resolver"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when an answer was wrong or a server did not come up: such figures do not count."""
    options = _parse(arguments)
    for tool in ("dnsperf", "taskset"):
        if shutil.which(tool) is None:
            print(f"{tool} is missing; install Debian's package {'dnsperf' if tool == 'dnsperf' else 'util-linux'}.")
            return 1
    try:
        recipes = choose(options.servers.split(",") if options.servers else [], options.command)
    except ValueError as error:
        print(error)
        return 2
    os.sched_setaffinity(0, {_CLIENT_CORE % (os.cpu_count() or 1)})
    chosen = [one for one in workloads(options.names) if one.name in options.workloads.split(",")]
    before = machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telltale-bench-")))
        names = folder / "blocked.txt"
        with names.open("w", encoding="ascii") as file:
            file.writelines(f"{name}\n" for name in block_list(options.names))
        upstream = ("127.0.0.1", free_port())
        stack.enter_context(
            Process(
                "the authority",
                [sys.executable, "-m", "tests.bench.authority", str(upstream[1])],
                core=_CLIENT_CORE,
                log=folder / "authority.log",
                cwd=_ROOT,
            )
        )
        samples = _samples(options.names)
        running: dict[str, tuple[Process, tuple[str, int]]] = {}
        starts: dict[str, dict[str, float]] = {}
        for name, recipe in recipes.items():
            own = folder / name
            own.mkdir()
            setting = Setting(own, free_port(), free_port(), upstream, names)
            process = Process(name, recipe(setting), core=_SERVER_CORE, log=own / "output.log", cwd=_ROOT)
            stack.enter_context(process)
            server = ("127.0.0.1", setting.port)
            try:
                if name == ECHO:
                    seconds = wait_until_open(server)
                else:
                    seconds = wait_until_right(server, samples, check=process.check, patience=_START_PATIENCE)
            except RuntimeError as error:
                print(f"{name}: {error}")
                return 1
            running[name] = (process, server)
            starts[name] = {"seconds_to_right_answers": seconds, "resident_mb": process.resident_bytes() / 1e6}
            print(f"{name}: right answers after {seconds:.1f} s, {starts[name]['resident_mb']:.0f} MB", flush=True)
        asked: Counter[str] = Counter()
        results = _rounds(running, chosen, folder, options, asked)
        held = {name: process.resident_bytes() / 1e6 for name, (process, _) in running.items()}
        if "telltale" in running:
            held["telltale, resolver and writer alone"] = running["telltale"][0].resident_bytes(_RESOLVER) / 1e6
        if MISS in options.workloads.split(","):
            results += _rounds(running, [misses("")], folder, options, asked)
        beside = _beside_a_flood(running, folder, options) if MISS in options.workloads.split(",") else {}
        ends = {name: _end(process, folder / name, asked[name]) for name, (process, _) in running.items()}
        quiet = _quiet_beside_many(running, options) if MISS in options.workloads.split(",") else {}
        ours = _only_ours(running, folder, upstream, names, options) if "telltale" in running else {}
    print(table(results, list(running)))
    for name, megabytes in held.items():
        print(f"{name}: {megabytes:.0f} MB resident after the load, before new names")
    for name, ratio in beside.items():
        print(f"{name}: p99 of cached answers beside a flood of {MISSES:,} new names / alone: {ratio}")
    for name, found in quiet.items():
        answered = ", ".join(str(each.answered) for each in found)
        print(
            f"{name}: of a quiet device's {QUIET} new names beside {FLOOD:,} from {SOURCES} addresses, {answered} are "
            f"answered; p99 {spread([each.beside_ms for each in found])} ms beside, "
            f"{spread([each.alone_ms for each in found])} ms alone"
        )
    for name, end in ends.items():
        print(f"{name}: {end['resident_mb']:.0f} MB resident, {end['logged_share']:.1%} of its queries in its log")
    for what, value in ours.items():
        print(f"telltale: {what.replace('_', ' ')} {value:.1f}")
    if options.json:
        report = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"before": before, "after": machine()},
            "settings": {k: v for k, v in vars(options).items() if k != "json"},
            "starts": starts,
            "held": held,
            "beside_a_flood": {name: asdict(ratio) for name, ratio in beside.items()},
            "quiet_beside_many": {name: [asdict(each) for each in found] for name, found in quiet.items()},
            "ends": ends,
            "ours": ours,
            "summary": summary(results, list(running)),
            "results": [asdict(result) for result in results],
        }
        write_json(Path(options.json), report)
    return 1 if any(result.complaints for result in results) else 0


def _rounds(
    running: dict[str, tuple[Process, tuple[str, int]]],
    chosen: Sequence[Workload],
    folder: Path,
    options: argparse.Namespace,
    asked: Counter[str],
) -> list[Result]:
    """Every server warms up on every workload; then they alternate, each round beginning with another one.

    Counts in `asked` how many queries each was asked altogether.
    """
    for workload, (name, (_, server)) in itertools.product(chosen, running.items()):
        if workload.name != MISS:
            asked[name] += parse_dnsperf(_dnsperf(server, workload.write(folder), min(3.0, options.seconds))).sent
    results = []
    for number, workload in itertools.product(range(options.rounds), chosen):
        for name in rotate(list(running), number):
            process, server = running[name]
            load = misses(f"{name}-{number}") if workload.name == MISS else workload
            result = _measure(name, process, server, load, load.write(folder), number, options.seconds)
            asked[name] += result.asked
            print(f"round {number + 1} {workload.name:8} {name:16} {result.cpu_us:7.1f} us", flush=True)
            results.append(result)
    return sorted(results, key=lambda result: result.round)


def _beside_a_flood(
    running: dict[str, tuple[Process, tuple[str, int]]], folder: Path, options: argparse.Namespace
) -> dict[str, Spread]:
    """What a flood of new names does to those who ask for known ones: the ratio of their 99th percentiles."""
    hot = next(one for one in workloads(options.names) if one.name == "hot")
    found: dict[str, list[float]] = {name: [] for name in running if name != ECHO}
    for number, name in itertools.product(range(options.rounds), found):
        server = running[name][1]
        known = _some(hot, LATENCIES)
        latencies(server, sorted(set(known)))
        _, alone = latencies(server, known)
        flood = subprocess.Popen(
            _command(server, misses(f"beside-{name}-{number}").write(folder), None),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _, beside = latencies(server, known)
        finally:
            flood.wait(60)
        found[name].append(beside / alone)
    return {name: spread(ratios) for name, ratios in found.items()}


def _quiet_beside_many(
    running: dict[str, tuple[Process, tuple[str, int]]], options: argparse.Namespace
) -> dict[str, list[Fairness]]:
    """What a flood of new names from a hundred addresses does to one that asks now and then."""
    found: dict[str, list[Fairness]] = {name: [] for name in running if name != ECHO}
    for number, name in itertools.product(range(options.rounds), found):
        found[name].append(beside_many(running[name][1], f"fair-{name}-{number}", _ROOT))
    return found


def _end(process: Process, folder: Path, asked: int) -> dict[str, float]:
    """What a server holds at the end: memory, files, and how much of what it was asked stands in its log."""
    entries = logged(folder)
    return {
        "resident_mb": process.resident_bytes() / 1e6,
        "written_mb": written_bytes(folder) / 1e6,
        "asked": asked,
        "logged_share": entries / asked if entries is not None and asked else math.nan,
    }


def _measure(
    name: str, process: Process, server: tuple[str, int], workload: Workload, queries: Path, number: int, seconds: float
) -> Result:
    process.check()
    new = workload.name == MISS
    timed = misses(f"timed-{workload.asked[0]}", LATENCIES).asked if new else _some(workload, LATENCIES)
    p50, p99 = latencies(server, timed)
    before = process.settled_cpu_seconds()
    # What is new to a cache is new only once: asking twice would spoil it.
    with Checker(server, workload) if name != ECHO and not new else nullcontext() as checker:
        load = parse_dnsperf(_dnsperf(server, queries, None if new else seconds))
    used = process.settled_cpu_seconds() - before
    process.check()
    return Result(
        server=name,
        workload=workload.name,
        round=number,
        per_second=load.per_second,
        cpu_us=used / max(1, load.completed + (checker.asked if checker else 0)) * 1e6,
        p50_ms=p50 * 1e3,
        p99_ms=p99 * 1e3,
        asked=load.sent + (checker.asked if checker else 0) + LATENCIES,
        checked=checker.asked if checker else 0,
        complaints=(*complaints(load), *(checker.wrong[:3] if checker else ())),
    )


def _some(workload: Workload, count: int) -> list[str]:
    return random.Random(5).choices(workload.asked, k=count)


def _only_ours(
    running: dict[str, tuple[Process, tuple[str, int]]],
    folder: Path,
    upstream: tuple[str, int],
    names: Path,
    options: argparse.Namespace,
) -> dict[str, float]:
    """A click while 10,000 queries a second run, and a second start, with the list compiled as after every reboot."""
    process, server = running["telltale"]
    hot = next(one for one in workloads(options.names) if one.name == "hot")
    load = subprocess.Popen(
        _command(server, hot.write(folder), CLICKS + 1.0, "-Q", "10000"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        taken = clicks(server, folder / "telltale" / "data", sorted(set(hot.asked))[:CLICKS])
    finally:
        load.wait(60)
    process.stop()
    setting = Setting(folder / "telltale", server[1], free_port(), upstream, names)
    samples = _samples(options.names)
    log = setting.folder / "again.log"
    with Process("telltale", RECIPES["telltale"](setting), core=_SERVER_CORE, log=log, cwd=_ROOT) as again:
        seconds = wait_until_right(server, samples, check=again.check, patience=_START_PATIENCE)
        time.sleep(2)
        resident, alone = again.resident_bytes(), again.resident_bytes(_RESOLVER)
    return {
        "click_median_ms": median(taken) * 1e3,
        "click_worst_ms": max(taken) * 1e3,
        "second_start_ms": seconds * 1e3,
        "second_start_resident_mb": resident / 1e6,
        "second_start_resolver_resident_mb": alone / 1e6,
    }


def _command(server: tuple[str, int], queries: Path, seconds: float | None, *more: str) -> list[str]:
    """`seconds` of load, or each query once."""
    host, port = server
    span = ["-n", "1"] if seconds is None else ["-l", str(max(1, round(seconds)))]
    command = ["dnsperf", "-s", host, "-p", str(port), "-d", str(queries), *span, *more]
    return ["taskset", "-c", str(_CLIENT_CORE), *command, "-c", "8", "-q", "100", "-T", "1", "-t", "3", "-W"]


def _dnsperf(server: tuple[str, int], queries: Path, seconds: float | None) -> str:
    command = _command(server, queries, seconds)
    done = subprocess.run(command, capture_output=True, text=True, timeout=(seconds or 60) + 60, check=False)
    return done.stdout + done.stderr


def _samples(list_size: int) -> list[tuple[str, bool]]:
    some = list(itertools.islice(block_list(list_size), 0, list_size, max(1, list_size // 5)))
    return [(name, False) for name in allowed_names(3)] + [(name, True) for name in some]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="whole seconds of load each time (default 3)")
    parser.add_argument("--names", type=int, default=100_000, help="size of the block list (default 100,000)")
    parser.add_argument("--servers", default="telltale,dnsmasq", help="telltale,dnsmasq,dnsmasq-address,unbound")
    parser.add_argument("--command", action="append", default=[], metavar="NAME=COMMAND", help="one more server")
    parser.add_argument("--workloads", default="hot,blocked,mixed", help="hot,blocked,mixed,misses")
    parser.add_argument("--json", metavar="FILE", help="where the figures go as JSON")
    parser.add_argument("--suite", choices=["issue"], help="everything: 1,200,000 names, all servers, all workloads")
    options = parser.parse_args(arguments)
    if options.suite:
        options.names, options.rounds = 1_200_000, 5
        options.servers, options.workloads = "telltale,dnsmasq,unbound,echo", "hot,blocked,mixed,misses"
    if options.rounds < 1 or options.seconds < 1 or options.names < 10:
        parser.error("at least 1 round, 1 second and 10 names")
    if not set(options.workloads.split(",")) <= {"hot", "blocked", "mixed", MISS}:
        parser.error("workloads are hot, blocked, mixed and misses")
    return options


if __name__ == "__main__":
    sys.exit(main())
