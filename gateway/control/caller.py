"""An asynchronous end of a control socket, for a process that must not wait on a thread."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from gateway.control.codec import decode_line, encode_line
from gateway.control.messages import MAX_REPLY, Done, reply_from
from gateway.errors import Refused, Unavailable


class Caller:
    """Speaks to the process at `path`, which people know as `name`. A connection a call."""

    def __init__(self, path: Path, name: str, timeout: float = 30.0) -> None:
        self._path = path
        self._name = name
        self._timeout = timeout

    async def call(self, verb: str, **arguments: Any) -> Any:
        """The result of `verb`, a JSON value. Raises Refused when the request is wrong, else Unavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                line = await self._exchange(encode_line({"verb": verb, "arguments": arguments}))
        except (OSError, ValueError, asyncio.LimitOverrunError):
            raise Unavailable("control.does-not-answer", name=self._name) from None
        try:
            reply = reply_from(decode_line(line, MAX_REPLY))
        except Refused:
            raise Unavailable("control.does-not-answer", name=self._name) from None
        if isinstance(reply, Done):
            return reply.result
        if reply.kind == "refused":
            raise Refused(reply.code, reply.field, **reply.arguments)
        raise Unavailable(reply.code, **reply.arguments)

    async def _exchange(self, request: bytes) -> bytes:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # A path beyond the kernel's 107 bytes is gone round, as the server does.
            reader, writer = await asyncio.open_unix_connection(
                f"/proc/self/fd/{folder}/{self._path.name}", limit=MAX_REPLY
            )
        finally:
            os.close(folder)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()
