from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import count as counting
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from gateway.errors import JournalError
from gateway.journal import engine as engine_module
from gateway.journal.hooks import Hooks
from gateway.journal.reader import Reader
from gateway.journal.schema import lookups, marks
from gateway.journal.writer import Writer
from gateway.model.device import Device
from gateway.model.event import HealthChanged, LookupRecorded
from gateway.model.lookup import LogBatch, LogRow
from gateway.model.tag import Tag
from tests.support.waiting import PATIENCE, wait_until
from tests.unit.journal.home import NOON, TELEVISION, device_of, facts, row, tag_of


@dataclass
class Desk:
    """A running writer and everything it said."""

    writer: Writer
    queue: deque[LogRow]
    events: list[LookupRecorded] = field(default_factory=list)
    health: list[HealthChanged] = field(default_factory=list)

    def count(self) -> int:
        with Reader_(self.writer.path) as reader:
            return reader.totals(None, None).lookups


@contextmanager
def Reader_(path: Path) -> Iterator[Reader]:
    reader = Reader(path)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def open_desk(path: Path, **options: Any) -> Iterator[Desk]:
    queue: deque[LogRow] = deque()
    events: list[LookupRecorded] = []
    health: list[HealthChanged] = []
    wanted = {field.name for field in fields(Hooks)}
    hooks: dict[str, Any] = {"tag": tag_of, "device_of": device_of, "publish": events.append, "report": health.append}
    hooks |= {name: value for name, value in options.items() if name in wanted}
    rest: dict[str, Any] = {"interval": 0.02, "clock": NOON.timestamp}
    rest |= {name: value for name, value in options.items() if name not in wanted}
    desk = Desk(Writer(path, queue, hooks=Hooks(**hooks), **rest), queue, events, health)
    desk.writer.start()
    try:
        yield desk
    finally:
        desk.writer.stop()
        assert not desk.writer.is_alive()


def test_lookups_are_on_disk_before_anybody_is_informed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    found: list[int] = []

    def publish(event: LookupRecorded) -> None:
        raw = sqlite3.connect(path)
        found.append(raw.execute("SELECT count(*) FROM lookups").fetchone()[0])
        raw.close()

    with open_desk(path, publish=publish) as desk:
        desk.queue.extend(row("ads.example", n) for n in range(7))
        wait_until(lambda: found)
    assert sum(found) >= 7
    assert desk.health == []


def test_names_are_tagged_again_when_what_is_known_of_them_has_changed(tmp_path: Path) -> None:
    company = "Before"

    def tag(*_: Any) -> Tag:
        return Tag(company, confidence=0.9)

    def newest() -> set[str | None]:
        return {event.lookups[-1].company for event in desk.events[-1:]}

    with open_desk(tmp_path / "journal.sqlite", tag=tag) as desk:
        desk.queue.append(row("ads.example", 1))
        wait_until(lambda: newest() == {"Before"})
        company = "After"
        desk.queue.append(row("ads.example", 2))
        wait_until(lambda: len(desk.events) == 2)
        assert newest() == {"Before"}, "a tag is kept as long as nothing is said against it"
        desk.writer.learn_anew()
        desk.queue.append(row("ads.example", 3))
        wait_until(lambda: len(desk.events) == 3)
        assert newest() == {"After"}
        raw = sqlite3.connect(desk.writer.path)
        assert raw.execute("SELECT company FROM names").fetchall() == [("After",)]
        raw.close()


