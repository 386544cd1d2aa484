"""Events from the resolver to every open dashboard: one subscription a process, one bounded queue a reader."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from gateway.catalogue.sentences import Notice
from gateway.catalogue.severity import severity_of
from gateway.errors import ControlError, Unavailable
from web.spoken import spoken

MAX_STREAMS = 48
"""Open pages at once: no thread is held by one, but each hears of everything."""
_ROOM = 64
_LINGER = 20.0
_QUICKEST_RETRY = 0.25
_SLOWEST_RETRY = 5.0


class TooManyStreams(Exception):
    """As many pages are open as we care to tell of everything."""


class StreamEvent:
    """One thing that happened, as the control socket said it; printed once for all who want it whole."""

    __slots__ = ("_frame", "event", "kind")

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.kind = str(event.get("event"))
        self._frame: bytes | None = None

    def frame(self) -> bytes:
        if self._frame is None:
            shown = spoken(self.event) if self.kind == "health" else self.event
            self._frame = frame(self.kind, shown, self.last_id)
        return self._frame

    @property
    def lookups(self) -> list[dict[str, Any]]:
        """Those it tells of, oldest first; none for other events."""
        return cast("list[dict[str, Any]]", self.event.get("lookups", [])) if self.kind == "lookups" else []

    @property
    def last_id(self) -> int | None:
        return max((lookup["id"] for lookup in self.lookups), default=None)

    def __len__(self) -> int:
        return len(self.lookups) + (cast(int, self.event.get("left_out", 0)) if self.kind == "lookups" else 0)


@dataclass(frozen=True, slots=True)
class Happened:
    """`dropped` counts lookups that this reader was too slow for before `event`."""

    event: StreamEvent
    dropped: int = 0


def frame(kind: str, data: dict[str, Any], last_id: int | None = None) -> bytes:
    """One server-sent event (HTML Living Standard, section 9.2). JSON has no line breaks, so one data line holds it."""
    identity = "" if last_id is None else f"id: {last_id}\n"
    body = json.dumps({key: value for key, value in data.items() if key != "event"}, separators=(",", ":"))
    return f"event: {kind}\n{identity}data: {body}\n\n".encode()


class Listener:
    """One open stream. When its reader is slow the oldest events are dropped and counted, nobody waits."""

    def __init__(self, room: int, ring: Callable[[], None] | None = None) -> None:
        self._ring = ring
        self._room = room
        self._events: deque[StreamEvent] = deque()
        self._dropped = 0
        self._something = threading.Condition()
        self._woken = False
        self.over = False

    def put(self, event: StreamEvent) -> None:
        with self._something:
            while len(self._events) >= self._room:
                self._dropped += len(self._events.popleft())
            self._events.append(event)
        self._stir()

    def take(self, timeout: float) -> Happened | None:
        """The next event; None when there was none for `timeout` seconds, or somebody woke us. Never waits for what
        rings.
        """
        with self._something:
            if not self._events and not self._woken and not self.over and self._ring is None:
                self._something.wait(timeout)
            self._woken = False
            if not self._events or self.over:
                return None
            dropped, self._dropped = self._dropped, 0
            return Happened(self._events.popleft(), dropped)

    def wake(self) -> None:
        """Has the reader look round: its session may be over."""
        self._woken = True
        self._stir()

    def end(self) -> None:
        self.over = True
        self._stir()

    @property
    def rings(self) -> bool:
        """True when its reader is rung for, and must not wait itself."""
        return self._ring is not None

    def _stir(self) -> None:
        with self._something:
            self._something.notify()
        if self._ring is not None:
            self._ring()


class Broadcaster:
    """Subscribes once somebody listens, and again whenever the resolver comes back; stops when nobody listens any more.

    `subscribe` is `ControlClient.subscribe`.
    """

    def __init__(
        self,
        subscribe: Callable[[], Iterator[dict[str, Any] | None]],
        *,
        limit: int = MAX_STREAMS,
        room: int = _ROOM,
        linger: float = _LINGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscribe = subscribe
        self._limit = limit
        self._room = room
        self._linger = linger
        self._clock = clock
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._last_left = 0.0
        self._wanted = threading.Event()
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, ring: Callable[[], None] | None = None) -> Listener:
        """A new stream, once the resolver is listened to or a second has passed. Raises TooManyStreams.

        `ring` is called, from any thread, when there is something to take; then `take` never waits.
        """
        with self._lock:
            if len(self._listeners) >= self._limit or self._stopping.is_set():
                raise TooManyStreams
            listener = Listener(self._room, ring)
            self._listeners.add(listener)
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        self._connected.wait(1.0)
        return listener

    def close(self, listener: Listener) -> None:
        """Ends a stream; closing twice does no harm."""
        listener.end()
        with self._lock:
            self._listeners.discard(listener)
            if not self._listeners:
                self._wanted.clear()
                self._last_left = self._clock()

    def wake(self) -> None:
        """Has every stream look whether its session still holds."""
        for listener in self._all():
            listener.wake()

    def stop(self) -> None:
        """Ends every stream, for good."""
        self._stopping.set()
        self._wanted.set()
        for listener in self._all():
            listener.end()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def __len__(self) -> int:
        return len(self._listeners)

    def _all(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)

    def _deliver(self, event: dict[str, Any]) -> None:
        one = StreamEvent(event)
        for listener in self._all():
            listener.put(one)

    def _run(self) -> None:
        retry, was_lost = _QUICKEST_RETRY, False
        while not self._stopping.is_set():
            was_lost = was_lost and self._wanted.is_set()
            self._wanted.wait()
            events = self._subscribe()
            try:
                for event in events:
                    if not self._connected.is_set():
                        self._connected.set()
                        retry = _QUICKEST_RETRY
                        if was_lost:
                            was_lost = False
                            self._deliver(health(True, Notice("dashboard.resolver-answers-again")))
                            self._deliver({"event": "gap"})
                    if event is not None and event.get("event") != "hello":
                        self._deliver(event)
                    if self._stopping.is_set() or self._nobody_for_long():
                        break
                else:
                    raise Unavailable("dashboard.resolver-ended-conversation")
            except ControlError:
                self._connected.clear()
                if not was_lost:
                    was_lost = True
                    # Whether its DNS answers all the same is another question, and the page's.
                    self._deliver(health(False, Notice("dashboard.resolver-does-not")))
                self._stopping.wait(retry)
                retry = min(retry * 2, _SLOWEST_RETRY)
            finally:
                if isinstance(events, Generator):
                    with suppress(ControlError):
                        events.close()

    def _nobody_for_long(self) -> bool:
        with self._lock:
            nobody = not self._listeners and self._clock() - self._last_left > self._linger
            if nobody:
                self._connected.clear()
            return nobody


def health(healthy: bool, notice: Notice) -> dict[str, Any]:
    """The event that tells dashboards whether the resolver is there."""
    severity = severity_of("control", healthy=healthy).value
    found = {"code": notice.code, "arguments": notice.arguments, "severity": severity, "since": None}
    return {"event": "health", "part": "resolver", "healthy": healthy, **found}
