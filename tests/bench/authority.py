"""An instant authority: every name has one address and an hour to live. `python -m tests.bench.authority PORT`."""

from __future__ import annotations

import socket
import sys

from tests.bench.workload import address_of

_ANSWER = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04"
_HEADER = b"\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00"
_EMPTY = b"\x85\x80\x00\x01\x00\x00\x00\x00\x00\x00"


def answer(wire: bytes) -> bytes | None:
    """The answer to a query with one question; None for what is none. It does not speak EDNS (RFC 6891)."""
    labels, at = [], 12
    while at < len(wire) and 0 < wire[at] < 64:
        labels.append(wire[at + 1 : at + 1 + wire[at]])
        at += 1 + wire[at]
    if len(wire) < at + 5 or not labels:
        return None
    question = wire[12 : at + 5]
    if question[-4:] != b"\x00\x01\x00\x01":
        return wire[:2] + _EMPTY + question
    name = b".".join(labels).decode("ascii", "replace")
    address = socket.inet_aton(address_of(name)) if name.isascii() else b"\xc6\x33\x64\x01"
    return wire[:2] + _HEADER + question + _ANSWER + address


def serve(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(("127.0.0.1", port))
        while True:
            wire, client = sock.recvfrom(4096)
            reply = answer(wire)
            if reply is not None:
                sock.sendto(reply, client)


if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]))
    except KeyboardInterrupt:
        pass
