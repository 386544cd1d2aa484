"""The bench's arithmetic is right, and refuses what it cannot read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.figures import (
    Spread,
    complaints,
    family,
    parse_dnsperf,
    parse_stat,
    percentile,
    ratios,
    rotate,
    spread,
    ticks,
)

PRINTED = """DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 5335
[Status] Testing complete (time limit)

Statistics:

  Queries sent:         152345
  Queries completed:    152300 (99.97%)
  Queries lost:         45 (0.03%)

  Response codes:       NOERROR 152000 (99.80%), SERVFAIL 300 (0.20%)
  Average packet size:  request 33, response 49
  Run time (s):         3.000112
  Queries per second:   50764.771448

  Average Latency (s):  0.001912 (min 0.000042, max 0.030213)
  Latency StdDev (s):   0.000613
"""


def test_what_dnsperf_prints_is_read() -> None:
    load = parse_dnsperf(PRINTED)
    assert (load.sent, load.completed, load.lost) == (152345, 152300, 45)
    assert load.seconds == pytest.approx(3.000112)
    assert load.per_second == pytest.approx(50764.771448)
    assert load.codes == {"NOERROR": 152000, "SERVFAIL": 300}


@pytest.mark.parametrize("text", ["", "Error: no such file", PRINTED.replace("Queries per second", "Speed")])
def test_a_run_without_statistics_did_not_happen(text: str) -> None:
    with pytest.raises(ValueError, match="gave no statistics"):
        parse_dnsperf(text)


def test_a_run_with_wrong_or_lost_answers_does_not_count() -> None:
    load = parse_dnsperf(PRINTED)
    assert complaints(load) == ["answers that are not NOERROR: {'SERVFAIL': 300}"]
    assert "45 of 152345 queries were lost" in complaints(load, lost_share=0.0001)
    clean = PRINTED.replace("NOERROR 152000 (99.80%), SERVFAIL 300 (0.20%)", "NOERROR 152300 (100.00%)")
    assert complaints(parse_dnsperf(clean)) == []


def line(pid: int, parent: int, own: tuple[int, int], children: tuple[int, int], command: str = "python") -> str:
    return (
        f"{pid} ({command}) S {parent} {pid} {pid} 0 -1 4194560 100 0 0 0 "
        f"{own[0]} {own[1]} {children[0]} {children[1]} 20 0 1 0 5 0 0"
    )


def test_cpu_times_stand_behind_the_last_parenthesis() -> None:
    stat = parse_stat(line(42, 7, (11, 12), (3, 4), command="a (very) odd) name"))
    assert (stat.pid, stat.parent, stat.own, stat.ended_children) == (42, 7, 23, 7)


def test_the_machines_own_stat_lines_are_read() -> None:
    stat = parse_stat(Path("/proc/self/stat").read_text())
    assert stat.pid == os.getpid()
    assert stat.parent == os.getppid()
    assert stat.own > 0


def test_a_family_is_a_process_and_all_that_descends_from_it() -> None:
    stats = [
        parse_stat(line(1, 0, (900, 0), (0, 0))),
        parse_stat(line(10, 1, (5, 1), (2, 0))),
        parse_stat(line(11, 10, (7, 0), (0, 0))),
        parse_stat(line(12, 11, (1, 1), (0, 0))),
        parse_stat(line(20, 1, (500, 0), (0, 0))),
    ]
    members = family(stats, 10)
    assert set(members) == {10, 11, 12}
    assert ticks(members) == 6 + 2 + 7 + 2
    assert family(stats, 99) == {}


def test_medians_come_with_their_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([4.0, 1.0, 2.0, 3.0]).median == 2.5
    assert str(Spread(12.345, 9.0, 15.5)) == "12.3 (9-15.5)"
    assert str(Spread(51234.5, 50000.0, 60000.0)) == "51,234 (50,000-60,000)"
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


def test_ratios_are_taken_round_by_round() -> None:
    """In the second round the machine was twice as slow for both: the ratio does not care."""
    assert ratios([10.0, 20.0, 11.0], [20.0, 40.0, 20.0]) == Spread(0.5, 0.5, 0.55)
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentiles_are_values_that_were_measured(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_one_value_is_every_percentile() -> None:
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError):
        percentile([], 0.5)


def test_everybody_is_first_once() -> None:
    servers = ["a", "b", "c"]
    assert [rotate(servers, number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert all(sorted(rotate(servers, number)) == servers for number in range(4))
