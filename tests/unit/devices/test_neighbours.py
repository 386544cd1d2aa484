from __future__ import annotations

import errno
import socket
import struct

import pytest

from gateway.devices.neighbours import parse_neighbours, read_neighbours

_REACHABLE, _STALE, _FAILED, _NOARP, _INCOMPLETE = 0x02, 0x04, 0x20, 0x40, 0x01
_TV = bytes.fromhex("cc6da0112233")


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", len(body) + 16, kind, 2, 1, 0) + body + b"\0" * (-len(body) % 4)


def neighbour(address: str, mac: bytes | None, state: int = _REACHABLE) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = struct.pack("=BBHiHBB", family, 0, 0, 3, state, 0, 1)
    body += attribute(1, socket.inet_pton(family, address))
    if mac is not None:
        body += attribute(2, mac)
    body += attribute(3, b"\0" * 16)
    return message(28, body)


DONE = message(3, b"\0" * 4)


def test_both_families_are_read_from_one_answer() -> None:
    data = neighbour("10.42.0.7", _TV) + neighbour("fe80::1", _TV, _STALE) + DONE
    part = parse_neighbours(data)
    assert part.macs == {"10.42.0.7": "cc:6d:a0:11:22:33", "fe80::1": "cc:6d:a0:11:22:33"}
    assert part.done
    assert part.error == 0


def test_an_answer_goes_on_in_the_next_datagram() -> None:
    assert not parse_neighbours(neighbour("10.42.0.7", _TV)).done


@pytest.mark.parametrize("state", [_FAILED, _INCOMPLETE, _NOARP])
def test_neighbours_that_never_answered_are_left_out(state: int) -> None:
    assert parse_neighbours(neighbour("10.42.0.7", _TV, state)).macs == {}


@pytest.mark.parametrize("mac", [None, b"", b"\0" * 6, b"\xff" * 6, b"\x01\0\x5e\0\0\1", b"\1\2\3\4\5\6\7\x08"])
def test_an_address_without_the_card_of_a_device_is_left_out(mac: bytes | None) -> None:
    assert parse_neighbours(neighbour("10.42.0.7", mac)).macs == {}


def test_an_error_of_the_kernel_is_told() -> None:
    part = parse_neighbours(message(2, struct.pack("=i", -1) + b"\0" * 16))
    assert part.done
    assert part.error == 1
    assert parse_neighbours(message(2, b"")).error == errno.EPROTO


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_what_is_cut_short_is_left_out(cut: int) -> None:
    assert parse_neighbours(neighbour("10.42.0.7", _TV)[:cut]).macs == {}


def test_a_message_that_claims_to_be_longer_than_it_is_ends_the_reading() -> None:
    good = neighbour("10.42.0.7", _TV)
    lying = struct.pack("=I", 4000) + neighbour("10.42.0.8", _TV)[4:]
    part = parse_neighbours(good + lying)
    assert set(part.macs) == {"10.42.0.7"}
    assert not part.done


def test_other_messages_are_passed_over() -> None:
    assert set(parse_neighbours(message(24, b"\0" * 12) + neighbour("10.42.0.7", _TV)).macs) == {"10.42.0.7"}


def test_this_machine_answers() -> None:
    for address, mac in read_neighbours().items():
        assert "." in address or ":" in address
        assert len(mac) == 17
