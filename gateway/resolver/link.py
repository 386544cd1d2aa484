"""What a link of the chain looks like."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from gateway.model.query import Query
from gateway.model.response import Response

Handler: TypeAlias = Callable[[Query], Coroutine[Any, Any, Response]]


class Link(Protocol):
    """Answers, or asks `below` and looks at what comes back. It must not care who stands above it.

    Raises UpstreamError when there is no answer to be had, WireError when silence is the answer.
    """

    async def resolve(self, query: Query, below: Handler) -> Response: ...


class Prompt:
    """A link that never waits. It says what it has to say on the way down, or on the way up, or both; a plain call
    costs a tenth of a coroutine, so who can be called back needs none of those (see `SynchronousChain`).
    """

    def answer(self, query: Query) -> Response | None:
        """The answer, or None when those below shall give it. Raises WireError when silence is the answer."""
        return None

    def look(self, query: Query, response: Response) -> Response:
        """What becomes of the answer that came from below."""
        return response

    async def resolve(self, query: Query, below: Handler) -> Response:
        response = self.answer(query)
        return self.look(query, await below(query)) if response is None else response
