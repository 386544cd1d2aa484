from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from gateway.errors import JournalError
from gateway.journal import stores
from gateway.journal.hooks import Hooks
from gateway.journal.preparation import prepare
from gateway.journal.stores import BookStore, DeviceStore
from gateway.journal.writer import Writer
from gateway.model.book import Book, Subscription
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from tests.unit.journal.home import DEVICES, NOON, TELEVISION, device_of, tag_of

T = TypeVar("T")
SOON = NOON + timedelta(hours=1)
RULE = Rule(Action.BLOCK, Scope(ScopeKind.COMPANY, "Ads Inc"), NOON, "dashboard", TELEVISION, SOON, "why", 4)
PRESET = Rule(Action.BLOCK, Scope(ScopeKind.PRESET, "silent"), NOON, "dashboard", id=6)
LIST = Subscription(5, "https://lists.example/a.txt", "A", Action.ALLOW, NOON, enabled=False, comment="mine")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    writer = Writer(
        path,
        deque(),
        hooks=Hooks(tag=tag_of, device_of=device_of, publish=lambda _: None, report=lambda _: None),
        interval=0.02,
    )
    writer.start()
    yield writer
    writer.stop()


def test_no_book_was_saved_yet(writer: Writer) -> None:
    assert BookStore(writer).load() is None


def test_a_book_comes_back_whole_and_in_its_order(writer: Writer) -> None:
    book = Book(3, 9, (RULE, replace(RULE, id=2, scope=Scope(ScopeKind.EVERYTHING), ends=None), PRESET), (LIST,))
    store = BookStore(writer)
    store.save(book)
    assert store.load() == book


def test_a_saved_book_replaces_the_one_before(writer: Writer) -> None:
    store = BookStore(writer)
    store.save(Book(3, 9, (RULE,), (LIST,)))
    store.save(Book(4, 9))
    assert store.load() == Book(4, 9)


def test_a_text_that_cannot_be_stored_is_an_error_and_the_old_book_stays(writer: Writer) -> None:
    store = BookStore(writer)
    store.save(Book(1, 5, (RULE,)))
    with pytest.raises(JournalError, match="cannot be stored"):
        store.save(Book(2, 5, (replace(RULE, comment="\ud800"),)))
    assert store.load() == Book(1, 5, (RULE,))
    assert writer.counters()["failures"] == 0


def test_a_book_without_a_journal_is_an_error_in_one_sentence(tmp_path: Path, writer: Writer) -> None:
    elsewhere = Writer(
        tmp_path / "nothing.sqlite",
        deque(),
        hooks=Hooks(tag=tag_of, device_of=device_of, publish=lambda _: None, report=lambda _: None),
    )
    with pytest.raises(JournalError, match="cannot be read"):
        BookStore(elsewhere).load()


def test_saving_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        path = tmp_path / "journal.sqlite"

        def run(self, _fn: Callable[[Connection], T], *, lasts: bool = False) -> Future[T]:
            found: Future[T] = Future()
            asked.append(found)
            return found

    asked: list[Future[Any]] = []
    monkeypatch.setattr(stores, "_PATIENCE", 0.05)
    with pytest.raises(JournalError, match="busy"):
        BookStore(Stuck()).save(Book())
    with pytest.raises(JournalError, match="busy"):
        DeviceStore(Stuck()).keep(lambda: None, 0.05)
    assert all(each.cancelled() for each in asked), "what was refused is not done later"


def test_what_is_being_written_is_waited_for(tmp_path: Path) -> None:
    class Slow:
        path = tmp_path / "journal.sqlite"

        def run(self, _fn: Callable[[Connection], T], *, lasts: bool = False) -> Future[T]:
            found: Future[Any] = Future()
            found.set_running_or_notify_cancel()
            threading.Timer(0.1, found.set_result, (lasts,)).start()
            return found

    assert DeviceStore(Slow()).keep(lambda: None, 0.01) is True


def test_what_a_person_says_of_a_device_is_kept_as_it_is_by_then(writer: Writer) -> None:
    store = DeviceStore(writer)
    [first, *_] = DEVICES.values()
    assert store.keep(lambda: replace(first, name="Kitchen"))
    assert [each.name for each in store.load()] == ["Kitchen"]
    assert not store.keep(lambda: None), "there is none any more"


def test_devices_come_back_and_are_updated(writer: Writer) -> None:
    store = DeviceStore(writer)
    first, second = DEVICES.values()
    for device in (first, second, replace(first, name="Kitchen", simulated=True)):
        store.save(device).result(10)
    assert store.load() == [replace(first, name="Kitchen", simulated=True), second]
