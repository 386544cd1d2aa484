"""Where the book is kept: a file that lasts by itself, and a copy in the journal that follows behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from gateway.errors import SettingsError, TelltaleError
from gateway.model.book import Book
from gateway.policy.book_file import load_book, save_book

PATIENCE = 3.0
AGAIN = 10.0


class BookCopy(Protocol):
    """The second place where the book is kept. Blocking; each call raises TelltaleError or OSError. What is saved with
    `lasts` lasts through a power cut: there the copy is the only one.
    """

    def load(self) -> Book | None: ...

    def save(self, book: Book, *, lasts: bool = False) -> None: ...


class BookKeeper:
    """For one event loop; only reading and writing happen in a thread.

    A book is stored once the file is forced to the medium; nobody waits for the journal, which may be busy for
    seconds. Only when the file cannot be written does the journal's copy count, and then `write` waits for it.
    `report` hears of the problems in force, each time that they change. With `read_only` nothing is ever written,
    renamed or set aside: for those who only look.
    """

    def __init__(
        self,
        path: Path,
        store: BookCopy | None,
        report: Callable[[list[str]], None] = lambda problems: None,
        *,
        read_only: bool = False,
    ) -> None:
        self._path, self._store, self._report, self._read_only = path, store, report, read_only
        self._start_problems: list[str] = []
        self._file_problem = self._store_problem = ""
        self._unread = False
        self.whole_file = False
        """Whether the file could be read at the start; what is in force comes from the copy otherwise, or nowhere."""
        self._newest: Book | None = None
        self._copied: Book | None = None
        self._waiting: Book | None = None
        self._copying: asyncio.Task[None] | None = None
        self._saving = asyncio.Lock()

    @property
    def problems(self) -> list[str]:
        """What could not be read at the start, or written last; none of it is fatal."""
        return [*self._start_problems, *filter(None, (self._file_problem, self._store_problem))]

    def load(self, now: datetime) -> Book:
        """The book with the higher revision; an empty one when there is none. Blocking, before the loop is busy."""
        file, copy = self._from_file(), self._from_store()
        self.whole_file, self._copied = file is not None, copy
        books = [book for book in (file, copy) if book is not None]
        if books:
            self._newest = max(books, key=lambda book: book.revision)
        elif self._start_problems:
            # Ids of the lost rules stand in the history; a new rule must not get one of them.
            return Book(next_id=int(now.timestamp()))
        return self._newest or Book()

    async def write(self, book: Book) -> None:
        """Stores a book. Raises SettingsError when it could be stored nowhere; then nothing has changed."""
        if self._read_only:
            raise SettingsError("rules.these-decisions-opened")
        file_problem = await asyncio.to_thread(self._to_file, book)
        if file_problem:
            store_problem = await self._only_to_store(book)
            if store_problem:
                problems = " ".join(filter(None, (file_problem, store_problem if self._store is not None else "")))
                raise SettingsError("rules.decision-could-not", problems=problems)
            self._newest = book
            self._tell(file_problem, "")
            return
        self._newest = book
        self._tell("", self._store_problem, whole=True)
        self._copy(book)

    def catch_up(self) -> None:
        """Has the newest book copied into the journal, unless it is there: a journal may be new, or back again."""
        newest = self._newest
        if newest is not None and newest != self._copied and self._waiting is None and not self._read_only:
            self._copy(newest)

    async def settle(self) -> None:
        """Returns when the journal has what was written, or has failed to take it, or is busy for too long."""
        if self._copying is not None:
            await asyncio.wait([self._copying], timeout=PATIENCE)

    def _copy(self, book: Book) -> None:
        """One after the other; of books that wait meanwhile only the newest."""
        if self._store is None:
            return
        self._waiting = book
        if self._copying is None or self._copying.done():
            self._copying = asyncio.create_task(self._copy_waiting())

    async def _copy_waiting(self) -> None:
        while (book := self._waiting) is not None:
            self._waiting = None
            problem = await self._to_store(book)
            self._tell(self._file_problem, problem)
            if problem:
                asyncio.get_running_loop().call_later(AGAIN, self.catch_up)

    async def _only_to_store(self, book: Book) -> str:
        if self._store is None:
            return "There is no journal."
        self._waiting = None
        saving = asyncio.create_task(self._to_store(book, lasts=True))
        try:
            return await asyncio.wait_for(asyncio.shield(saving), PATIENCE)
        except TimeoutError:
            # It may still arrive there, after we said that nothing changed: the book in force goes on top of it.
            self._copy(self._newest or Book(next_id=book.next_id))
            return f"The journal is busy: it did not store the change within {PATIENCE:g} seconds."

    async def _to_store(self, book: Book, *, lasts: bool = False) -> str:
        assert self._store is not None, "asked only when there is one"
        async with self._saving:
            try:
                await asyncio.to_thread(partial(self._store.save, book, lasts=lasts))
            except (TelltaleError, OSError) as error:
                return f"The rules cannot be written to the journal: {error}"
        self._copied = book
        return ""

    def _to_file(self, book: Book) -> str:
        if self._unread:
            _keep_beside(self._path)
        try:
            save_book(self._path, book)
        except OSError as error:
            return f"The file {self._path.name} cannot be written: {error.strerror or error}."
        self._unread = False
        return ""

    def _from_file(self) -> Book | None:
        try:
            return load_book(self._path)
        except OSError as error:
            self._unread = True
            self._start_problems.append(
                f"The rules in {self._path.name} cannot be read now: {error.strerror or error}. "
                "The file stays as it is; restart Telltale when it can be read again."
            )
        except SettingsError as error:
            self._start_problems.append(str(error) if self._read_only else f"{error} It was set aside.")
            if not self._read_only:
                _set_aside(self._path)
        return None

    def _from_store(self) -> Book | None:
        try:
            return self._store.load() if self._store is not None else None
        except (TelltaleError, OSError, ValueError) as error:
            self._start_problems.append(f"The rules in the journal cannot be read: {error}")
            return None

    def _tell(self, file_problem: str, store_problem: str, *, whole: bool = False) -> None:
        before = self.problems
        if whole:
            # What could not be read at the start is replaced, or was set aside.
            self._start_problems = []
        self._file_problem, self._store_problem = file_problem, store_problem
        if self.problems != before:
            self._report(self.problems)


def _set_aside(path: Path) -> None:
    try:
        os.replace(path, path.with_name(f"{path.name}.broken"))
    except OSError:
        return


def _keep_beside(path: Path) -> None:
    """Before a file that could not be read is replaced, it gets a second name: nothing that a person said is lost."""
    beside = path.with_name(f"{path.name}.unread")
    try:
        beside.unlink(missing_ok=True)
        os.link(path, beside)
    except OSError:
        return
