"""From a request as h11 read it to what a WSGI application is given (PEP 3333). Pure.

Nothing that a client says can stand for something that only we know: names with an underscore are dropped, for
`Remote_Addr` and `Remote-Addr` would be one variable, and `SCRIPT_NAME` is always empty.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import h11

from web.limits import MAX_BODY, MAX_FIELDS


class Unfit(Exception):
    """A request that is answered before anybody works on it: `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check(request: h11.Request) -> None:
    """Raises Unfit for a head that promises too much."""
    if len(request.headers) > MAX_FIELDS:
        raise Unfit(431, "The headers of this request are too large.")
    for name, value in request.headers:
        if name == b"content-length" and int(value) > MAX_BODY:
            raise Unfit(413, "This request is too large; 64 KiB are the most.")
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
        # Whoever stands in front of us may read the other one (RFC 9112, section 6.1).
        raise Unfit(400, "This request says its length in two ways.")


def environ(request: h11.Request, body: bytes, client: tuple[str, int], server: tuple[str, int]) -> dict[str, Any]:
    """The variables of one request. Raises Unfit for a target that is no path of ours."""
    path, query, authority = _target(request.target)
    variables: dict[str, Any] = {
        "REQUEST_METHOD": request.method.decode("ascii"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    variables |= _fields(request.headers)
    if authority is not None:
        variables["HTTP_HOST"] = authority.decode("latin-1")
    return variables


def _target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Path, query and, from the absolute form, the authority, which then counts (RFC 9112, section 3.2.2)."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query, None
    try:
        parts = urlsplit(target)
    except ValueError:
        parts = urlsplit(b"")
    if parts.scheme not in (b"http", b"https") or not parts.netloc:
        raise Unfit(400, "This request cannot be understood.")
    return parts.path or b"/", parts.query, parts.netloc


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.replace("-", "_").upper()
        if key in found:
            value = found[key] + ("; " if name == "cookie" else ",") + value
        found[key] = value
    return found
