"""Numbers that Prometheus can read."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

import pytest

from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from tests.support.dashboard import Home, home
from tests.support.serving import rules
from web.api.metrics import _COUNTERS, _GAUGES

_PART = re.compile("_(bucket|sum|count)$")
_LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
_LINE = re.compile(rf"([a-z_][a-z0-9_]*)(\{{{_LABEL}(?:,{_LABEL})*\}})? (\S+)")


@pytest.fixture
def at_home(tmp_path: Path) -> Home:
    return home(tmp_path)


def samples(at_home: Home) -> dict[str, float]:
    answer = at_home.visitor().get("/metrics", headers=at_home.token())
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    found: dict[str, float] = {}
    typed = set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("# HELP "):
            match = _LINE.fullmatch(line)
            assert match, line
            assert match[1] in typed or _PART.sub("", match[1]) in typed, "each family says its type before its samples"
            assert match[1] + (match[2] or "") not in found
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def test_a_home_that_is_well(at_home: Home) -> None:
    found = samples(at_home)
    assert found["telltale_up"] == 1
    assert found["telltale_journal_readable"] == 1
    assert found["telltale_queries_udp_total"] == 12
    assert found["telltale_hit_ratio"] == 0.5
    assert found["telltale_in_flight"] == 3, "what can fall is no counter"
    assert found['telltale_healthy{part="upstream"}'] == 1
    assert found['telltale_build_info{version="0.2.0"}'] == 1
    assert found[r'telltale_upstream_latency_seconds{url="udp://9.9.9.9\"\\"}'] == pytest.approx(0.0115)


def test_how_long_answers_took_is_a_histogram(at_home: Home) -> None:
    found = samples(at_home)
    family = "telltale_answer_seconds"
    assert found[family + '_bucket{source="cache",le="0.001"}'] == 4
    assert found[family + '_bucket{source="cache",le="+Inf"}'] == found[family + '_count{source="cache"}'] == 7
    assert found[family + '_sum{source="cache"}'] == pytest.approx(0.0115)


def test_every_number_of_the_resolver_says_what_it_is() -> None:
    resolver = Resolver(log=LogQueue(rows=deque()), upstreams=[], policy=rules(), device_of=lambda client: client)
    assert set(resolver.counters()) <= set(_COUNTERS) | set(_GAUGES)
    assert set(_COUNTERS).isdisjoint(_GAUGES)


def test_without_the_resolver_there_still_is_something_to_alarm_on(at_home: Home) -> None:
    at_home.control.asleep = at_home.reader.broken = True
    assert samples(at_home) == {
        "telltale_up": 0,
        "telltale_dashboard_streams": 0,
        "telltale_journal_readable": 0,
    }
