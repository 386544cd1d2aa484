"""A DNS client over real sockets, built on dnspython: what a television would see."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from tests.support.waiting import PATIENCE

Server = tuple[str, int]


def question(
    name: str | bytes,
    rtype: str | int = "A",
    *,
    edns: int | None = None,
    dnssec_ok: bool = False,
    recursion: bool = True,
    checking_disabled: bool = False,
    spelling: str | None = None,
    message_id: int | None = None,
) -> dns.message.Message:
    """A query for `name`, written as in `spelling` when that is given; `edns` is the UDP size, None for no OPT."""
    written = dns.name.from_text(spelling or (name.decode("latin-1") if isinstance(name, bytes) else name))
    kind = dns.rdatatype.RdataType.make(rtype)
    message = dns.message.make_query(written, kind, use_edns=False, id=message_id)
    if edns is not None or dnssec_ok:
        message.use_edns(0, dns.flags.DO if dnssec_ok else 0, edns or 1232)
    if not recursion:
        message.flags &= ~dns.flags.RD
    if checking_disabled:
        message.flags |= dns.flags.CD
    return message


def ask(
    name: str | bytes,
    rtype: str | int = "A",
    server: Server = ("127.0.0.1", 53),
    *,
    tcp: bool = False,
    edns: int | None = None,
    dnssec_ok: bool = False,
    recursion: bool = True,
    checking_disabled: bool = False,
    spelling: str | None = None,
    message_id: int | None = None,
    source: str | None = None,
    timeout: float = PATIENCE,
) -> dns.message.Message:
    """Asks once and gives the answer, which must fit the question (id, spelling of the QNAME, type).

    Raises TimeoutError when none comes.
    """
    message = question(
        name,
        rtype,
        edns=edns,
        dnssec_ok=dnssec_ok,
        recursion=recursion,
        checking_disabled=checking_disabled,
        spelling=spelling,
        message_id=message_id,
    )
    wire = ask_raw(message.to_wire(), server, tcp=tcp, source=source, timeout=timeout)
    answer = dns.message.from_wire(wire)
    assert answer.id == message.id, "the answer has another id"
    assert answer.flags & dns.flags.QR, "the answer is not a response"
    assert [(q.name.to_text(), q.rdtype) for q in answer.question] == [
        (q.name.to_text(), q.rdtype) for q in message.question
    ], "the answer has another question"
    return answer


def ask_raw(
    wire: bytes, server: Server, *, tcp: bool = False, source: str | None = None, timeout: float = PATIENCE
) -> bytes:
    """Sends any bytes and gives the first bytes that come back. Raises TimeoutError, or ConnectionError over TCP."""
    if tcp:
        with Connection(server, source=source, timeout=timeout) as connection:
            connection.send(wire)
            return connection.receive()
    with _udp(server, source, timeout) as sock:
        sock.send(wire)
        return sock.recv(65_535)


def addresses(answer: dns.message.Message) -> list[str]:
    """The addresses of an answer, in order."""
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    return [item.address for rrset in answer.answer if rrset.rdtype in kinds for item in rrset]


def burst(
    messages: Sequence[dns.message.Message],
    server: Server,
    *,
    source: str | None = None,
    at_once: int = 128,
    timeout: float = PATIENCE,
) -> list[dns.message.Message | None]:
    """Sends all from one UDP socket, `at_once` of them without waiting (a default socket buffer holds about 250).

    Gives the answers in the order of the questions, None where none came within `timeout` after the last one sent.
    """
    order = {message.id: place for place, message in enumerate(messages)}
    assert len(order) == len(messages), "every message of a burst needs its own id"
    answers: list[dns.message.Message | None] = [None] * len(messages)
    missing = 0
    with _udp(server, source, timeout) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for start in range(0, len(messages), at_once):
            batch = messages[start : start + at_once]
            for message in batch:
                sock.send(message.to_wire())
            missing += len(batch)
            deadline = time.monotonic() + timeout
            while missing and (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    answer = dns.message.from_wire(sock.recv(65_535))
                except TimeoutError:
                    break
                place = order.get(answer.id)
                if place is not None and answers[place] is None:
                    answers[place] = answer
                    missing -= 1
    return answers


@dataclass
class Connection:
    """One TCP connection that may carry many messages (RFC 7766)."""

    server: Server
    source: str | None = None
    timeout: float = PATIENCE
    _sock: socket.socket = field(init=False, repr=False)

    def __enter__(self) -> Connection:
        origin = (self.source, 0) if self.source else None
        self._sock = socket.create_connection(self.server, self.timeout, origin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sock.close()

    def send(self, wire: bytes) -> None:
        self._sock.sendall(len(wire).to_bytes(2, "big") + wire)

    def send_bytes(self, data: bytes) -> None:
        """Bytes as they are, without a length in front."""
        self._sock.sendall(data)

    def receive(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def is_closed_by_peer(self, within: float = PATIENCE) -> bool:
        self._sock.settimeout(within)
        try:
            return self._sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._sock.recv(size - len(data))
            if not part:
                raise ConnectionError("The server closed the connection.")
            data += part
        return data


@contextmanager
def _udp(server: Server, source: str | None, timeout: float) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        if source is not None:
            sock.bind((source, 0))
        sock.connect(server)
        yield sock
