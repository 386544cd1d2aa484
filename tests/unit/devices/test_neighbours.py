from __future__ import annotations

import socket
import struct

import pytest

from gateway.devices.neighbours import parse_neighbour, read_neighbours
from gateway.linux.netlink import attribute

_REACHABLE, _STALE, _FAILED, _NOARP, _INCOMPLETE = 0x02, 0x04, 0x20, 0x40, 0x01
_TV = bytes.fromhex("cc6da0112233")


def neighbour(address: str, mac: bytes | None, state: int = _REACHABLE) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    row = struct.pack("=BBHiHBB", family, 0, 0, 3, state, 0, 1)
    row += attribute(1, socket.inet_pton(family, address))
    if mac is not None:
        row += attribute(2, mac)
    return row + attribute(3, b"\0" * 16)


def test_both_families_are_read() -> None:
    assert parse_neighbour(neighbour("10.42.0.7", _TV)) == ("10.42.0.7", "cc:6d:a0:11:22:33")
    assert parse_neighbour(neighbour("fe80::1", _TV, _STALE)) == ("fe80::1", "cc:6d:a0:11:22:33")


@pytest.mark.parametrize("state", [_FAILED, _INCOMPLETE, _NOARP])
def test_neighbours_that_never_answered_are_left_out(state: int) -> None:
    assert parse_neighbour(neighbour("10.42.0.7", _TV, state)) is None


@pytest.mark.parametrize("mac", [None, b"", b"\0" * 6, b"\xff" * 6, b"\x01\0\x5e\0\0\1", b"\1\2\3\4\5\6\7\x08"])
def test_an_address_without_the_card_of_a_device_is_left_out(mac: bytes | None) -> None:
    assert parse_neighbour(neighbour("10.42.0.7", mac)) is None


@pytest.mark.parametrize("cut", range(30))
def test_what_is_cut_short_is_left_out(cut: int) -> None:
    assert parse_neighbour(neighbour("10.42.0.7", _TV)[:cut]) is None


def test_this_machine_answers() -> None:
    for address, mac in read_neighbours().items():
        assert "." in address or ":" in address
        assert len(mac) == 17
