"""Scripted servers for the laboratory: a DNS server that says who was asked, and a web server of n bytes.

Make them inside a namespace of the laboratory; they serve from threads until the block ends.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset

NAME = "tracker.example."


class Serving:
    """Listening sockets with a thread each; `serve` gets what recvfrom or accept gave."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    def listen(self, address: str, port: int, kind: socket.SocketKind, serve: Callable[..., None]) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        if kind == socket.SOCK_STREAM:
            listener.listen(256)
        self._sockets.append(listener)
        thread = threading.Thread(target=self._loop, args=(listener, kind, serve), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _loop(self, listener: socket.socket, kind: socket.SocketKind, serve: Callable[..., None]) -> None:
        listener.settimeout(0.1)
        while listener.fileno() >= 0:
            try:
                got: Any = listener.accept() if kind == socket.SOCK_STREAM else listener.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            if kind == socket.SOCK_STREAM:
                got[0].settimeout(10)
                self._open.add(got[0])
                threading.Thread(target=self._one, args=(got[0], serve), daemon=True).start()
            else:
                serve(listener, *got)

    def _one(self, connection: socket.socket, serve: Callable[..., None]) -> None:
        with connection:
            try:
                serve(connection)
            except OSError:
                pass
            finally:
                self._open.discard(connection)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._sockets:
            listener.close()
        for connection in list(self._open):
            connection.close()
        for thread in self._threads:
            thread.join(5)


class NamedDns(Serving):
    """Answers every question with a TXT record: its label. `asked` lists (transport, client's address)."""

    def __init__(self, label: str, addresses: tuple[str, ...], ports: tuple[int, ...] = (53,)) -> None:
        super().__init__()
        self.label = label
        self.asked: list[tuple[str, str]] = []
        for address in addresses:
            for port in ports:
                self.listen(address, port, socket.SOCK_DGRAM, self._datagram)
                self.listen(address, port, socket.SOCK_STREAM, self._stream)

    def _answer(self, wire: bytes) -> bytes:
        question = dns.message.from_wire(wire)
        answer = dns.message.make_response(question)
        answer.answer.append(dns.rrset.from_text(question.question[0].name, 1, "IN", "TXT", f'"{self.label}"'))
        return answer.to_wire()

    def _datagram(self, listener: socket.socket, data: bytes, client: Any) -> None:
        self.asked.append(("udp", client[0]))
        listener.sendto(self._answer(data), client)

    def _stream(self, connection: socket.socket) -> None:
        self.asked.append(("tcp", connection.getpeername()[0]))
        with connection.makefile("rb") as reader:
            while head := reader.read(2):
                answer = self._answer(reader.read(int.from_bytes(head, "big")))
                connection.sendall(len(answer).to_bytes(2, "big") + answer)


class Web(Serving):
    """Whoever connects and writes a number and a newline gets so many bytes; 0 means without end. `served` counts
    them by the server's address and port; `clients` are the addresses that came."""

    def __init__(self, addresses: tuple[str, ...] = ("0.0.0.0", "::"), ports: tuple[int, ...] = (80,)) -> None:
        super().__init__()
        self.served: dict[tuple[str, int], int] = {}
        self.clients: list[str] = []
        self._lock = threading.Lock()
        for address in addresses:
            for port in ports:
                self.listen(address, port, socket.SOCK_STREAM, self._serve)

    def _serve(self, connection: socket.socket) -> None:
        self.clients.append(connection.getpeername()[0])
        here = connection.getsockname()[:2]
        with connection.makefile("rb") as reader:
            wanted = int(reader.readline(20) or b"0")
            left = wanted
            while left > 0 or wanted == 0:
                piece = bytes(65536 if wanted == 0 else min(left, 65536))
                connection.sendall(piece)
                left -= len(piece)
                with self._lock:
                    self.served[here] = self.served.get(here, 0) + len(piece)
            connection.shutdown(socket.SHUT_WR)
            reader.read()


def ask(server: str, *, tcp: bool = False, port: int = 53, timeout: float = 5, padded: int = 0, **options: Any) -> str:
    """Who answers when that server is asked: the label in the answer. Raises OSError or dns.exception.Timeout."""
    question = dns.message.make_query(NAME, "TXT")
    if padded:
        question.use_edns(0, payload=4096, pad=padded)
    query = dns.query.tcp if tcp else dns.query.udp
    answer = query(question, server, timeout=timeout, port=port, **options)
    return str(answer.answer[0][0].strings[0].decode())


def fetch(server: str, amount: int, port: int = 80, timeout: float = 10) -> int:
    """How many bytes came. Raises OSError."""
    with socket.create_connection((server, port), timeout=timeout) as connection:
        connection.sendall(b"%d\n" % amount)
        got = 0
        while piece := connection.recv(1 << 20):
            got += len(piece)
        return got
