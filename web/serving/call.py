"""One call of a WSGI application (PEP 3333), made in steps: a thread is held for a step, never for a client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from web.serving.bell import Bell

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_STEP = 64 * 1024
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status, and the fields that are the application's own affair."""

    status: int
    headers: list[tuple[bytes, bytes]]


class Call:
    """`begin` once, then `more` until it gives None; `close` at the end, in every case."""

    def __init__(self, application: Application, variables: dict[str, Any], bell: Bell) -> None:
        self._application = application
        self._variables = variables
        self._bell = bell
        self._head: ResponseHead | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._answer: Iterable[bytes] = ()

    def begin(self) -> tuple[ResponseHead, bytes | None]:
        """The head, and the first piece of the body. Raises whatever the application raises."""
        self._answer = self._application(self._variables, self._start)
        self._pieces = iter(self._answer)
        first = self.more()
        if self._head is None:
            raise RuntimeError("the application answered without a status")
        return self._head, first

    def more(self) -> bytes | None:
        """The next 64 KiB or so; b"" when there is nothing just now, None when it is over."""
        found: list[bytes] = []
        size = 0
        for piece in self._pieces:
            found.append(piece)
            size += len(piece)
            if self._bell.taken or size >= _STEP:
                return b"".join(found)
        return b"".join(found) or None

    def close(self) -> None:
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if self._head is not None and exc_info is None:
            raise RuntimeError("the application began its answer twice")
        kept = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers if n.lower() not in _OF_THE_CONNECTION]
        self._head = ResponseHead(int(status[:3]), kept)
        return self._refuse_to_write

    @staticmethod
    def _refuse_to_write(_: bytes) -> None:
        raise RuntimeError("write() is not served; yield the body")
