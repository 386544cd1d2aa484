from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal.reader import Bar, LookupFilter, Reader, Totals
from gateway.model.lookup import Facts, LogRow
from gateway.model.response import Source
from tests.unit.journal.home import BLOCKED, NOON, PHONE, TELEVISION, record, row

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TV, TEL = "mac:02:00:00:00:00:02", "mac:02:00:00:00:00:03"


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """Records these lookups and opens a reader on them."""
    readers: list[Reader] = []

    def record_and_read(*rows: LogRow, fold_at: float | None = None, patience: float = 5.0) -> Reader:
        record(tmp_path / "journal.sqlite", rows, fold_at=fold_at)
        readers.append(Reader(tmp_path / "journal.sqlite", patience=patience))
        return readers[-1]

    yield record_and_read
    for reader in readers:
        reader.close()


def names_of(reader: Reader, wanted: LookupFilter) -> list[str]:
    return [lookup.name for lookup in reader.lookups(wanted).lookups]


def test_the_newest_lookup_comes_first_with_all_its_words(read: Callable[..., Reader]) -> None:
    happened = Facts("ads.example", 65, 0, Source.POLICY, BLOCKED, ("edge.example",))
    reader = read(row("log.tv.example"), (NOON.timestamp() + 1, PHONE, happened, 0.0015))
    newest, oldest = reader.lookups().lookups
    assert (newest.id, newest.time, newest.type) == (2, NOON + timedelta(seconds=1), "HTTPS")
    assert (newest.device, newest.device_name, newest.client) == (TEL, "Phones", PHONE)
    assert (newest.verdict, newest.reason, newest.lists) == ("block", "block list", ("Easy", "Strict"))
    assert (newest.company, newest.category, newest.party) == ("Ads Inc", "advertising", "third")
    assert (newest.source, newest.latency_ms, newest.targets) == ("policy", 1.5, ("edge.example",))
    assert oldest == reader.lookup(1)


def test_pages_follow_on_without_gap_or_repetition_while_new_lookups_come(
    read: Callable[..., Reader], tmp_path: Path
) -> None:
    reader = read(*(row("ads.example", n) for n in range(25)))
    page = reader.lookups(limit=10)
    seen = [lookup.id for lookup in page.lookups]
    record(tmp_path / "journal.sqlite", [row("ads.example", 100)])
    while page.next is not None:
        page = reader.lookups(limit=10, before=page.next)
        seen += [lookup.id for lookup in page.lookups]
    assert seen == list(range(25, 0, -1))


def test_a_page_that_is_exactly_full_says_that_it_is_the_last(read: Callable[..., Reader]) -> None:
    reader = read(*(row("ads.example", n) for n in range(10)))
    assert reader.lookups(limit=10).next is None
    assert reader.lookups(LookupFilter(name="ads"), limit=10).next is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LookupFilter(device=TEL), ["phone.example"]),
        (LookupFilter(client=TELEVISION), ["tv_1.example", "ads.example", "log.tv.example"]),
        (LookupFilter(company="TV Maker"), ["log.tv.example"]),
        (LookupFilter(category="advertising"), ["ads.example"]),
        (LookupFilter(category="unknown"), ["tv_1.example", "phone.example"]),
        (LookupFilter(verdict="block"), ["ads.example"]),
        (LookupFilter(verdict="allow", device=TV), ["tv_1.example", "log.tv.example"]),
        (LookupFilter(name="tv"), ["tv_1.example", "log.tv.example"]),
        (LookupFilter(name=" LOG.tv.example. "), ["log.tv.example"]),
        (LookupFilter(name="*.tv.example"), ["log.tv.example"]),
        (LookupFilter(name="*.TV.*"), ["log.tv.example"]),
        (LookupFilter(name="tv*"), ["tv_1.example"]),
        (LookupFilter(name="_"), ["tv_1.example"]),
        (LookupFilter(name="%"), []),
        (LookupFilter(name="!_"), []),
        (LookupFilter(name="tv_*"), ["tv_1.example"]),
        (LookupFilter(name="phone_example*"), []),
        (LookupFilter(name="**"), ["tv_1.example", "ads.example", "log.tv.example", "phone.example"]),
        (LookupFilter(name="  "), ["tv_1.example", "ads.example", "log.tv.example", "phone.example"]),
        (LookupFilter(since=NOON + timedelta(seconds=2)), ["tv_1.example", "ads.example"]),
        (LookupFilter(until=NOON + timedelta(seconds=2)), ["log.tv.example", "phone.example"]),
        (LookupFilter(since=NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=2)), ["log.tv.example"]),
        (LookupFilter(device="mac:nobody"), []),
        (LookupFilter(client="192.0.2.1"), []),
        (LookupFilter(company="'; DROP TABLE lookups; --"), []),
    ],
)
def test_a_filter_finds_what_it_says(read: Callable[..., Reader], wanted: LookupFilter, found: list[str]) -> None:
    reader = read(
        row("phone.example", 0, client=PHONE),
        row("log.tv.example", 1),
        row("ads.example", 2, blocked=True),
        row("tv_1.example", 3),
    )
    assert names_of(reader, wanted) == found


