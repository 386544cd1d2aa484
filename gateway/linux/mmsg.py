"""Many datagrams in one system call: recvmmsg(2) and sendmmsg(2) through ctypes, into buffers that stay.

The replies are written over the queries, so that each keeps its id, and leave through the address it came with.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from collections.abc import Sequence
from typing import TypeAlias

# A sender without its port, as one hashable value: a raw IPv4 address as an integer, an IPv6 address as two.
AddressKey: TypeAlias = int | tuple[int, int]

SIZE = 64
SLOT = 2048
_NAME_SLOT = 32
_BYTE_ORDER = sys.byteorder


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("received", ctypes.c_uint))


def _load() -> tuple[ctypes.PyDLL, bool]:
    # PyDLL keeps the interpreter lock: these calls never wait, and whoever gives the lock away to a busy writer thread
    # waits five milliseconds to get it back.
    library = ctypes.PyDLL(None, use_errno=True)
    if not (hasattr(library, "recvmmsg") and hasattr(library, "sendmmsg")):
        return library, False
    library.recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
    library.sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
    return library, True


_LIBRARY, AVAILABLE = _load()
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)


class _Letters:
    """Buffers for 64 datagrams, and for the addresses that they came from or go to."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self.ipv6 = sock.family == socket.AF_INET6
        self._name_length = 28 if self.ipv6 else 16
        self.buffer = bytearray(SIZE * SLOT)
        self._names = bytearray(SIZE * _NAME_SLOT)
        # ctypes objects must outlive the addresses of them that stand in other ones.
        self._pinned = (
            (ctypes.c_char * len(self.buffer)).from_buffer(self.buffer),
            (ctypes.c_char * len(self._names)).from_buffer(self._names),
        )
        self._out_vectors, self._out = self._headers()
        self._out_at = ctypes.addressof(self._out)
        self.reply_lengths = memoryview(self._out_vectors).cast("B").cast("L")[1::2]

    def _headers(self) -> tuple[ctypes.Array[_Iovec], ctypes.Array[_Message]]:
        data, names = (ctypes.addressof(pinned) for pinned in self._pinned)
        vectors = (_Iovec * SIZE)()
        messages = (_Message * SIZE)()
        for i in range(SIZE):
            vectors[i].base, vectors[i].length = data + i * SLOT, SLOT
            header = messages[i].header
            header.name, header.name_length = names + i * _NAME_SLOT, self._name_length
            header.iov, header.iov_count = ctypes.addressof(vectors) + i * ctypes.sizeof(_Iovec), 1
        return vectors, messages

    def send(self, first: int, behind: int) -> int:
        """Sends the replies first..behind-1 and returns how many could not be sent. Never blocks."""
        lost = 0
        size = ctypes.sizeof(_Message)
        while first < behind:
            sent: int = _LIBRARY.sendmmsg(self._fd, self._out_at + first * size, behind - first, _DONT_WAIT)
            if sent > 0:
                first += sent
                continue
            if ctypes.get_errno() in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.EBADF):
                return lost + behind - first
            # This one cannot be sent (port 0, no route, a firewall's word); the others can.
            lost += 1
            first += 1
        return lost


class Outbox(_Letters):
    """Replies that leave together, at most 64: a system call for each wakes its reader for each, too."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.count = 0

    def put(self, name: bytes, reply: bytes) -> bool:
        """One more, to the raw address `name` (see `Batch.name`). False when it does not fit: it is longer than 2,048
        bytes, or 64 wait already.
        """
        i, size = self.count, len(reply)
        if i == SIZE or size > SLOT:
            return False
        at, to = i * SLOT, i * _NAME_SLOT
        self.buffer[at : at + size] = reply
        self._names[to : to + len(name)] = name
        self.reply_lengths[i] = size
        self.count = i + 1
        return True

    def flush(self) -> int:
        """Sends them all, and returns how many could not be sent."""
        count, self.count = self.count, 0
        return self.send(0, count)


class Batch(_Letters):
    """Room for 64 datagrams of one non-blocking UDP socket.

    After `receive`, datagram i stands in `buffer` at `i * SLOT`; `lengths()` and `keys()` tell how long each is and who
    sent it. A reply goes into the same place; its length into `reply_lengths[i]`; `send(a, b)` sends the replies of
    a..b-1.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._in_vectors, self._in = self._headers()
        self._in_at = ctypes.addressof(self._in)
        words = memoryview(self._in).cast("B").cast("I")
        per_message = ctypes.sizeof(_Message) // 4
        self._lengths = words[_Message.received.offset // 4 :: per_message]
        if self.ipv6:
            self._halves = memoryview(self._names).cast("Q")[1::4], memoryview(self._names).cast("Q")[2::4]
        else:
            self._addresses = memoryview(self._names).cast("I")[1::8]

    def receive(self) -> int:
        """How many datagrams came in; 0 when none waits. Never blocks."""
        count: int = _LIBRARY.recvmmsg(self._fd, self._in_at, SIZE, _DONT_WAIT, None)
        return max(count, 0)

    def lengths(self, count: int) -> list[int]:
        return self._lengths[:count].tolist()

    def keys(self, count: int) -> Sequence[AddressKey]:
        """Who sent each."""
        if self.ipv6:
            high, low = self._halves
            return list(zip(high[:count].tolist(), low[:count].tolist(), strict=True))
        return self._addresses[:count].tolist()

    def sender(self, i: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """The address of datagram i as the socket module writes it."""
        at = i * _NAME_SLOT
        port = self.port(i)
        if not self.ipv6:
            return socket.inet_ntop(socket.AF_INET, self._names[at + 4 : at + 8]), port
        scope = int.from_bytes(self._names[at + 24 : at + 28], _BYTE_ORDER)
        return socket.inet_ntop(socket.AF_INET6, self._names[at + 8 : at + 24]), port, 0, scope

    def name(self, i: int) -> bytes:
        """The sender of datagram i as the kernel writes it: a reply goes there."""
        at = i * _NAME_SLOT
        return bytes(self._names[at : at + self._name_length])

    def port(self, i: int) -> int:
        """Which port datagram i came from."""
        at = i * _NAME_SLOT
        return self._names[at + 2] << 8 | self._names[at + 3]
