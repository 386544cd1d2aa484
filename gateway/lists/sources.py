"""Fetching a list from where its author publishes it, without trusting the server, the redirect or the name.

Only http and https; only public addresses, checked on the address that is connected to; bounded in bytes (also after
unpacking), in time and in redirects. The old copy stays until the new one is whole and reads as a list.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from gateway.errors import ListError
from gateway.files import put_in_place, write_synced
from gateway.lists.addresses import resolve
from gateway.lists.owner_list import count_owned, is_owner_list
from gateway.lists.parsers import parse_list

LIMIT: Final = 64 << 20
MAX_REDIRECTS: Final = 5
_CHUNK: Final = 1 << 16
_STEP_TIMEOUT: Final = 20.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_AGENT: Final = "telltale-gateway"
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO})
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the server said about the copy we have, so that it is not sent twice; "" where it said nothing."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`changed` is False when the copy we have is still the newest. `size` is in bytes, unpacked."""

    changed: bool
    stamp: Stamp
    size: int = 0


def count_entries(path: Path) -> int:
    """Reads a whole file as a list; how many entries it has, or names of a list of owners. Raises ListError when it is
    neither.
    """
    if is_owner_list(path):
        return count_owned(path)
    with path.open("rb") as file:
        return sum(1 for _ in parse_list(iter(lambda: file.read(_CHUNK), b"")).entries)


def put_checked(new: Path, to: Path) -> None:
    """Gives a new copy the place of the old one when it reads as a list. Raises ListError."""
    count_entries(new)
    put_in_place(new, to)


