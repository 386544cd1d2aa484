"""The kernel is trusted; the parser is not trusting."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from gateway.devices.fingerprint import decide_maker
from gateway.devices.labels import checked_label
from gateway.devices.neighbours import parse_neighbour
from gateway.devices.vendor import VendorFile
from gateway.errors import Refused
from gateway.linux.addresses import parse_address
from gateway.linux.rtnetlink import read_part
from gateway.model.mac import Mac

_ATTRIBUTES = st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=20)), max_size=6)


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    """Messages that look right, but for lengths that lie now and then."""
    body = struct.pack("=BBHiHBB", draw(st.sampled_from([socket.AF_INET, socket.AF_INET6, 7])), 0, 0, 1, 2, 0, 1)
    for kind, value in draw(_ATTRIBUTES):
        length = len(value) + 4 + draw(st.sampled_from([0, 0, 0, -4, 9]))
        body += struct.pack("=HH", max(length, 0), kind) + value + b"\0" * (-len(value) % 4)
    length = max(16 + len(body) + draw(st.sampled_from([0, 0, 0, -16, 1000])), 0)
    return struct.pack("=IHHII", length, draw(st.sampled_from([28, 28, 2, 3, 24])), 2, 1, 0) + body


@given(st.one_of(st.binary(max_size=400), st.lists(_messages(), max_size=5).map(b"".join)))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    rows = read_part(data, 30).rows
    for address, mac in filter(None, map(parse_neighbour, [data, *rows])):
        assert str(ip_address(address)) == address
        octets = bytes.fromhex(mac.replace(":", ""))
        assert len(octets) == 6
        assert any(octets)
        assert not octets[0] & 1
    for own in filter(None, map(parse_address, [data, *rows])):
        assert str(ip_address(own)) == own


@given(st.text(max_size=120))
def test_any_text_is_tidied_or_refused(text: str) -> None:
    try:
        kept = checked_label(text, "name")
    except Refused:
        return
    assert len(kept) <= 64
    assert kept == checked_label(kept, "name")
    assert all(char.isprintable() or char in "\u200c\u200d" for char in kept)


@given(st.binary(max_size=400), st.binary(min_size=6, max_size=6))
def test_any_registry_is_searched_to_an_end(data: bytes, card: bytes) -> None:
    file = VendorFile(data)
    for wanted in (card.hex(":"), "cc:6d:a0:11:22:33", "00:00:00:00:00:00"):
        assert len(file.vendor_of(Mac(wanted))) <= 64


_BLOCKS = st.sets(st.integers(0, (1 << 24) - 1), min_size=1, max_size=60)


@given(_BLOCKS, st.integers(0, (1 << 24) - 1))
def test_a_sorted_registry_gives_exactly_what_stands_in_it(blocks: set[int], other: int) -> None:
    blocks = {block & ~0x020000 for block in blocks}
    lines = sorted(f"{b >> 16:02X}:{(b >> 8) & 255:02X}:{b & 255:02X}         \tS\tMaker {b}" for b in blocks)
    file = VendorFile("\n".join(["# head", *lines, ""]).encode())
    for block in (*blocks, other & ~0x020000):
        mac = Mac(block.to_bytes(3).hex(":") + ":00:00:01")
        assert file.vendor_of(mac) == (f"Maker {block}" if block in blocks else "")


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 40), max_size=6))
def test_a_maker_is_only_named_when_it_is_clear(counts: dict[str, int]) -> None:
    maker = decide_maker(counts)
    if maker is not None:
        rest = [n for other, n in counts.items() if other != maker]
        assert counts[maker] >= 3
        assert counts[maker] >= 2 * max(rest, default=0)
