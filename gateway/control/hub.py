"""Hands events to whoever subscribed. A slow subscriber loses lookups, never the others' time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.control.codec import encode_event, encode_line
from gateway.model.event import Event

_WAITING = 64
_GAP = encode_line({"event": "gap"})


class Hub:
    """Lives on one event loop; `publish_from_thread` is for everybody else.

    Each subscriber has room for 64 events; when it is full the oldest is dropped and the next one delivered is
    preceded by `{"event": "gap"}`, so that a dashboard knows to ask for what it missed. An event that is longer than a
    client reads is a gap as well.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscribers: set[_Subscriber] = set()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Names the loop that events are delivered on."""
        self._loop = loop

    def has_listeners(self) -> bool:
        """True when somebody would see an event; so that nobody prints one in vain. Callable from any thread."""
        return bool(self._subscribers)

    def publish(self, event: Event) -> None:
        """Tells every subscriber; on the loop's thread only."""
        if self._subscribers:
            line = encode_event(event) or _GAP
            for subscriber in self._subscribers:
                subscriber.put(line)

    def publish_from_thread(self, event: Event) -> None:
        """As `publish`, from another thread; nothing happens when the loop has gone."""
        if self._loop is not None and self._subscribers and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.publish, event)

    async def subscribe(self, heartbeat: float = 15.0) -> AsyncIterator[bytes]:
        """Encoded events as they happen; an empty line after `heartbeat` seconds without one."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            while True:
                try:
                    yield await asyncio.wait_for(subscriber.queue.get(), heartbeat)
                except TimeoutError:
                    yield b"\n"
        finally:
            self._subscribers.discard(subscriber)


class _Subscriber:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    def put(self, line: bytes) -> None:
        if self.queue.qsize() >= _WAITING:
            while self.queue.qsize() >= _WAITING - 1:
                self.queue.get_nowait()
            self.queue.put_nowait(_GAP)
        self.queue.put_nowait(line)
