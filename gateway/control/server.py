"""The resolver's end of the control socket."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.control.codec import decode_line, encode_line
from gateway.control.hub import Hub
from gateway.control.messages import MAX_LINE, MAX_REPLY, Done, Failed, Reply, reply_to_json, request_from
from gateway.errors import Refused, TelltaleError
from gateway.listening import close_server

log = logging.getLogger(__name__)

Handler = Callable[[Mapping[str, Any]], Any | Awaitable[Any]]

_MAX_CONNECTIONS = 128
_LAST_WORDS = 2.0
"""Seconds that a client has for the rest of an answer, once its conversation is over."""


class ControlServer:
    """Answers verbs on a Unix socket (mode 0660). One slow or hostile client disturbs nobody else.

    `admit` is asked about the user id behind each connection, as the kernel vouches for it (SO_PEERCRED, unix(7)); who
    is not admitted reads so once. `group` is the id of the group that the socket's file is given to. Without a `hub`
    there are no events.
    """

    def __init__(
        self,
        path: Path,
        handlers: Mapping[str, Handler],
        hub: Hub | None,
        *,
        admit: Callable[[int], bool] | None = None,
        group: int | None = None,
    ) -> None:
        self.path = path
        self._handlers = handlers
        self._hub = hub
        self._admit = admit
        self._group = group
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def listening(self) -> bool:
        """Whether somebody who calls now is heard: the socket's file may be gone, or another one in its place."""
        return self._server is not None and self._is_there()

    async def start(self) -> None:
        """Begins to listen; a socket file that an earlier process left is replaced. Raises OSError."""
        listener = bind_unix(self.path)
        if self._group is not None:
            os.chown(self.path, -1, self._group)
        self._inode = self.path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_LINE)

    async def stop(self) -> None:
        """Ends every conversation, also those that begin this moment, and removes the socket file."""
        if self._server is None:
            return
        self._stopping = True
        await close_server(self._server)
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        with suppress(OSError):
            if self._is_there():
                self.path.unlink()

    def _is_there(self) -> bool:
        try:
            return self.path.lstat().st_ino == self._inode
        except OSError:
            return False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._stopping or len(self._connections) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            if self._admit is None or self._admit(_user_behind(writer)):
                await self._converse(reader, writer)
            else:
                await self._send_away(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            await _close(writer)
            self._connections.discard(task)

    async def _send_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_line(reply_to_json(Failed("refused", "control.user-may-not"))))
        await writer.drain()
        # Closing with unread bytes would take the sentence back (a reset); somebody who goes on talking is cut off.
        writer.write_eof()
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(MAX_LINE), 1.0)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                request = request_from(decode_line(line))
            except Refused as error:
                reply: Reply = Failed("refused", error.code, error.field, error.arguments)
            else:
                if request.verb == "subscribe" and self._hub is not None:
                    await self._stream(reader, writer, self._hub)
                    return
                reply = await self._answer(request.verb, request.arguments)
            answer = encode_line(reply_to_json(reply))
            if len(answer) > MAX_REPLY:
                answer = encode_line(reply_to_json(Failed("unavailable", "control.more-than-reply")))
            writer.write(answer)
            await writer.drain()

    async def _answer(self, verb: str, arguments: Mapping[str, Any]) -> Reply:
        handler = self._handlers.get(verb)
        if handler is None:
            return Failed("refused", "control.no-such-verb", "verb", {"verb": f"{verb[:64]!r}"})
        try:
            result = handler(arguments)
            if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
                result = await result
            return Done(result)
        except Refused as error:
            return Failed("refused", error.code, error.field, error.arguments)
        except TelltaleError as error:
            return Failed("unavailable", error.code, None, error.arguments)
        except Exception:
            log.exception("control verb %s failed", verb[:64])
            return Failed("unavailable", "control.could-not-done")

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hub: Hub) -> None:
        events = hub.subscribe()
        hung_up = asyncio.ensure_future(reader.read())
        try:
            following = asyncio.ensure_future(anext(events))
            # The first line tells the client that from now on it misses nothing.
            await asyncio.sleep(0)
            writer.write(encode_line({"event": "hello"}))
            while True:
                await asyncio.wait({following, hung_up}, return_when=asyncio.FIRST_COMPLETED)
                if hung_up.done():
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
                    return
                writer.write(following.result())
                following = asyncio.ensure_future(anext(events))
                await writer.drain()
        finally:
            hung_up.cancel()
            if not following.done():
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            await events.aclose()  # type: ignore[attr-defined]


async def _close(writer: asyncio.StreamWriter) -> None:
    """A client that never reads what is left for it does not keep its place."""
    writer.close()
    with suppress(OSError, TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(writer.wait_closed(), _LAST_WORDS)
    writer.transport.abort()


def _user_behind(writer: asyncio.StreamWriter) -> int:
    credentials = struct.Struct("3i")
    connection = writer.get_extra_info("socket")
    _, user, _ = credentials.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(user)


def bind_unix(path: Path) -> socket.socket:
    """A listening stream socket at `path`, whatever its length: the kernel's limit of 107 bytes is gone round."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        path.chmod(0o660)
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener
