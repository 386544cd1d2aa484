"""Where decisions are kept while disks are full, files are out of reach, and the journal is busy."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import JournalError, SettingsError
from gateway.model.book import Book
from gateway.policy import book_keeper
from gateway.policy.book_file import load_book, save_book
from gateway.policy.book_keeper import BookKeeper
from tests.support.waiting import wait_until_async
from tests.unit.policy.test_service import Store, story

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


class BusyStore(Store):
    """A journal that takes a book only when it is asked to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.seen: list[int] = []

    def save(self, book: Book, *, lasts: bool = False) -> None:
        assert self.go_on.wait(30), "nobody let the journal go on"
        self.seen.append(book.revision)
        super().save(book, lasts=lasts)


def full(path: Path, book: Book) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.json"


@story
async def test_nobody_waits_for_a_busy_journal_and_it_gets_the_newest_book(path: Path) -> None:
    store = BusyStore()
    keeper = BookKeeper(path, store)
    for revision in range(1, 6):
        await asyncio.wait_for(keeper.write(Book(revision)), 2)
    assert load_book(path) == Book(5)
    assert store.book is None
    store.go_on.set()
    await keeper.settle()
    assert store.book == Book(5)
    assert store.seen == [1, 5]


@story
async def test_a_journal_that_fails_is_a_problem_until_the_next_change_is_stored(path: Path) -> None:
    reported: list[list[str]] = []
    store = Store(broken=True)
    keeper = BookKeeper(path, store, reported.append)
    await keeper.write(Book(1))
    await keeper.settle()
    await keeper.write(Book(2))
    await keeper.settle()
    store.broken = False
    await keeper.write(Book(3))
    await keeper.settle()
    assert store.book == Book(3)
    problem = "The rules cannot be written to the journal: The journal is broken."
    assert reported == [[problem], []], "reported once when it begins, and once when it is over"


@story
async def test_a_journal_that_is_back_gets_the_newest_book_by_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_keeper, "AGAIN", 0.01)
    store = Store(broken=True)
    keeper = BookKeeper(path, store)
    await keeper.write(Book(1))
    await keeper.write(Book(2))
    await keeper.settle()
    assert keeper.problems
    store.broken = False
    await wait_until_async(lambda: store.book == Book(2))
    await wait_until_async(lambda: keeper.problems == [])


@pytest.mark.parametrize("copy", [None, Book(6), Book(7)])
@story
async def test_a_new_journal_gets_its_copy_at_the_start(path: Path, copy: Book | None) -> None:
    save_book(path, Book(7))
    store = Store(copy)
    keeper = BookKeeper(path, store)
    keeper.load(NOW)
    keeper.catch_up()
    await keeper.settle()
    assert store.book == Book(7)


@story
async def test_without_a_file_the_journal_is_waited_for_but_not_for_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_keeper, "PATIENCE", 0.2)
    store = BusyStore()
    keeper = BookKeeper(path, store)
    await keeper.write(Book(1))
    monkeypatch.setattr(book_keeper, "save_book", full)
    with pytest.raises(SettingsError, match=r"nothing changed.*No space left.*busy"):
        await keeper.write(Book(2))
    store.go_on.set()
    await keeper.settle()
    assert store.book == Book(1), "what was refused does not come true later"
    await keeper.write(Book(2))
    assert store.book == Book(2)
    assert "No space left" in keeper.problems[0]


@story
async def test_a_box_without_a_journal_has_only_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = BookKeeper(path, None)
    await keeper.write(Book(1))
    assert keeper.load(NOW) == Book(1)
    monkeypatch.setattr(book_keeper, "save_book", full)
    with pytest.raises(SettingsError, match="No space left"):
        await keeper.write(Book(2))


@pytest.mark.parametrize("number", [5, 13, 24])
@story
async def test_a_file_that_cannot_be_read_now_stays_where_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    save_book(path, Book(7))

    def out_of_reach(path: Path) -> Book | None:
        raise OSError(number, "out of reach")

    with monkeypatch.context() as patch:
        patch.setattr(book_keeper, "load_book", out_of_reach)
        keeper = BookKeeper(path, Store(Book(6)))
        assert keeper.load(NOW) == Book(6)
    assert [each.name for each in path.parent.iterdir()] == ["policy.json"]
    assert "out of reach" in keeper.problems[0]
    assert BookKeeper(path, None).load(NOW) == Book(7)
    await keeper.write(Book(8))
    assert load_book(path) == Book(8)
    assert load_book(path.with_name("policy.json.unread")) == Book(7), "nothing that was decided is lost"


@story
async def test_who_only_looks_changes_nothing(path: Path) -> None:
    path.write_bytes(b"junk")
    keeper = BookKeeper(path, None, read_only=True)
    keeper.load(NOW)
    assert [each.name for each in path.parent.iterdir()] == ["policy.json"]
    assert path.read_bytes() == b"junk"
    assert "set aside" not in keeper.problems[0]
    with pytest.raises(SettingsError):
        await keeper.write(Book(1))
    assert path.read_bytes() == b"junk"


def test_a_store_that_cannot_be_read_is_a_problem(path: Path) -> None:
    keeper = BookKeeper(path, Store(broken=True))
    assert keeper.load(NOW).next_id == int(NOW.timestamp())
    assert str(JournalError("The journal is broken.")) in keeper.problems[0]
