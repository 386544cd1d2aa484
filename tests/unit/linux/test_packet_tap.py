"""The filter is run by the kernel itself, on a pair of connected sockets."""

from __future__ import annotations

import ctypes
import os
import socket
import struct

import pytest

from gateway.linux.packet_tap import PacketTap, udp_filter


def frame(kind: int = 0x0800, protocol: int = 17, port: int = 67, fragment: int = 0, options: bytes = b"") -> bytes:
    head = struct.pack("!BBHHHBBH8x", 0x45 + len(options) // 4, 0, 0, 0, fragment, 64, protocol, 0) + options
    return bytes(12) + struct.pack("!H", kind) + head + struct.pack("!HHHH", 68, port, 8, 0)


def passes(packet: bytes) -> bool:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        code = ctypes.create_string_buffer(udp_filter(67))
        program = struct.pack("HP", (len(code) - 1) // 8, ctypes.addressof(code))
        other.setsockopt(socket.SOL_SOCKET, 26, program)
        other.setblocking(False)
        # On sockets of this kind the sender hears so when the filter lets nothing through.
        try:
            one.send(packet)
            return other.recv(4096) == packet
        except (PermissionError, BlockingIOError):
            return False


def test_requests_for_an_address_pass() -> None:
    assert passes(frame())
    assert passes(frame(options=bytes(8)))
    assert passes(frame(fragment=0x2000)), "the first piece"


@pytest.mark.parametrize(
    "other",
    [
        frame(kind=0x86DD),
        frame(kind=0x0806),
        frame(protocol=6),
        frame(port=68),
        frame(fragment=0x0003),
        frame(options=bytes(8))[:34],
        frame()[:20],
        b"",
    ],
)
def test_everything_else_stays_with_the_kernel(other: bytes) -> None:
    assert not passes(other)


@pytest.mark.skipif(os.geteuid() != 0, reason="looking at packets needs root")
def test_nothing_waits() -> None:
    tap = PacketTap(67)
    assert tap.frames(3) == []
    tap.close()
