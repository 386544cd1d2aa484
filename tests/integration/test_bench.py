"""The bench runs from end to end against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", "--rounds", "1", "--seconds", "1", "--names", "50", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(
    not all(map(shutil.which, ("dnsperf", "taskset", "/usr/sbin/dnsmasq"))),
    reason="dnsperf or dnsmasq is not installed",
)
def test_the_bench_measures_dnsmasq(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = bench("--servers", "dnsmasq", "--workloads", "mixed", "--json", str(report))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(report.read_text())
    row = said["summary"]["mixed"]["dnsmasq"]
    assert row["queries_per_second"]["median"] > 100
    assert 1 < row["cpu_us_per_query"]["median"] < 10_000
    assert 0 < row["p50_ms"]["median"] <= row["p99_ms"]["median"]
    assert said["results"][0]["checked"] >= 5
    assert said["results"][0]["complaints"] == []
    assert said["ends"]["dnsmasq"]["logged_share"] == pytest.approx(1, abs=0.05)


@pytest.mark.skipif(not all(map(shutil.which, ("dnsperf", "taskset"))), reason="dnsperf is not installed")
def test_a_server_that_does_not_start_is_named() -> None:
    done = bench("--servers", "", "--command", f"lazy={sys.executable} -c 'import sys; sys.exit({{port}} * 0 + 3)'")
    assert done.returncode == 1
    assert "lazy ended with status 3" in done.stdout + done.stderr


def test_what_cannot_be_measured_is_refused() -> None:
    assert bench("--servers", "bind").returncode == 2 or shutil.which("dnsperf") is None
    assert bench("--rounds", "0").returncode == 2
    assert bench("--workloads", "cold").returncode == 2
