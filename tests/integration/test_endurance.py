"""The long runs, cut short: they start, they count, and they would notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import replay, soak
from tests.bench.endurance import rig, slope

pytestmark = pytest.mark.integration


def test_a_corpus_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    corpus = replay.record(500, 1, None)
    replay.write_corpus(tmp_path / "corpus", corpus)
    assert replay.read_corpus(tmp_path / "corpus") == corpus == replay.record(500, 1, None)


def test_a_slope_is_that_of_the_later_half() -> None:
    assert slope([(0, 50), (1, 90), (2, 100), (3, 100), (4, 100), (5, 100)]) == 0
    assert slope([(float(n), 10.0 + 3 * n) for n in range(20)]) == pytest.approx(3)
    assert slope([(0, 1), (1, 9)]) == 0


def test_a_short_replay_and_a_short_soak_find_nothing() -> None:
    with rig(200) as stage:
        report = replay.replay(stage, replay.record(5_000, 1, None), 20_000)
        assert replay.complaints(report) == []
        assert report["datagrams"] == 20_000
        assert report["received"] > 19_000
        assert len(report["resident_mb"]) > 50
        assert report["counters"]["malformed"] > 2_000
        stage.memory.clear()
        soaked = soak.soak(stage, 4.0, 300.0)
        assert soak.complaints(soaked) == []
        assert soaked["outcomes"]["asked"] >= 1_100
        assert soaked["outcomes"]["answered"] == soaked["outcomes"]["asked"]
        assert soaked["outcomes"]["clicks"] >= 1
        assert soaked["outcomes"]["tcp"] >= 3


def test_a_resolver_that_dies_is_noticed() -> None:
    with rig(10) as stage:
        stage.process.stop()
        with pytest.raises(RuntimeError, match="ended"):
            stage.look(0)
        stage.counters = lambda: {"queries_udp": 0}  # type: ignore[method-assign]
        report = replay.replay(stage, replay.record(500, 1, None), 1_000)
    assert replay.complaints(report)