def test_a_busy_moment_is_published_in_part(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite", interval=0.3) as desk:
        wait_until(lambda: desk.writer.counters()["bytes"])
        desk.queue.extend(row("ads.example", n) for n in range(500))
        wait_until(lambda: desk.writer.counters()["recorded"] == 500)
        wait_until(lambda: sum(len(event.lookups) + event.left_out for event in desk.events) == 500)
    assert max(len(event.lookups) for event in desk.events) == 100
    ids = [lookup.id for event in desk.events for lookup in event.lookups]
    assert ids == sorted(ids)
    assert ids[-1] == 500


def test_nothing_is_made_to_be_shown_when_nobody_listens(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite", wants_events=lambda: False) as desk:
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
    assert desk.events == []


def test_stopping_writes_what_the_queue_still_holds(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite", interval=30.0) as desk:
        wait_until(lambda: desk.writer.counters()["bytes"])
        desk.queue.extend(row("ads.example", n) for n in range(50))
    assert desk.count() == 50
    assert desk.writer.counters()["waiting"] == 0


def test_others_write_in_the_same_thread_and_get_their_result(tmp_path: Path) -> None:
    def work(connection: Connection) -> str:
        connection.execute(insert(marks).values(name="mine", value=7))
        return threading.current_thread().name

    # It is woken for it: the next round by itself would come in an hour.
    with open_desk(tmp_path / "journal.sqlite", interval=3600.0) as desk:
        assert desk.writer.run(work).result(PATIENCE) == "journal"
        found = desk.writer.run(lambda c: c.execute(select(marks.c.value).where(marks.c.name == "mine")).scalar())
        assert found.result(PATIENCE) == 7


def test_what_somebody_elses_write_raises_undoes_it_and_hurts_nobody(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(marks).values(name="mine", value=7))
        raise LookupError("changed my mind")

    with open_desk(tmp_path / "journal.sqlite") as desk:
        with pytest.raises(LookupError, match="changed my mind"):
            desk.writer.run(work).result(PATIENCE)
        count = desk.writer.run(lambda c: c.execute(select(func.count()).where(marks.c.name == "mine")).scalar())
        assert count.result(PATIENCE) == 0
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
    assert desk.health == []
    assert desk.writer.counters()["failures"] == 0


def test_after_the_end_nothing_more_is_promised(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite") as desk:
        pass
    future: Future[None] = desk.writer.run(lambda _: None)
    with pytest.raises(JournalError, match="closed"):
        future.result(PATIENCE)


@pytest.mark.expects_log("nobody could hear of LookupRecorded")
def test_a_listener_that_fails_does_not_stop_the_recording(tmp_path: Path) -> None:
    def publish(_: LookupRecorded) -> None:
        raise BrokenPipeError("gone")

    with open_desk(tmp_path / "journal.sqlite", publish=publish) as desk:
        for number in range(3):
            desk.queue.append(row("ads.example", number))
            wait_until(lambda done=number + 1: desk.writer.counters()["recorded"] == done)


@pytest.mark.expects_log("cannot be recorded")
def test_rows_that_no_table_takes_are_dropped_and_the_next_ones_are_not(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite") as desk:
        desk.queue.append(row("lone.\ud800.example"))
        wait_until(lambda: desk.writer.counters()["dropped"] == 1)
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
        wait_until(lambda: len(desk.health) == 2)
    assert [event.healthy for event in desk.health] == [False, True]
    assert desk.count() == 1


@pytest.mark.slow
def test_a_full_disk_is_reported_once_and_the_recording_goes_on_when_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    space = engine_module._WRITE_PRAGMAS
    monkeypatch.setattr(engine_module, "_WRITE_PRAGMAS", (*space, "max_page_count=40"))
    with open_desk(path) as desk:
        desk.queue.extend(row(f"name{n}.example", n / 1000) for n in range(5000))
        wait_until(lambda: desk.writer.counters()["failures"] >= 2)
        assert [event.healthy for event in desk.health][:1] == [False]
        assert "disk is full" in desk.health[0].says
        assert desk.writer.counters()["waiting"] == 5000
        with pytest.raises(JournalError):
            desk.writer.run(_fill).result(PATIENCE)
        monkeypatch.setattr(engine_module, "_WRITE_PRAGMAS", space)
        wait_until(lambda: desk.writer.counters()["recorded"] == 5000)
        wait_until(lambda: desk.health[-1].healthy)
    assert desk.count() == 5000
    assert desk.writer.counters()["dropped"] == 0


def _fill(connection: Connection) -> None:
    connection.execute(insert(marks), [{"name": "x" * 3000 + str(n), "value": n} for n in range(200)])


@pytest.mark.slow
def test_while_nothing_can_be_written_the_newest_lookups_are_kept_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.symlink_to(tmp_path / "nowhere" / "at all")
    with open_desk(path) as desk:
        wait_until(lambda: desk.health)
        desk.queue.extend(row(f"name{n % 500}.example", n / 1000) for n in range(30_000))
        wait_until(lambda: desk.writer.counters()["dropped"] == 10_000)
        assert not desk.queue
        path.unlink()
        wait_until(lambda: desk.writer.counters()["recorded"] == 20_000)
    assert [event.healthy for event in desk.health] == [False, True]
    assert desk.count() == 20_000


@pytest.mark.slow
def test_a_journal_that_breaks_while_it_is_written_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_desk(path) as desk:
        desk.queue.extend(row(f"name{n}.example", n / 1000) for n in range(5000))
        wait_until(lambda: desk.writer.counters()["recorded"] == 5000)
        desk.writer.run(lambda _: None).result(PATIENCE)
        raw = sqlite3.connect(path)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        raw.close()
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        others = counting(1)

        def noticed() -> bool:
            number = next(others)
            desk.queue.append(row(f"other{number}.example", 10 + number / 1000))
            return len(desk.health) >= 2

        wait_until(noticed, shows=desk.writer.counters)
        wait_until(lambda: not desk.writer.counters()["waiting"])
    assert [event.healthy for event in desk.health] == [False, True]
    assert "a new one" in desk.health[1].says
    assert len(list(tmp_path.glob("journal.broken-*.sqlite"))) == 1
    assert 0 < desk.count() < next(others)


def test_a_broken_journal_at_the_start_is_reported_and_a_new_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"\0garbage" * 4096)
    with open_desk(path) as desk:
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
    assert [(event.part, event.healthy) for event in desk.health] == [("journal", True)]
    assert "damaged" in desk.health[0].says


def test_a_journal_that_somebody_deletes_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_desk(path) as desk:
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
        for each in tmp_path.iterdir():
            each.unlink()
        wait_until(lambda: desk.health)
        desk.queue.append(row("ads.example", 1))
        wait_until(lambda: desk.writer.counters()["recorded"] == 2)
    assert "was gone" in desk.health[0].says
    assert desk.count() == 1


def test_a_journal_of_a_newer_version_is_not_touched_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_desk(path):
        pass
    raw = sqlite3.connect(path)
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    with open_desk(path) as desk:
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.health)
    assert "newer Telltale" in desk.health[0].says
    assert desk.writer.counters()["dropped"] == 1


def test_minutes_are_added_up_as_the_clock_moves(tmp_path: Path) -> None:
    now = [NOON.timestamp()]
    with open_desk(tmp_path / "journal.sqlite", clock=lambda: now[0]) as desk:
        desk.queue.append(row("ads.example"))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
        now[0] += 61
        folded = select(marks.c.value).where(marks.c.name == "folded")
        wait_until(
            lambda: desk.writer.run(lambda c: c.execute(folded).scalar()).result(PATIENCE) == int(now[0] // 60) - 1
        )


def test_old_lookups_go_while_new_ones_come(tmp_path: Path) -> None:
    old = 40 * 86_400.0
    with open_desk(tmp_path / "journal.sqlite", sweep_every=0.1) as desk:
        desk.queue.extend(row("ads.example", n * 60 - old) for n in range(300))
        desk.queue.append(row("ads.example"))
        count = select(func.count()).select_from(lookups)
        wait_until(lambda: desk.writer.counters()["recorded"] == 301)
        wait_until(lambda: desk.writer.run(lambda c: c.execute(count).scalar()).result(PATIENCE) == 1)
    assert desk.health == []


def test_a_clock_that_jumps_by_ten_years_takes_no_history_with_it(tmp_path: Path) -> None:
    now = [NOON.timestamp()]
    with open_desk(tmp_path / "journal.sqlite", sweep_every=0.02, clock=lambda: now[0]) as desk:
        desk.queue.extend(row("ads.example", -n * 43_200) for n in range(40))
        wait_until(lambda: desk.writer.counters()["recorded"] == 40)
        wait_until(lambda: desk.writer._sweeps > 2)
        now[0] += 3_652 * 86_400.0
        desk.queue.append(row("ads.example", 3_652 * 86_400.0))
        wait_until(lambda: desk.writer.counters()["recorded"] == 41)
        swept = desk.writer._sweeps
        wait_until(lambda: desk.writer._sweeps > swept + 5)
        count = select(func.count()).select_from(lookups)
        assert desk.writer.run(lambda c: c.execute(count).scalar()).result(PATIENCE) == 41


def test_a_tag_follows_the_maker_of_the_device(tmp_path: Path) -> None:
    makers: list[str] = []

    def tag(_name: str, _targets: tuple[str, ...], device: Device) -> Tag:
        makers.append(device.maker)
        return Tag()

    with open_desk(tmp_path / "journal.sqlite", tag=tag) as desk:
        desk.queue.append((NOON.timestamp(), TELEVISION, facts("a.example"), 0.0))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
    assert makers == [""]


def test_what_the_fast_path_answered_is_recorded_too_and_a_storm_as_one_row(tmp_path: Path) -> None:
    batches: deque[LogBatch] = deque()
    (when, client, facts, latency), *_ = [row("ads.example", 0)]
    with open_desk(tmp_path / "journal.sqlite", batches=batches) as desk:
        batches.append(LogBatch(when, [client] * 50, [facts] * 50, latency))
        wait_until(lambda: desk.writer.counters()["recorded"] == 50)
        wait_until(lambda: desk.events)
        assert desk.count() == 50
    assert [(lookup.times, event.left_out) for event in desk.events for lookup in event.lookups] == [(50, 0)]


def test_while_thousands_ask_a_second_is_written_when_it_is_over(tmp_path: Path) -> None:
    batches: deque[LogBatch] = deque()
    now = [NOON.timestamp() + 0.5]
    (_, client, facts_, latency), *_ = [row("ads.example", 0)]
    with open_desk(tmp_path / "journal.sqlite", batches=batches, clock=lambda: now[0]) as desk:
        batches.append(LogBatch(now[0], [client] * 3_000, [facts_] * 3_000, latency))
        wait_until(lambda: not batches)
        batches.append(LogBatch(now[0], [client] * 3_000, [facts_] * 3_000, latency))
        wait_until(lambda: desk.writer.counters()["recorded"] == 6_000)
    with open_desk(tmp_path / "other.sqlite", batches=batches, clock=lambda: now[0]) as desk:
        batches.append(LogBatch(now[0], [client] * 3_000, [facts_] * 3_000, latency))
        wait_until(lambda: not batches)
    # Also what was not over yet when the writer was asked to stop.
    assert desk.count() == 3_000


@pytest.mark.slow
def test_in_a_flood_of_new_names_rows_wait_a_second_and_none_is_lost(tmp_path: Path) -> None:
    with open_desk(tmp_path / "journal.sqlite") as desk:
        desk.queue.extend([row("first.example", 0)])
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
        began = time.monotonic()
        desk.queue.extend([row(f"n{number}.example", number) for number in range(2_500)])
        wait_until(lambda: desk.writer.counters()["recorded"] == 2_501)
        assert time.monotonic() - began > 0.5
        desk.queue.extend([row(f"m{number}.example", number) for number in range(3_000)])
    assert desk.count() == 5_501


def test_known_answers_beside_a_flood_are_counted_meanwhile(tmp_path: Path) -> None:
    batches: deque[LogBatch] = deque()
    (when, client, facts_, latency), *_ = [row("ads.example", 0)]
    with open_desk(tmp_path / "journal.sqlite", batches=batches) as desk:
        desk.queue.append(row("first.example", 0))
        wait_until(lambda: desk.writer.counters()["recorded"] == 1)
        desk.queue.extend([row(f"n{number}.example", number) for number in range(2_500)])
        batches.append(LogBatch(when, [client] * 3, [facts_] * 3, latency))
        wait_until(lambda: not batches and desk.writer.counters()["waiting"] == 2_503)
        assert desk.writer.counters()["recorded"] == 1
    assert desk.count() == 2_504


def test_while_a_long_batch_is_written_known_answers_do_not_pile_up_and_are_not_forgotten(tmp_path: Path) -> None:
    batches: deque[LogBatch] = deque()
    waiting: list[int] = []
    (when, client, facts_, latency), *_ = [row("ads.example", 0)]

    def slow_tag(name: str, _targets: tuple[str, ...], _device: Device) -> Tag:
        if name == "n0.example":
            batches.extend(LogBatch(when, [client], [facts_] * 2, latency) for _ in range(700))
        time.sleep(0.001)
        waiting.append(len(batches))
        return Tag()

    with open_desk(tmp_path / "journal.sqlite", tag=slow_tag, batches=batches) as desk:
        desk.queue.extend([row(f"n{number}.example", number) for number in range(20)])
        wait_until(lambda: len(waiting) >= 20)
    assert waiting[0] == 700
    assert min(waiting[1:19]) == 0, "counted between two names of the same batch"
    assert desk.count() == 20 + 1_400
