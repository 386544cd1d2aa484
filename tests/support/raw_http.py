"""HTTP as an attacker speaks it: any bytes, from any loopback address, as slowly as he likes."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

Place = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when nothing came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


def connect(place: Place, source: str | None = None, timeout: float = 20.0) -> socket.socket:
    return socket.create_connection(place, timeout, (source, 0) if source else None)


def exchange(place: Place, sent: bytes, source: str | None = None) -> Answer:
    """Sends any bytes and reads until the other side hangs up."""
    with connect(place, source) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        return read(connection)


def read(connection: socket.socket) -> Answer:
    """What comes until the other side hangs up; whoever is cut off has nothing."""
    found = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    fields = [line.split(": ", 1) for line in lines[1:] if ": " in line]
    headers = {name.lower(): value for name, value in fields}
    cookies = tuple(value.partition(";")[0] for name, value in fields if name.lower() == "set-cookie")
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Answer(status, headers, body, cookies)


def request(place: Place, path: str, method: str = "GET", *, body: bytes = b"", **headers: str) -> bytes:
    """One whole request after which the connection ends. Underscores in names of headers become dashes."""
    fields = {"Host": f"{place[0]}:{place[1]}", "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body or method == "POST":
        fields["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def get(place: Place, path: str, source: str | None = None, **headers: str) -> Answer:
    return exchange(place, request(place, path, **headers), source)


def post(place: Place, path: str, fields: dict[str, str], source: str | None = None, **headers: str) -> Answer:
    """A form, sent as one of our own pages sends it."""
    own = {"Content_Type": "application/x-www-form-urlencoded", "Origin": f"http://{place[0]}:{place[1]}"}
    return exchange(place, request(place, path, "POST", body=urlencode(fields).encode(), **(own | headers)), source)
