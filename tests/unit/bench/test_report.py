"""A report says medians, spreads and ratios, and which runs do not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.report import Result, machine, summary, table, write_json


def result(server: str, number: int, cpu: float, *complaints: str) -> Result:
    return Result(server, "hot", number, 1e6 / cpu, cpu, 0.1, 0.4, 9_000, 120, complaints)


RESULTS = [
    result("ours", 0, 10.0),
    result("theirs", 0, 40.0),
    result("ours", 1, 20.0),
    result("theirs", 1, 80.0, "5 lost"),
    result("ours", 2, 12.0),
    result("theirs", 2, 30.0),
]


def test_a_summary_holds_medians_and_ratios_by_round() -> None:
    hot = summary(RESULTS, ["ours", "theirs"])["hot"]
    assert hot["ours"]["cpu_us_per_query"] == {"median": 12.0, "low": 10.0, "high": 20.0}
    assert hot["ratios"]["ours / theirs"]["cpu"] == {"median": 0.25, "low": 0.25, "high": 0.4}
    assert hot["ratios"]["ours / theirs"]["queries_per_second"]["median"] == pytest.approx(4.0)


def test_a_table_names_every_server_and_every_run_that_does_not_count() -> None:
    text = table(RESULTS, ["ours", "theirs"])
    assert "ours / theirs: CPU 0.25 (0.25-0.4)" in text
    assert "theirs, hot, round 2: 5 lost" in text
    assert "do not count" not in table(RESULTS[:1], ["ours"])


def test_json_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json(path, {"machine": machine(), "summary": summary(RESULTS, ["ours", "theirs"])})
    assert json.loads(path.read_text())["machine"]["cpus"] >= 1
    assert list(tmp_path.iterdir()) == [path]
