"""Everybody else's end of the control socket. Blocking; safe to share between threads."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.control.codec import decode_line, encode_line
from gateway.control.messages import MAX_LINE, MAX_REPLY, Done, reply_from
from gateway.control.places import ControlPlaces
from gateway.errors import Refused, Unavailable


class ControlClient:
    """Speaks to the process whose socket is at `place`, the resolver unless `name` says otherwise. A connection a call:
    the socket is local, and nothing can go stale.
    """

    def __init__(self, place: Path | ControlPlaces, timeout: float = 5.0, name: str = "The resolver") -> None:
        self._place = place
        self._name = name
        self._timeout = timeout

    def call(self, verb: str, **arguments: Any) -> Any:
        """Has the resolver do `verb`; its result, a JSON value.

        Raises Refused when the request is wrong, Unavailable when the resolver does not answer in time.
        """
        try:
            with connect_unix(self._place, self._timeout) as connection:
                connection.sendall(encode_line({"verb": verb, "arguments": arguments}))
                with connection.makefile("rb") as stream:
                    line = stream.readline(MAX_REPLY + 1)
        except OSError:
            raise Unavailable("control.does-not-answer-telltale", name=self._name) from None
        if not line:
            raise Unavailable("control.does-not-answer-telltale", name=self._name)
        try:
            reply = reply_from(decode_line(line, MAX_REPLY))
        except Refused:
            raise Unavailable("control.resolver-said-something") from None
        if isinstance(reply, Done):
            return reply.result
        if reply.kind == "refused":
            raise Refused(reply.code, reply.field, **reply.arguments)
        raise Unavailable(reply.code, **reply.arguments)

    def subscribe(self) -> Iterator[dict[str, Any] | None]:
        """Events as they happen, each a JSON object; None when there was none for a while.

        The first one is `{"event": "hello"}`: from then on nothing is missed. Raises Unavailable when the resolver
        is not there or goes away.
        """
        try:
            with connect_unix(self._place, self._timeout) as connection:
                connection.sendall(encode_line({"verb": "subscribe"}))
                connection.settimeout(60)
                with connection.makefile("rb") as stream:
                    while line := stream.readline(MAX_LINE + 1):
                        yield None if line == b"\n" else decode_line(line)
        except OSError:
            raise Unavailable("control.does-not-answer-telltale", name=self._name) from None
        except Refused:
            raise Unavailable("control.resolver-said-something") from None
        raise Unavailable("control.does-not-answer-telltale", name=self._name)


def connect_unix(place: Path | ControlPlaces, timeout: float) -> socket.socket:
    """A connected stream socket to `place`, whatever its length; of several places, to the first where somebody may be
    trusted to listen. Raises OSError.
    """
    if isinstance(place, Path):
        return _connect(place, timeout)
    for path in place.to_find():
        with suppress(OSError):
            return _connect(path, timeout, place)
    raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens at any place of the control socket")


def _connect(path: Path, timeout: float, places: ControlPlaces | None = None) -> socket.socket:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if places is not None and not places.trusts(path.parent, os.fstat(folder)):
            raise PermissionError(errno.EPERM, "this folder is of somebody else")
        connection.settimeout(timeout)
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection
