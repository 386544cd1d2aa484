"""The one thread that writes the journal."""

from __future__ import annotations

import logging
import queue as queues
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from gateway.catalogue.sentences import Notice
from gateway.errors import JournalError
from gateway.journal.gathering import Counted, Rush, gather
from gateway.journal.hooks import Hooks
from gateway.journal.pacing import attend, handfuls, meanwhile, paced
from gateway.journal.preparation import begin_anew
from gateway.journal.retention import Retention
from gateway.journal.session import WriterSession, explain, is_damage, is_outage
from gateway.journal.sweep import sweep
from gateway.model.event import HealthChanged, LookupRecorded
from gateway.model.lookup import Facts, LogBatch, LogRow, Lookup

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
# How many rows one transaction takes, each with a kilobyte of what is made for it; and how many are kept meanwhile when
# none can be made.
_MAX_BATCH, _MAX_KEPT = 4_000, 20_000
_MAX_BATCHES, _MANY_BATCHES = 2_000, 500
_RUSH, _FLOOD, _HELD_FOR = 2_000, 5_000, 1.0
_MAX_SHOWN = 100
_MOST_HEARD = 1_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_SWEEP_EVERY, _SWEEPS_A_THOROUGH_ONE, _SWEEP_FOR = 300.0, 12, 0.05


class Writer:
    """Owns the only connection that writes; its thread drains `queue` and `batches`, what the fast path answered, once
    an interval, one transaction each time.

    `publish` is called after the commit, in the thread, with at most 100 lookups a batch; `wants_events` says whether
    anybody listens. `report` is called when the journal stops or starts working. While it does not, the newest 20,000
    lookups are kept to be written later; older ones are dropped and counted. `clock` is in seconds since the epoch,
    `interval` in seconds. `begins` is what the thread does first. `on_answer` hears in the thread, before the commit,
    which client was answered with what, and when: each pair once a batch.
    """

    def __init__(
        self,
        path: Path,
        queue: deque[LogRow],
        hooks: Hooks,
        *,
        batches: deque[LogBatch] | None = None,
        interval: float = 0.2,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
        sweep_every: float = _SWEEP_EVERY,
    ) -> None:
        self.path = path
        self._queue, self._batches = queue, deque[LogBatch]() if batches is None else batches
        self._tag, self._device_of = hooks.tag, hooks.device_of
        self._publish, self._report, self._wants_events = hooks.publish, hooks.report, hooks.wants_events
        self._on_answer, self._begins, self._horizon = hooks.on_answer, hooks.begins, hooks.horizon
        self._interval, self._clock = interval, clock
        self._retention, self._sweep_every = retention or Retention(), sweep_every
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._tasks: queues.SimpleQueue[tuple[Callable[[Connection], Any], bool, Future[Any]]] = queues.SimpleQueue()
        self._wake = threading.Event()
        self._gate = threading.Lock()
        self._stopping = False
        self._closed = False
        self._session: WriterSession | None = None
        self._pending: list[Counted] = []
        self._rush = Rush()
        self._trouble = self._held = self._stale = False
        self._news: Notice | None = None
        self._pause = self._try_again = self._due = 0.0
        self._sweep: Iterator[None] | None = None
        self._sweeps = 0
        self._next_sweep = time.monotonic() + min(10.0, sweep_every)
        self._counts = {"recorded": 0, "dropped": 0, "batches": 0, "failures": 0}

    def start(self) -> None:
        """Starts the thread, which opens the journal by itself; nothing that is wrong with the disk is raised here."""
        self._thread.start()

    def announce(self, news: Notice) -> None:
        """What a person shall read once the journal is open. Before `start`."""
        self._news = news

    def learn_anew(self) -> None:
        """From the next batch on every name is tagged again: what is known of names has changed. From any thread."""
        self._stale = True

    def stop(self, timeout: float = 10.0) -> None:
        """Writes what the queue still holds and closes the journal; gives up after `timeout` seconds."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def run(self, fn: Callable[[Connection], T], *, lasts: bool = False) -> Future[T]:
        """Has `fn` called in the thread within a transaction of its own, committed when the future is done; with
        `lasts` it is on the medium then.

        What `fn` raises undoes the transaction and comes out of the future; JournalError when the journal cannot be
        written now. Do not wait for it in the thread itself or on the event loop.
        """
        future: Future[T] = Future()
        with self._gate:
            if self._closed:
                future.set_exception(JournalError("history.journal-closed"))
            else:
                self._tasks.put((fn, lasts, future))
        self._wake.set()
        return future

    def counters(self) -> dict[str, int]:
        """recorded, dropped, batches, failures (since the start), waiting (rows now), bytes (of the file)."""
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        return {**self._counts, "waiting": self._waiting() + _lookups(self._pending), "bytes": size}

    def _work(self) -> None:
        self._begins()
        meanwhile(self._count_many)
        attend(lambda: bool(self._batches))
        while True:
            last = self._stopping
            self._round(last)
            if last and (self._trouble or not (self._waiting() or self._pending)):
                break
            if self._held or (len(self._queue) < _MAX_BATCH and len(self._batches) < _MAX_BATCHES):
                self._wake.wait(self._interval)
            self._wake.clear()
        with self._gate:
            self._closed = True
            self._refuse_tasks(Notice("history.journal-closed"))
        self._counts["dropped"] += _lookups(self._pending) + self._waiting()
        self._pending = []
        if self._session is not None:
            self._session.close(properly=True)
            self._session = None

    def _round(self, last: bool) -> None:
        if self._session is None and time.monotonic() < self._try_again and not last:
            self._take(keep_newest=True)
            self._refuse_tasks(Notice("history.not-at-the-moment"))
            return
        try:
            session = self._session
            if session is not None and session.has_moved():
                session.close()
                session = self._session = None
                self._news = Notice("history.file-was-gone")
            if session is None:
                session = self._open()
            self._do_tasks(session)
            self._held = self._flooded()
            if self._held:
                self._count_meanwhile()
            else:
                self._write(session)
            session.fold(self._clock())
            self._tidy(session)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next lookups are to be recorded
            self._fail(error)

    def _open(self) -> WriterSession:
        session = WriterSession(self.path, tag=self._tag, device_of=self._device_of)
        self._horizon.begin(session.connection, self._clock())
        self._news = session.prepared.news or self._news
        self._session = session
        if self._trouble:
            session.try_to_write(self._clock())
        if self._trouble or self._news:
            self._tell(True, self._news or Notice("history.journal-records-lookups"))
        self._trouble, self._news = False, None
        return session

    def _take(self, *, keep_newest: bool = False) -> None:
        queue, pending = self._queue, self._pending
        room = len(queue) if keep_newest else min(len(queue), max(_MAX_BATCH - len(pending), 0))
        rows = [queue.popleft() for some in handfuls(range(room)) for _ in some]
        bound = [] if len(pending) >= _MAX_BATCH and not keep_newest else self._pop_batches()
        if self._on_answer:
            self._account(rows, bound)
        hurried = not (keep_newest or self._stopping) and sum([len(batch.facts) for batch in bound]) > _RUSH
        if hurried:
            self._rush.add(bound)
            bound = []
        pending += gather(rows, bound)
        if self._rush.lookups:
            pending += self._rush.over(int(self._clock()) if hurried else None)
        surplus = len(pending) - _MAX_KEPT if keep_newest else 0
        if surplus > 0:
            self._counts["dropped"] += _lookups(pending[:surplus])
            del pending[:surplus]

    def _pop_batches(self) -> list[LogBatch]:
        return [self._batches.popleft() for _ in range(min(len(self._batches), _MAX_BATCHES))]

    def _count_many(self) -> None:
        """However long a batch takes, what the fast path answers meanwhile does not pile up."""
        if len(self._batches) > _MANY_BATCHES:
            self._count_meanwhile()

    def _count_meanwhile(self) -> None:
        """In a flood: what the fast path answered is counted, so that it need not be kept until writing goes on."""
        bound = self._pop_batches()
        if self._on_answer:
            self._account((), bound)
        self._rush.add(bound)

    def _flooded(self) -> bool:
        """In a flood of new names the answers go first, and writing waits a second; then it goes on to the end."""
        now, waiting = time.monotonic(), len(self._queue)
        if waiting <= _RUSH:
            self._due = now + _HELD_FOR
            return False
        return waiting < _FLOOD and now < self._due and not self._stopping

    def _waiting(self) -> int:
        return len(self._queue) + sum(len(batch.facts) for batch in tuple(self._batches)) + self._rush.lookups

    def _write(self, session: WriterSession) -> None:
        self._take()
        batch = self._pending
        if not batch:
            return
        shown: tuple[Lookup, ...] = ()
        wanted = self._wants_events()
        if self._stale:
            self._stale = False
            session.ledger.dictionary.forget()
        session.ledger.dictionary.set_day(int(self._clock() // 86_400))
        with session.connection.begin():
            first = session.ledger.record(batch)
            if wanted:
                newest = batch[-_MAX_SHOWN:]
                shown = session.ledger.show(first + len(batch) - len(newest), newest)
        self._pending = []
        self._pause = 0.0
        recorded = _lookups(batch)
        self._counts["recorded"] += recorded
        self._counts["batches"] += 1
        if wanted:
            self._call(self._publish, LookupRecorded(shown, recorded - sum(each.times for each in shown)))

    def _do_tasks(self, session: WriterSession) -> None:
        while not self._tasks.empty():
            fn, lasts, future = self._tasks.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                with session.begin(lasts=lasts):
                    result = fn(session.connection)
            except Exception as error:
                outage = not isinstance(error, JournalError) and is_outage(error)
                future.set_exception(JournalError.of(explain(error)) if outage else error)
                if outage:
                    raise
            else:
                future.set_result(result)

    def _refuse_tasks(self, notice: Notice) -> None:
        while not self._tasks.empty():
            *_, future = self._tasks.get()
            if future.set_running_or_notify_cancel():
                future.set_exception(JournalError.of(notice))

    def _tidy(self, session: WriterSession) -> None:
        if self._sweep is None and time.monotonic() >= self._next_sweep:
            self._sweep = sweep(
                session.connection,
                self._retention,
                self._horizon.look(session.connection, self._clock()),
                forget=session.ledger.forget,
                thorough=self._sweeps % _SWEEPS_A_THOROUGH_ONE == 0,
            )
            self._sweeps += 1
        ends = time.monotonic() + _SWEEP_FOR
        while self._sweep is not None and time.monotonic() < ends:
            if next(self._sweep, self) is self:
                self._sweep = None
                self._next_sweep = time.monotonic() + self._sweep_every

    def _fail(self, error: Exception) -> None:
        self._counts["failures"] += 1
        self._sweep = None
        session, self._session = self._session, None
        if session is not None:
            session.close()
        if not is_outage(error):
            # Rows that no table takes would fail for ever and everything behind them with them.
            _LOG.error("%d lookups cannot be recorded: %r", _lookups(self._pending), error)
            self._counts["dropped"] += _lookups(self._pending)
            self._pending = []
        if not self._trouble:
            self._trouble = True
            self._tell(False, explain(error))
        if session is not None and is_damage(error):
            self._begin_anew(error)
        self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._try_again = time.monotonic() + self._pause

    def _begin_anew(self, damage: Exception) -> None:
        try:
            self._news = begin_anew(self.path, damage).news
        except JournalError as error:
            _LOG.warning("%s", error)

    def _tell(self, healthy: bool, notice: Notice) -> None:
        self._call(self._report, HealthChanged("journal", healthy, notice))

    def _account(self, rows: Sequence[LogRow], batches: Iterable[LogBatch]) -> None:
        """Before storms become one row each: names that share an address explain a connection by their order. In a
        flood each answer is passed on once.
        """
        heard = [(when, client, facts) for when, client, facts, _ in rows]
        for batch in batches:
            heard += [(batch.when, *pair) for pair in batch.pairs()]
        if len(heard) > _MOST_HEARD:
            heard = list({each[1:]: each for each in heard}.values())
        for when, client, facts in paced(sorted(heard, key=itemgetter(0))):
            self._call_on_answer(client, facts, when)

    def _call_on_answer(self, client: str, facts: Facts, when: float) -> None:
        assert self._on_answer
        try:
            self._on_answer(client, facts, when)
        except Exception as error:  # noqa: BLE001 - as below
            _LOG.warning("an answer is not accounted for: %r", error)

    def _call(self, listener: Callable[[Any], None], event: object) -> None:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - a listener's mistake must not stop the recording
            _LOG.warning("nobody could hear of %s: %r", type(event).__name__, error)


def _lookups(rows: list[Counted]) -> int:
    return sum(row[4] for row in rows)
