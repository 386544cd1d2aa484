"""Frames as they come in at any link, those for one UDP port only (packet(7); the filter is classic BPF)."""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

_ETH_P_IP, _ETH_P_ALL = 0x0800, 0x0003
_SOL_PACKET, _IGNORE_OUTGOING = 263, 23
_SO_ATTACH_FILTER: Final = 26
_BUFFER: Final = 2048
_MOST_BEFORE: Final = 4096
_LOAD_HALF, _LOAD_BYTE, _LOAD_HALF_AT, _IP_LENGTH = 0x28, 0x30, 0x48, 0xB1
_IF_EQUAL, _IF_SET, _END = 0x15, 0x45, 0x06


def udp_filter(port: int) -> bytes:
    """Whole IPv4 datagrams, or the first piece of one, to this UDP port; everything else stays with the kernel."""
    program = (
        (_LOAD_HALF, 0, 0, 12),
        (_IF_EQUAL, 0, 8, _ETH_P_IP),
        (_LOAD_BYTE, 0, 0, 23),
        (_IF_EQUAL, 0, 6, socket.IPPROTO_UDP),
        (_LOAD_HALF, 0, 0, 20),
        (_IF_SET, 4, 0, 0x1FFF),
        (_IP_LENGTH, 0, 0, 14),
        (_LOAD_HALF_AT, 0, 0, 16),
        (_IF_EQUAL, 0, 1, port),
        (_END, 0, 0, _BUFFER),
        (_END, 0, 0, 0),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in program)


class PacketTap:
    """Needs CAP_NET_RAW. Never waits."""

    def __init__(self, port: int) -> None:
        """Raises OSError."""
        # Of IPv4 alone a port of a bridge shows nothing: its frames have gone to the bridge by then.
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_PACKET, kind, socket.htons(_ETH_P_ALL))
        try:
            code = ctypes.create_string_buffer(udp_filter(port))
            program = struct.pack("HP", (len(code) - 1) // 8, ctypes.addressof(code))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            # What came in before there was a filter.
            self.frames(_MOST_BEFORE)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def frames(self, most: int) -> list[tuple[str, bytes]]:
        """Name of the link and the frame, for what came in."""
        found = []
        for _ in range(most):
            try:
                frame, (link, *_about) = self._socket.recvfrom(_BUFFER)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # A link went down; the others go on.
                continue
            found.append((link, frame))
        return found