def test_a_name_may_be_asked_for_as_people_write_it(read: Callable[..., Reader]) -> None:
    reader = read(row("xn--bcher-kva.example"))
    assert names_of(reader, LookupFilter(name="Bücher.example")) == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "wanted",
    [
        LookupFilter(verdict="maybe"),
        LookupFilter(name="x" * 400),
        LookupFilter(since=datetime(2025, 1, 1)),
        LookupFilter(name="\ud800"),
        LookupFilter(name="a\0"),
        LookupFilter(device="\ud800"),
    ],
)
def test_a_filter_without_sense_is_refused_with_a_sentence(read: Callable[..., Reader], wanted: LookupFilter) -> None:
    with pytest.raises(JournalError, match=r"\.$"):
        read(row("ads.example")).lookups(wanted)


@pytest.mark.parametrize("limit", [0, -1, 1001, 2**70])
def test_a_page_has_a_size_with_sense(read: Callable[..., Reader], limit: int) -> None:
    with pytest.raises(JournalError, match="1 to 1000"):
        read().lookups(limit=limit)


@pytest.mark.parametrize("number", [-1, 0, 2, 2**62, 2**200])
def test_a_lookup_that_never_was_is_none(read: Callable[..., Reader], number: int) -> None:
    assert read(row("ads.example")).lookup(number) is None


def test_who_missed_something_gets_it_oldest_first(read: Callable[..., Reader]) -> None:
    reader = read(*(row("ads.example", n) for n in range(5)))
    assert [lookup.id for lookup in reader.after(2, limit=2)] == [3, 4]
    assert reader.after(5) == ()
    assert reader.after(-3) == ()
    assert reader.after(2**80) == ()


def test_totals_count_lookups_blocks_and_trackers(read: Callable[..., Reader]) -> None:
    reader = read(
        row("ads.example", 0, blocked=True),
        row("ads.example", 1),
        row("log.tv.example", 2, client=PHONE),
        row("time.tv.example", 3),
        row("nobody.example", 4),
    )
    assert reader.totals(NOON, NOON + HOUR) == Totals(5, 1, 2, 4, 3, 1)
    assert reader.totals(None, None, device=TEL) == Totals(1, 0, 1, 1, 1, 0)
    assert reader.totals(NOON + HOUR, None) == Totals()
    assert reader.totals(NOON + HOUR, NOON) == Totals()


def test_totals_are_the_same_before_and_after_the_minutes_are_added_up(
    read: Callable[..., Reader], tmp_path: Path
) -> None:
    rows = [row("ads.example", n * 500) for n in range(400)]
    reader = read(*rows)
    ranges = [(None, None), (NOON, NOON + DAY), (NOON + HOUR, NOON + 2 * DAY), (NOON, NOON + 5 * HOUR)]
    before = [reader.totals(since, until).lookups for since, until in ranges]
    record(tmp_path / "journal.sqlite", [], fold_at=86_400.0 * 2)
    between = [reader.totals(since, until).lookups for since, until in ranges]
    record(tmp_path / "journal.sqlite", [], fold_at=86_400.0 * 9)
    after = [reader.totals(since, until).lookups for since, until in ranges]
    assert before == between == after == [400, 173, 338, 36]


def test_a_chart_has_bars_at_the_multiples_of_its_step(read: Callable[..., Reader]) -> None:
    reader = read(
        row("ads.example", 0, blocked=True),
        row("ads.example", 59),
        row("log.tv.example", 60),
        row("ads.example", 3600),
        fold_at=7200,
    )
    assert reader.chart(NOON - HOUR, NOON + 3 * HOUR, 3600) == (
        Bar(NOON, "advertising", 2, 1),
        Bar(NOON, "telemetry", 1, 0),
        Bar(NOON + HOUR, "advertising", 1, 0),
    )
    minutes = reader.chart(NOON, NOON + HOUR, 60)
    assert [(bar.start, bar.lookups) for bar in minutes] == [(NOON, 2), (NOON + timedelta(minutes=1), 1)]
    assert [bar.lookups for bar in reader.chart(NOON, NOON + DAY, 86_400, company="TV Maker")] == [1]
    assert reader.chart(NOON, NOON + HOUR, 60, device=TEL) == ()
    assert reader.chart(NOON, NOON, 60) == ()


@pytest.mark.parametrize("step", [0, -60, 59, 61, 90])
def test_a_chart_has_a_step_of_whole_minutes(read: Callable[..., Reader], step: int) -> None:
    with pytest.raises(JournalError, match="whole number of minutes"):
        read().chart(NOON, NOON + HOUR, step)


def test_a_chart_has_a_bounded_number_of_bars(read: Callable[..., Reader]) -> None:
    with pytest.raises(JournalError, match="at most"):
        read().chart(NOON, NOON + 365 * DAY, 60)


