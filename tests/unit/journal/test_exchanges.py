"""Bytes and detours: added up as they come, read as sums."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.journal.exchange_store import ExchangeStore
from gateway.journal.hooks import Hooks
from gateway.journal.horizon import Reach
from gateway.journal.reader import Reader
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from gateway.journal.writer import Writer
from gateway.model.device import Device
from gateway.model.flow import Attempt, Detour, Exchange, Outcome
from gateway.model.lookup import Facts, LogRow
from tests.unit.journal.home import NOON, TELEVISION, device_of, open_ledger, record, row, tag_of

DEVICE = device_of(TELEVISION, NOON.timestamp())
HOUR = timedelta(hours=1)


class Desk:
    def __init__(self, path: Path) -> None:
        self.heard: list[tuple[str, str, float]] = []
        self.queue: deque[LogRow] = deque()
        self.writer = Writer(
            path,
            self.queue,
            hooks=Hooks(
                tag=tag_of, device_of=device_of, publish=lambda _: None, report=lambda _: None, on_answer=self._hear
            ),
            interval=0.01,
        )
        self.store = ExchangeStore(self.writer)
        self.reader = Reader(path)

    def add(self, exchanged: list[Exchange], tried: list[Attempt], device: Device = DEVICE) -> None:
        self.store.add(exchanged, [(device.id, each) for each in tried], [device]).result(10)

    def _hear(self, client: str, facts: Facts, when: float) -> None:
        self.heard.append((client, facts.name, when))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example"), row("log.tv.example")])
    desk = Desk(path)
    desk.writer.start()
    yield desk
    desk.reader.close()
    desk.writer.stop()


def exchange(name: str | None, up: int, down: int, when: datetime = NOON) -> Exchange:
    return Exchange(DEVICE.id, name, when, up, down, 1)


def attempt(server: str, *, count: int = 1, seconds: float = 0.0, size: int = 0) -> Attempt:
    at = NOON + timedelta(seconds=seconds)
    return Attempt(None, Detour.DNS, server, "udp", 53, Outcome.ANSWERED, count, at, at, size)


def test_bytes_of_one_name_add_up_and_come_most_first(desk: Desk) -> None:
    desk.add([exchange("ads.example", 10, 100), exchange("log.tv.example", 5, 5000)], [])
    desk.add([exchange("ads.example", 1, 2), exchange("ads.example", 1, 2, NOON + HOUR)], [])
    found = desk.reader.exchanges(NOON, NOON + 2 * HOUR, DEVICE.id)
    assert [(each.name, each.up, each.down, each.connections) for each in found] == [
        ("log.tv.example", 5, 5000, 1),
        ("ads.example", 12, 104, 3),
    ]
    assert found[1].company == "Ads Inc"
    assert [each.up for each in desk.reader.exchanges(NOON + HOUR, NOON + 2 * HOUR)] == [1]
    assert desk.reader.exchanges(NOON, NOON + HOUR, "mac:00:00:00:00:00:99") == ()


def test_what_nobody_explains_and_names_that_were_never_asked_for_count_for_nobody(desk: Desk) -> None:
    desk.add([exchange(None, 1, 2), exchange("never-asked.example", 10, 20)], [])
    (found,) = desk.reader.exchanges(NOON, NOON + HOUR)
    assert (found.name, found.company, found.up, found.down) == (None, None, 11, 22)


def test_detours_of_one_kind_are_one_row_a_day_with_its_first_and_last(desk: Desk) -> None:
    desk.add([], [attempt("8.8.8.8", count=3), attempt("1.1.1.1", seconds=5)])
    desk.add([], [attempt("8.8.8.8", count=4, seconds=60)])
    latest, other = desk.reader.detours(NOON - HOUR, NOON + HOUR, DEVICE.id)
    assert (latest.server, latest.count, latest.outcome) == ("8.8.8.8", 7, "answered by us")
    assert (latest.first, latest.last) == (NOON, NOON + timedelta(seconds=60))
    assert other.server == "1.1.1.1"


def test_a_device_that_never_asked_us_is_noted_down_as_well(desk: Desk) -> None:
    stranger = Device("mac:02:00:00:00:00:77", "02:00:00:00:00:77", (), NOON, NOON)
    desk.add([], [attempt("9.9.9.9")], stranger)
    assert [each.device for each in desk.reader.detours(NOON - HOUR, NOON + HOUR)] == [stranger.id]


def hear(desk: Desk, rows: list[LogRow], expected: int) -> list[tuple[str, str, float]]:
    desk.queue.extend(rows)
    while len(desk.heard) < expected:
        desk.writer.run(lambda _: None).result(10)
    return desk.heard


def test_who_was_asked_what_is_heard_in_order_with_its_time_even_in_a_storm(desk: Desk) -> None:
    """Names that share an address explain a connection by their order, so none may be folded away."""
    began = NOON.timestamp()
    first, second = row("film.example"), row("ads.example")
    answers = [(began + 0.01 * number, *(first, second)[number % 2][1:]) for number in range(20)]
    heard = hear(desk, answers, 20)
    assert heard == [(TELEVISION, answer[2].name, answer[0]) for answer in answers]


def test_in_a_flood_each_answer_is_heard_once(desk: Desk) -> None:
    same, other = row("film.example"), row("film.example", client="192.0.2.77")
    desk.writer.run(lambda _: desk.queue.extend([same] * 3000 + [other])).result(10)
    heard = hear(desk, [], 2)
    assert [each[:2] for each in heard] == [(TELEVISION, "film.example"), ("192.0.2.77", "film.example")]


def test_a_sweep_takes_old_accounts_and_spares_the_names_of_those_that_stay(tmp_path: Path, desk: Desk) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    desk.add([exchange("ads.example", 1, 1, old), exchange("log.tv.example", 2, 2)], [attempt("8.8.8.8")])
    desk.add([], [Attempt(None, Detour.DOT, "9.9.9.9", "tcp", 853, Outcome.REFUSED, 1, old, old)])
    desk.writer.stop()
    retention = Retention(hours=timedelta(days=62), rollups=timedelta(days=400))
    with open_ledger(tmp_path / "journal.sqlite") as (connection, _):
        pass
    from gateway.journal.engine import open_engine

    engine = open_engine(tmp_path / "journal.sqlite")
    with engine.connect() as connection:
        for _ in sweep(connection, retention, Reach(NOON.timestamp()), forget=lambda: None, thorough=True):
            pass
    engine.dispose()
    everything = (old - HOUR, NOON + HOUR)
    assert [each.name for each in desk.reader.exchanges(*everything)] == ["log.tv.example"]
    assert [each.server for each in desk.reader.detours(*everything)] == ["8.8.8.8"]
