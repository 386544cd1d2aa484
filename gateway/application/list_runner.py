"""Has lists fetched and compiled by a process of their own, one run at a time, and puts the result in force."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from signal import Signals
from typing import Any

from gateway.application.list_job import Job, JobEnd, read_report, shrinking_of
from gateway.catalogue.sentences import OTHER, Notice
from gateway.errors import ListError
from gateway.linux.process import start_of
from gateway.lists.bounds import COMPILER_MEMORY
from gateway.lists.compiled import CompiledLists
from gateway.lists.held import take_held
from gateway.model.book import Book
from gateway.settings import Settings, to_arguments

log = logging.getLogger(__name__)

_TIME = 900.0
_TRY_AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


class ListRunner:
    """`in_force` is called on the loop with each newly mapped file; `report` with (healthy, sentence) after a run."""

    def __init__(
        self,
        settings: Settings,
        book: Callable[[], Book],
        in_force: Callable[[CompiledLists], None],
        report: Callable[[bool, Notice], None],
    ) -> None:
        self._settings = settings
        self._book = book
        self._in_force = in_force
        self._report = report
        self._wanted = asyncio.Event()
        self._fetch = False
        self._running = False
        self._details = read_report(settings)
        self._failures = 0
        self._failed = datetime.min.replace(tzinfo=UTC)

    @property
    def refreshing(self) -> bool:
        return self._running or self._wanted.is_set()

    def want(self, *, fetch: bool = False) -> None:
        """Asks for a run soon; several wishes become one run."""
        self._fetch = self._fetch or fetch
        self._wanted.set()

    async def take_held(self, subscription: int) -> bool:
        """Puts a shrunken list that waits in the place of its copy, for good, and asks for a run; false when none does.

        Raises OSError.
        """
        entry = self._details.get(str(subscription), {})
        if shrinking_of(entry) is None or not await asyncio.to_thread(
            take_held, self._settings.lists_folder, subscription
        ):
            return False
        entry["held"] = None
        self.want()
        return True

    def details(self) -> dict[str, dict[str, Any]]:
        """What is known of each subscription in force, by id: syntax, entries, skipped, fetched, error."""
        return self._details

    async def run(self) -> None:
        """Serves wishes until cancelled."""
        while True:
            await self._wanted.wait()
            # Several clicks in a row are one wish.
            await asyncio.sleep(0.05)
            self._wanted.clear()
            fetch, self._fetch = self._fetch, False
            self._running = True
            try:
                await self._once(fetch)
            except (OSError, ListError) as error:
                self._report(False, Notice("box.lists-could-not", error=error))
            finally:
                self._running = False

    def look(self, now: datetime, max_age: timedelta) -> None:
        """Asks for a run when a list from the internet is older than `max_age`, or failed a while ago."""
        if self.refreshing:
            return
        if not self.may_try(now):
            return
        for each in self._book().lists:
            entry = self._details.get(str(each.id), {})
            tried = _time_of(entry.get("tried"))
            if each.enabled and not each.source.startswith("/") and tried is not None:
                failures = min(int(entry.get("failures", 0)), len(_TRY_AGAIN))
                wait = _TRY_AGAIN[failures - 1] if failures else max_age
                # A clock that was wrong may have written a time to come.
                if now - tried >= wait or tried > now + max_age:
                    self.want(fetch=True)
                    return

    def failed(self, now: datetime) -> None:
        """A run came to nothing."""
        self._failures += 1
        self._failed = now

    def may_try(self, now: datetime) -> bool:
        """Whether enough time has passed since runs began to fail. A clock that was wrong may have gone back."""
        wait = _TRY_AGAIN[min(self._failures, len(_TRY_AGAIN)) - 1] if self._failures else timedelta()
        return not self._failed <= now < self._failed + wait

    async def _once(self, fetch: bool) -> None:
        lists = [(s.id, s.source, s.title, s.action) for s in self._book().lists if s.enabled]
        job = json.dumps(Job(tuple(lists), fetch).to_json()).encode()
        process = await asyncio.create_subprocess_exec(
            *start_of("gateway.daemons.lists"),
            *to_arguments(self._settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(job), _TIME)
        except TimeoutError:
            process.kill()
            await process.wait()
            self.failed(datetime.now(UTC))
            self._report(False, Notice("box.updating-lists-took"))
            return
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        self._details = read_report(self._settings)
        if process.returncode != JobEnd.DONE:
            self.failed(datetime.now(UTC))
            self._report(False, said_of(process.returncode, said))
            return
        self._failures = 0
        compiled = await asyncio.to_thread(CompiledLists.open, self._settings.lists_folder / "compiled.bin")
        self._in_force(compiled)
        self._report_done(bool(lists))

    def _report_done(self, any_list: bool) -> None:
        for number, entry in self._details.items():
            if entry.get("error"):
                self._report(False, Notice(OTHER, sentence=entry["error"]))
                return
            if shrunken := shrinking_of(entry):
                title = str(entry.get("title") or number)
                counts = {key: f"{count:,}" for key, count in shrunken.items()}
                self._report(False, Notice("box.lists-shrunken", title=title, id=number, **counts))
                return
        fresh, none = Notice("box.every-list-up"), Notice("box.no-block-lists")
        self._report(True, fresh if any_list else none)


def said_of(status: int | None, said: bytes) -> Notice:
    """Why a job that is not done ended; the old lists stay in force in every case."""
    lines = said.decode(errors="replace").strip().splitlines()
    if status == JobEnd.TOO_MUCH_MEMORY:
        return Notice("box.lists-need-memory", mib=COMPILER_MEMORY >> 20)
    if status == JobEnd.NO_MEMORY:
        return Notice("box.lists-no-memory")
    if status == JobEnd.ENDED and lines:
        return Notice("box.lists-ended", signal=lines[-1][:20])
    if status is not None and status < 0:
        return Notice("box.lists-ended", signal=Signals(-status).name)
    error = (lines or ["the process ended early"])[-1][:300]
    return Notice("box.lists-could-not", error=error)


def _time_of(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
