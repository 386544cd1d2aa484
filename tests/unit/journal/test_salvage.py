from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.journal.hooks import Hooks
from gateway.journal.preparation import prepare
from gateway.journal.salvage import salvage
from gateway.journal.stores import BookStore, DeviceStore
from gateway.journal.writer import Writer
from gateway.model.book import Book
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from tests.unit.journal.home import DEVICES, NOON, device_of, record, row, tag_of

BOOK = Book(7, 3, (Rule(Action.BLOCK, Scope(ScopeKind.NAME, "ads.example"), NOON, "dashboard", id=2),))


def writer_on(path: Path) -> Writer:
    return Writer(
        path,
        deque(),
        hooks=Hooks(tag=tag_of, device_of=device_of, publish=lambda _: None, report=lambda _: None),
        interval=0.02,
    )


def write_down(path: Path) -> None:
    """The book, two devices that people named, and lookups."""
    prepare(path)
    writer = writer_on(path)
    writer.start()
    BookStore(writer).save(BOOK)
    for device in DEVICES.values():
        DeviceStore(writer).save(replace(device, name="Named by hand")).result(10)
    writer.stop()
    record(path, [row(f"name{n}.example", n / 10) for n in range(5000)])


def test_names_and_rules_outlive_a_torn_page_among_the_lookups(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    write_down(path)
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size - 8 * 4096)
        file.write(b"\xa5" * 8 * 4096)
    prepared = prepare(path, now=datetime(2025, 6, 10, tzinfo=UTC))
    assert prepared.quarantined is not None
    assert [device.name for device in DeviceStore(writer_on(path)).load()] == ["Named by hand"] * 2
    assert BookStore(writer_on(path)).load() == BOOK


def test_what_cannot_be_read_is_left(tmp_path: Path) -> None:
    damaged, fresh = tmp_path / "damaged.sqlite", tmp_path / "fresh.sqlite"
    damaged.write_bytes(b"rubbish" * 1000)
    prepare(fresh)
    salvage(damaged, fresh)
    assert DeviceStore(writer_on(fresh)).load() == []
    assert BookStore(writer_on(fresh)).load() is None