def test_companies_are_ranked_and_say_what_they_do_most(read: Callable[..., Reader]) -> None:
    reader = read(
        row("ads.example", 0, blocked=True),
        row("log.tv.example", 1),
        row("log.tv.example", 2, client=PHONE),
        row("time.tv.example", 3),
        row("nobody.example", 4),
    )
    maker, ads = reader.companies(NOON, NOON + HOUR)
    assert (maker.company, maker.category, maker.lookups, maker.names, maker.devices) == (
        "TV Maker",
        "telemetry",
        3,
        2,
        2,
    )
    assert (maker.first_seen, maker.last_seen) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=3))
    assert (ads.company, ads.lookups, ads.blocked) == ("Ads Inc", 1, 1)
    assert [each.company for each in reader.companies(NOON, NOON + HOUR, device=TEL)] == ["TV Maker"]
    assert len(reader.companies(NOON, NOON + HOUR, limit=1)) == 1


def test_names_are_ranked_and_filtered(read: Callable[..., Reader]) -> None:
    reader = read(
        row("ads.example", 0, blocked=True),
        row("ads.example", 1, client=PHONE),
        row("log.tv.example", 2),
        row("time.tv.example", 3),
    )
    first, *others = reader.names(NOON, NOON + HOUR)
    assert (first.name, first.company, first.category, first.lookups, first.blocked, first.devices) == (
        "ads.example",
        "Ads Inc",
        "advertising",
        2,
        1,
        2,
    )
    assert [each.name for each in others] == ["log.tv.example", "time.tv.example"]
    assert [each.name for each in reader.names(None, None, company="TV Maker", category="time")] == ["time.tv.example"]
    assert [each.name for each in reader.names(None, None, device=TEL)] == ["ads.example"]


def test_one_name_is_counted_over_all_time(read: Callable[..., Reader]) -> None:
    reader = read(row("ads.example", -40 * 86_400), row("ads.example", 5), row("other.example", 6), fold_at=100)
    found = reader.name("ads.example")
    assert found is not None
    assert (found.lookups, found.first_seen, found.last_seen) == (2, NOON - 40 * DAY, NOON + timedelta(seconds=5))
    assert reader.name("nothing.example") is None


def test_devices_are_ranked_by_what_they_tell_trackers(read: Callable[..., Reader]) -> None:
    reader = read(
        row("nobody.example", 0),
        row("nobody.example", 1),
        row("ads.example", 2, client=PHONE, blocked=True),
        row("nobody.example", 61, client="192.0.2.9"),
    )
    phone, television, unknown = reader.devices(NOON, NOON + HOUR)
    assert (phone.device, phone.device_name, phone.lookups, phone.blocked, phone.companies, phone.trackers) == (
        TEL,
        "Phones",
        1,
        1,
        1,
        1,
    )
    assert (television.device, television.lookups, television.last_lookup) == (TV, 2, NOON + timedelta(seconds=1))
    assert (unknown.device, unknown.device_name) == ("ip:192.0.2.9", "192.0.2.9")


def test_without_a_journal_the_reader_says_so_and_finds_it_later(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "journal.sqlite")
    with pytest.raises(JournalError, match="There is no history: the file journal"):
        reader.lookups()
    (tmp_path / "journal.sqlite").touch()
    with pytest.raises(JournalError, match="The history is empty: the file journal"):
        reader.totals(None, None)
    record(tmp_path / "journal.sqlite", [row("ads.example")])
    assert reader.totals(None, None).lookups == 1
    reader.close()


def test_a_damaged_journal_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"rubbish" * 1000)
    reader = Reader(tmp_path / "journal.sqlite")
    with pytest.raises(JournalError, match="cannot be read: file is not a database"):
        reader.lookups()
    reader.close()


def test_a_question_that_takes_too_long_is_given_up(read: Callable[..., Reader]) -> None:
    reader = read(*(row(f"name{n}.example", n / 10) for n in range(3000)), patience=0.0)
    with pytest.raises(JournalError, match="no answer within 0 seconds"):
        reader.names(None, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up its rights, so it must have some")
def test_the_dashboards_group_reads_a_journal_that_was_closed_cleanly() -> None:
    """Without a writer there is no -shm file, and a group that may not write the folder cannot make one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        record(path, [row("ads.example")])
        assert not Path(f"{path}-shm").exists()
        os.chmod(folder, 0o755)
        os.chown(path, 0, 65_534)
        assert _read_as_the_group(path) == 0


def _read_as_the_group(path: Path) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_533)
            reader = Reader(path)
            code = 0 if [reader.totals(None, None).lookups for _ in range(2)] == [1, 1] else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_journal_opened_as_unchanging_is_opened_anew_for_the_next_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.journal import engine

    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example")])
    connect = engine._connect_uri
    opened: list[str] = []

    def refuse_the_log(path: Path, options: str) -> object:
        opened.append(options)
        if options == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return connect(path, options)

    monkeypatch.setattr(engine, "_connect_uri", refuse_the_log)
    reader = Reader(path)
    assert reader.totals(None, None).lookups == 1
    record(path, [row("ads.example", 1)])
    assert reader.totals(None, None).lookups == 2
    assert opened == ["mode=ro", "mode=ro&immutable=1"] * 2
    reader.close()
