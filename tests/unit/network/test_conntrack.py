from __future__ import annotations

import errno
import socket
import struct

from gateway.linux.netlink import attributes
from gateway.network.conntrack import Tuple5, parse_part

NESTED = 0x8000


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def direction(source: str, target: str, protocol: int, source_port: int, target_port: int) -> bytes:
    family, first = (socket.AF_INET6, 3) if ":" in source else (socket.AF_INET, 1)
    addresses = attribute(first, socket.inet_pton(family, source)) + attribute(
        first + 1, socket.inet_pton(family, target)
    )
    ports = attribute(2, source_port.to_bytes(2, "big")) + attribute(3, target_port.to_bytes(2, "big"))
    return attribute(1 | NESTED, addresses) + attribute(2 | NESTED, attribute(1, bytes([protocol])) + ports)


def counters(total: int) -> bytes:
    return attribute(1, (7).to_bytes(8, "big")) + attribute(2, total.to_bytes(8, "big"))


def message(kind: int, *parts: bytes, family: int = socket.AF_INET) -> bytes:
    body = struct.pack(">BBH", family, 0, 0) + b"".join(parts)
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


UP = attribute(1 | NESTED, direction("10.42.0.11", "8.8.8.8", 6, 40000, 443))
DOWN = attribute(2 | NESTED, direction("8.8.8.8", "192.168.77.2", 6, 443, 40000))
BYTES = attribute(9 | NESTED, counters(123)) + attribute(10 | NESTED, counters(1 << 40))
REST = attribute(12, (77).to_bytes(4, "big")) + attribute(20 | NESTED, attribute(1, (5).to_bytes(8, "big")))


def test_a_flow_is_read_with_both_directions_bytes_and_start():
    (flow,) = parse_part(message(0x100, UP, DOWN, BYTES, REST)).connections
    assert flow.original == Tuple5("10.42.0.11", "8.8.8.8", 6, 40000, 443)
    assert flow.reply == Tuple5("8.8.8.8", "192.168.77.2", 6, 443, 40000)
    assert (flow.up, flow.down, flow.id, flow.started, flow.stopped) == (123, 1 << 40, 77, 5, 0)
    assert not flow.ended
    assert not flow.closed


def test_an_end_is_an_end_and_a_reset_is_seen():
    state = attribute(4 | NESTED, attribute(1 | NESTED, attribute(1, b"\x08")))
    (flow,) = parse_part(message(0x102, UP, DOWN, state)).connections
    assert flow.ended
    assert flow.closed


def test_ipv6_is_read_alike():
    up = attribute(1 | NESTED, direction("fd42::11", "2620:fe::fe", 17, 5000, 53))
    down = attribute(2 | NESTED, direction("2620:fe::fe", "2001:db8::2", 17, 53, 5000))
    (flow,) = parse_part(message(0x100, up, down, family=socket.AF_INET6)).connections
    assert flow.original == Tuple5("fd42::11", "2620:fe::fe", 17, 5000, 53)


def test_the_handle_names_the_flow_to_the_kernel_again():
    (flow,) = parse_part(message(0x100, UP, DOWN, BYTES, REST)).connections
    assert flow.handle[:4] == bytes([socket.AF_INET, 0, 0, 0])
    assert [kind for kind, _ in attributes(flow.handle[4:])] == [1, 12]


def test_several_messages_in_one_datagram_and_its_end():
    part = parse_part(message(0x100, UP, DOWN) * 3 + message(3))
    assert (len(part.connections), part.done, part.error) == (3, True, 0)


def test_what_the_kernel_refuses_is_a_number():
    assert parse_part(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -errno.ENOENT)).error == errno.ENOENT
    assert parse_part(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, 0)).done


def test_a_message_that_is_cut_short_is_left_out():
    whole = message(0x100, UP, DOWN, BYTES)
    for length in range(len(whole)):
        assert parse_part(whole[:length]).connections == ()
    assert parse_part(message(0x100, UP)).connections == ()
    assert list(attributes(b"\x03\x00\x01\x00")) == []