def fetch(
    source: str,
    to: Path,
    stamp: Stamp = Stamp(),
    *,
    allow_private: bool = False,
    limit: int = LIMIT,
    seconds: float = 120.0,
    place: Callable[[Path, Path], None] = put_checked,
) -> Fetched:
    """Brings `source` (http(s) URL or absolute path) to the file `to`, unless `stamp` says that it has not changed.

    `place` is given the new copy and `to`, and decides whether the one becomes the other. Raises ListError; then `to`
    is as it was.
    """
    known = stamp if to.exists() else Stamp()
    beside = to.with_name(f".{to.name}.fetched")
    try:
        if source.startswith("/"):
            fetched = _copy(Path(source), beside, known, limit)
        else:
            fetched = _Download(source, known, allow_private, limit, time.monotonic() + seconds).run(beside)
        if fetched.changed:
            place(beside, to)
        return fetched
    except OSError as error:
        raise ListError("lists.list-cannot-stored", strerror=f"{error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)


def _copy(source: Path, to: Path, stamp: Stamp, limit: int) -> Fetched:
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ListError("lists.cannot-read", source=source, strerror=f"{error.strerror or error}") from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise ListError("lists.not-file", source=source)
    with os.fdopen(handle, "rb") as file:
        new = Stamp(last_modified=f"{about.st_mtime_ns} {about.st_size}")
        if new == stamp:
            return Fetched(False, stamp)
        size = 0

        def pieces() -> Iterator[bytes]:
            nonlocal size
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                yield chunk

        write_synced(to, pieces())
    return Fetched(True, new, size)


class _Download:
    """One fetch over HTTP, redirects included, with one deadline for all of it."""

    def __init__(self, url: str, stamp: Stamp, allow_private: bool, limit: int, deadline: float) -> None:
        self._url, self._stamp, self._limit, self._deadline = url, stamp, limit, deadline
        self._allow_private = allow_private
        self._size = 0
        self._sock: socket.socket | None = None

    def run(self, to: Path) -> Fetched:
        # A server that sends a byte now and then never runs into a timeout; this ends it all the same.
        guard = threading.Timer(max(0.0, self._deadline - time.monotonic()), self._shut)
        guard.daemon = True
        guard.start()
        try:
            return self._follow_redirects(to)
        finally:
            guard.cancel()

    def _follow_redirects(self, to: Path) -> Fetched:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            parts = _parts_of(url)
            try:
                with closing(self._connect(parts)) as connection:
                    following = self._ask(connection, parts, to)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._explain(parts.hostname or "", error) from error
            if isinstance(following, Fetched):
                return following
            url = _follow(url, following)
        raise ListError("lists.address-redirects-more", max_redirects=MAX_REDIRECTS)

    def _explain(self, host: str, error: Exception) -> ListError:
        if isinstance(error, OSError) and error.errno in _DISK:
            return ListError("lists.list-cannot-stored", strerror=error.strerror)
        if time.monotonic() >= self._deadline:
            return ListError("lists.took-too-long", host=host)
        if isinstance(error, ssl.SSLCertVerificationError):
            return ListError("lists.cannot-prove-who", host=host, verify_message=error.verify_message)
        if isinstance(error, OSError):
            return ListError("lists.broke-off", host=host, strerror=f"{error.strerror or error or 'no answer'}")
        return ListError("lists.gives-answer-not", host=host)

    def _remaining(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, _STEP_TIMEOUT)

    def _shut(self) -> None:
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def _connect(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        connection = http.client.HTTPConnection(host, port)
        problem: OSError | None = None
        for family, address in resolve(host, port, allow_private=self._allow_private):
            sock = self._sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(self._remaining())
                sock.connect(address)
                if parts.scheme == "https":
                    context = ssl.create_default_context()
                    sock = self._sock = context.wrap_socket(sock, server_hostname=host)
            except OSError as error:
                sock.close()
                problem = error
                continue
            connection.sock = sock
            return connection
        raise problem or OSError("no address")

    def _ask(self, connection: http.client.HTTPConnection, parts: SplitResult, to: Path) -> Fetched | str:
        """The result, or where the server sends us instead."""
        headers = {"User-Agent": _AGENT, "Accept": "text/plain, */*;q=0.5", "Accept-Encoding": "gzip"}
        if self._stamp.etag:
            headers["If-None-Match"] = self._stamp.etag
        if self._stamp.last_modified:
            headers["If-Modified-Since"] = self._stamp.last_modified
        headers["Connection"] = "close"
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        if parts.query:
            target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
        connection.request("GET", target, headers=headers)
        with closing(connection.getresponse()) as response:
            if response.status in _REDIRECTS:
                return response.headers.get("Location", "")
            if response.status == 304 and self._stamp != Stamp():
                return Fetched(False, self._stamp)
            if response.status != 200:
                answer = f"{response.status} {_clean(response.reason)}".rstrip()
                raise ListError("lists.answers", hostname=parts.hostname, answer=answer)
            if response.length is not None and response.length > self._limit:
                raise _too_large(self._limit)
            write_synced(to, self._unpack(self._read(response)))
            stamp = Stamp(_clean(response.headers.get("ETag", "")), _clean(response.headers.get("Last-Modified", "")))
        return Fetched(True, stamp, self._size)

    def _read(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        size = 0
        while not response.isclosed():
            if self._sock is not None:
                self._sock.settimeout(self._remaining())
            chunk = response.read(_CHUNK)
            size += len(chunk)
            if size > self._limit:
                raise _too_large(self._limit)
            yield chunk
        if response.length:
            raise OSError("the list arrived in part")

    def _unpack(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The list itself, also when it came compressed: its first bytes say so, for servers forget to."""
        first = next(chunks, b"")
        if first.startswith(_GZIP_MAGIC):
            yield from self._count(_gunzip(first, chunks))
        else:
            yield from self._count(iter([first]))
            yield from self._count(chunks)

    def _count(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._limit:
                raise _too_large(self._limit)
            yield piece


def _gunzip(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(31)
    data = first
    try:
        while True:
            piece = unpacker.decompress(data, _CHUNK)
            if piece:
                yield piece
            if unpacker.eof:
                return
            data = unpacker.unconsumed_tail or (next(chunks, b"") if len(piece) < _CHUNK else b"")
            if not data and not piece:
                raise OSError("the list arrived in part")
    except zlib.error as error:
        raise ListError("lists.list-compressed-damaged") from error


def _parts_of(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits or len(url) > 2048 or not url.isprintable():
        raise ListError("lists.list-address-begins")
    if parts.username is not None or parts.password is not None:
        raise ListError("lists.address-list-no")
    return parts


def _follow(url: str, location: str) -> str:
    if not location:
        raise ListError("lists.address-redirects-but")
    following = urljoin(url, location)
    if url.startswith("https:") and not following.startswith("https:"):
        raise ListError("lists.address-redirects-https")
    return following


def _too_large(limit: int) -> ListError:
    if limit >= 1 << 20:
        return ListError("lists.list-larger-than-mib", limit=f"{limit >> 20}")
    return ListError("lists.list-larger-than", limit=limit)


def _clean(text: str | None) -> str:
    return "".join(filter(str.isprintable, text or ""))[:200]
