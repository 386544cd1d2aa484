"""Waiting for one answer without a task: who waits is called in the moment it comes, not in the loop's next round.

A task and the rounds of the loop that it takes cost more than everything else a miss needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Pending(Generic[T]):
    """A result that comes later. It can stand wherever an asyncio.Future does: tasks may await it, too.

    Callbacks are called by whoever sets the result, before `set_result` returns.
    """

    # "_asyncio_future_blocking" is what asyncio knows a future by: false while nobody awaits it.
    __slots__ = ("_asyncio_future_blocking", "_callbacks", "_cancelled", "_done", "_error", "_result")

    def __init__(self) -> None:
        self._asyncio_future_blocking = False
        self._callbacks: list[Callable[[Any], object]] = []
        self._done = self._cancelled = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._cancelled

    def result(self) -> T:
        """Raises what went wrong, and InvalidStateError too early."""
        if not self._done:
            raise asyncio.InvalidStateError("The result is not there yet.")
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def exception(self) -> BaseException | None:
        if self._cancelled:
            raise asyncio.CancelledError
        if not self._done:
            raise asyncio.InvalidStateError("The result is not there yet.")
        return self._error

    def set_result(self, result: T) -> None:
        if self._done:
            raise asyncio.InvalidStateError("The result is there already.")
        self._result = result
        # As `_finish`, for every miss.
        self._done = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def set_exception(self, error: BaseException) -> None:
        if self._done:
            raise asyncio.InvalidStateError("The result is there already.")
        self._error = error
        self._finish()

    def cancel(self, msg: object = None) -> bool:
        if self._done:
            return False
        self._cancelled, self._error = True, asyncio.CancelledError()
        self._finish()
        return True

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """`context` is what a task gives: it must not be woken within another one's step, so the loop does it."""
        if context is not None:
            task, loop = callback, asyncio.get_running_loop()

            def callback(done: Any) -> object:
                return loop.call_soon(task, done, context=context)

        if self._done:
            asyncio.get_running_loop().call_soon(callback, self)
        else:
            self._callbacks.append(callback)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        before = len(self._callbacks)
        self._callbacks = [each for each in self._callbacks if each != callback]
        return before - len(self._callbacks)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def _finish(self) -> None:
        self._done = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()


Future: TypeAlias = asyncio.Future[T] | Pending[T]
"""What somebody waits for; both kinds are used alike."""


class Journey(Generic[T]):
    """Walks a coroutine to its end without a task: at once as far as it goes, then whenever what it waits for comes.

    `arrived` is called with the journey and its result, or with None and what it raised. The coroutine must not ask for
    the current task, so neither asyncio.timeout nor asyncio.wait_for.
    """

    __slots__ = ("_arrived", "_coroutine", "_waits_for")

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], arrived: Callable[[Journey[T], T | None, BaseException | None], None]
    ) -> None:
        self._coroutine = coroutine
        self._arrived = arrived
        self._waits_for: Any = None

    def go(self, _: object = None) -> None:
        """The next stretch of the way."""
        try:
            waits_for = self._coroutine.send(None)
        except StopIteration as end:
            self._waits_for = None
            self._arrived(self, end.value, None)
        except BaseException as error:  # noqa: BLE001 - whoever waits at the end gets it
            self._waits_for = None
            self._arrived(self, None, error)
        else:
            self._wait(waits_for)

    def cancel(self) -> None:
        """As asyncio.Task.cancel: what it waits for is cancelled, and so it ends."""
        if self._waits_for is not None:
            self._waits_for.cancel()

    def _wait(self, waits_for: Any) -> None:
        if waits_for is None:
            # asyncio.sleep(0): the others first.
            asyncio.get_running_loop().call_soon(self.go)
            return
        self._waits_for = waits_for
        waits_for._asyncio_future_blocking = False
        waits_for.add_done_callback(self.go)
