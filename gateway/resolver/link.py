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
