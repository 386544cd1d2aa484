"""Bytes and ways round, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.journal.views import DetourRow, ExchangeRow
from gateway.model.flow import Detour, Outcome
from web import ledger

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)


def row(detour: Detour, outcome: Outcome, server: str = "8.8.8.8", count: int = 1, **more: Any) -> DetourRow:
    columns = {"protocol": "udp", "port": 53, "bytes": 0, **more}
    return DetourRow("mac:x", detour.value, server, outcome=outcome.value, count=count, first=NOW, last=NOW, **columns)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"), (1, "1 byte"), (812, "812 bytes"), (1_000, "1.0 kB"), (1_234_567, "1.2 MB"),
        (98_000_000, "98 MB"), (3_400_000_000, "3.4 GB"), (10**16, "10,000 TB"), (-5, "0 bytes"),
    ],
)  # fmt: skip
def test_a_size_is_said_as_on_the_box_of_a_disk(count: int, said: str) -> None:
    assert ledger.size(count) == said


def test_everything_is_said_in_one_breath() -> None:
    rows = [
        row(Detour.DNS, Outcome.ANSWERED, count=1204),
        row(Detour.DNS, Outcome.ANSWERED, "1.1.1.1", count=2),
        row(Detour.DOT, Outcome.REFUSED, "9.9.9.9", port=853),
        row(Detour.UNEXPLAINED, Outcome.NOTED, "203.0.113.9", bytes=700),
    ]
    assert ledger.sentence(rows, {"8.8.8.8": "Google Public DNS"}, "Living room") == (
        "Living room asked 8.8.8.8 (Google Public DNS) directly 1,204 times (and 1 other); Telltale answered instead. "
        "It tried encrypted DNS at 9.9.9.9 once; refused. It contacted 1 address that no lookup explains."
    )
    assert ledger.sentence([], {}) == ""


@pytest.mark.parametrize("detour", Detour)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_way_and_every_outcome_has_words(detour: Detour, outcome: Outcome) -> None:
    one = row(detour, outcome)
    assert ledger.way(one) != detour.value
    assert ledger.outcome(one)


def test_companies_come_by_their_bytes() -> None:
    rows = [
        ExchangeRow("a.example", "A", "advertising", 1, 2, 1),
        ExchangeRow("b.example", "B", "content", 10, 2000, 1),
        ExchangeRow("c.example", "A", "analytics", 5, 6, 1),
        ExchangeRow(None, None, "unknown", 0, 1, 1),
    ]
    companies = ledger.by_company(rows)
    assert [(each.company, each.up, each.down, len(each.rows)) for each in companies] == [
        ("B", 10, 2000, 1), ("A", 6, 8, 2), (None, 0, 1, 1),
    ]  # fmt: skip
