from __future__ import annotations

import pytest

from gateway.journal import turns
from gateway.journal.turns import in_turns, resting


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(turns.time, "sleep", taken.append)
    return taken


def test_a_few_rows_are_written_without_a_rest(rests: list[float]) -> None:
    rows = list(range(127))
    assert in_turns(rows) is rows
    assert rests == []


def test_many_rows_are_all_written_with_a_rest_between_some(rests: list[float]) -> None:
    rows = list(range(200))
    assert list(in_turns(rows)) == rows
    assert len(rests) == 3
    assert max(rests) < 0.001


def test_before_the_first_piece_nobody_rests(rests: list[float]) -> None:
    assert list(resting(["one"])) == ["one"]
    assert list(resting(["one", "two"])) == ["one", "two"]
    assert len(rests) == 1
