"""DNS datagrams that nobody should send: written by hand, mutated from good ones, and taken from real captures."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import dns.flags
import dns.message
import dns.rrset
from hypothesis import strategies as st

HEADER = struct.Struct("!6H")
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
_QUESTION = b"\2tv\7example\0\0\1\0\1"


def _message(flags: int, counts: tuple[int, int, int, int], body: bytes) -> bytes:
    return HEADER.pack(0x1234, flags, *counts) + body


def good_queries() -> list[bytes]:
    """Well-formed queries of many kinds."""
    made = [
        dns.message.make_query("tv.example", "A", id=0x1234),
        dns.message.make_query("TV.eXample", "AAAA", use_edns=0, payload=1232, id=0x1234),
        dns.message.make_query("www.youtube.com", "HTTPS", use_edns=0, want_dnssec=True, payload=4096, id=0x1234),
        dns.message.make_query("_xmpp-client._tcp.example", "SRV", id=0x1234),
        dns.message.make_query("a." * 120 + "example", "TXT", id=0x1234),
        dns.message.make_query("7.2.0.192.in-addr.arpa", "PTR", id=0x1234),
        dns.message.make_query(".", "NS", id=0x1234),
    ]
    return [query.to_wire() for query in made]


def good_responses() -> list[bytes]:
    """Well-formed responses: chains, compression, OPT, negative answers, service bindings."""
    wires = []
    for name, rtype, lines in [
        ("tv.example.", "A", ["tv.example. 60 CNAME a.cdn.example.", "a.cdn.example. 20 A 192.0.2.1"]),
        ("tv.example.", "AAAA", ["tv.example. 60 AAAA 2001:db8::1", "tv.example. 60 AAAA 2001:db8::2"]),
        ("web.example.", "HTTPS", ["web.example. 60 HTTPS 1 cdn.example. alpn=h2,h3 ipv4hint=192.0.2.1"]),
        ("text.example.", "TXT", ['text.example. 60 TXT "one" "two"']),
        ("d.example.", "A", ["example. 60 DNAME other.example.", "d.example. 60 CNAME d.other.example."]),
    ]:
        message = dns.message.make_response(dns.message.make_query(name, rtype, use_edns=0, id=0x1234))
        for line in lines:
            owner, ttl, kind, rdata = line.split(None, 3)
            message.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, rdata))
        wires.append(message.to_wire())
    negative = dns.message.make_response(dns.message.make_query("no.example.", "A", id=0x1234))
    negative.set_rcode(dns.rcode.NXDOMAIN)
    soa = dns.rrset.from_text("example.", 600, "IN", "SOA", "ns.example. host.example. 1 2 3 4 77")
    negative.authority.append(soa)
    return [*wires, negative.to_wire()]


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\0",
    "a header cut short": b"\x12\x34\x01\0\0\1\0\0\0\0\0",
    "a header alone": _message(0x0100, (0, 0, 0, 0), b""),
    "a question promised, none given": _message(0x0100, (1, 0, 0, 0), b""),
    "two questions": _message(0x0100, (2, 0, 0, 0), _QUESTION * 2),
    "an answer instead of a question": _message(0x8180, (1, 0, 0, 0), _QUESTION),
    "an update": _message(0x2800, (1, 0, 0, 0), _QUESTION),
    "a notify": _message(0x2000, (1, 0, 0, 0), _QUESTION),
    "an unassigned opcode": _message(0x7800, (1, 0, 0, 0), _QUESTION),
    "a name without its end": _message(0x0100, (1, 0, 0, 0), b"\2tv\7exam"),
    "a name without type and class": _message(0x0100, (1, 0, 0, 0), b"\2tv\7example\0"),
    "a type cut short": _message(0x0100, (1, 0, 0, 0), b"\2tv\7example\0\0"),
    "a label of 64": _message(0x0100, (1, 0, 0, 0), b"\x40" + b"a" * 64 + b"\0\0\1\0\1"),
    "a label of a reserved kind": _message(0x0100, (1, 0, 0, 0), b"\x80tv\0\0\1\0\1"),
    "a name of 256 bytes": _message(0x0100, (1, 0, 0, 0), (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1"),
    "a name of 130 labels": _message(0x0100, (1, 0, 0, 0), b"\1a" * 130 + b"\0\0\1\0\1"),
    "a pointer to itself": _message(0x0100, (1, 0, 0, 0), b"\xc0\x0c\0\1\0\1"),
    "a pointer into the header": _message(0x0100, (1, 0, 0, 0), b"\xc0\x00\0\1\0\1"),
    "a pointer beyond the end": _message(0x0100, (1, 0, 0, 0), b"\xff\xff\0\1\0\1"),
    "two pointers in a circle": _message(0x0100, (1, 0, 0, 0), b"\xc0\x0e\xc0\x0c\0\1\0\1"),
    "half a pointer": _message(0x0100, (1, 0, 0, 0), b"\xc0"),
    "counts of 65,535": _message(0x0100, (65535, 65535, 65535, 65535), _QUESTION),
    "an OPT cut short": _message(0x0100, (1, 0, 0, 1), _QUESTION + _OPT[:7]),
    "an OPT longer than the message": _message(0x0100, (1, 0, 0, 1), _QUESTION + _OPT[:-2] + b"\xff\xff"),
    "two OPTs": _message(0x0100, (1, 0, 0, 2), _QUESTION + _OPT * 2),
    "an OPT with a name": _message(0x0100, (1, 0, 0, 1), _QUESTION + b"\2tv" + _OPT),
    "an OPT of version 7": _message(0x0100, (1, 0, 0, 1), _QUESTION + b"\0\0\x29\x04\xd0\0\7\0\0\0\0"),
    "an option longer than its OPT": _message(
        0x0100, (1, 0, 0, 1), _QUESTION + b"\0\0\x29\x04\xd0\0\0\0\0\0\4\0\x0a\xff\xff"
    ),
    "bytes behind the end": _message(0x0100, (1, 0, 0, 0), _QUESTION + b"\xde\xad\xbe\xef" * 20),
    "class CHAOS": _message(0x0100, (1, 0, 0, 0), b"\7version\4bind\0\0\x10\0\3"),
    "type ANY": _message(0x0100, (1, 0, 0, 0), b"\2tv\7example\0\0\xff\0\1"),
    "a zone transfer": _message(0x0100, (1, 0, 0, 0), b"\7example\0\0\xfc\0\1"),
    "zeros": bytes(512),
    "ones": b"\xff" * 512,
}
"""By what is wrong with them. Some are well-formed but impolite: they too must not crash anybody."""


def mutated(wire: bytes, rng: Random) -> bytes:
    """The datagram with one to four things wrong with it; at most 4,096 bytes."""
    for _ in range(rng.randint(1, 4)):
        wire = rng.choice(_MUTATIONS)(wire, rng)
    return wire[:4096]


def mutants(seeds: list[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """That many mutated datagrams, the same ones for the same seed."""
    rng = Random(seed)
    for _ in range(count):
        yield mutated(rng.choice(seeds), rng)


@st.composite
def datagrams(draw: st.DrawFn, seeds: list[bytes] | None = None) -> bytes:
    """Anything from noise to almost well-formed; shrinks towards short datagrams."""
    seeds = seeds or [*good_queries(), *good_responses(), *MALFORMED.values()]
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=600))
    if kind == 1:
        counts = draw(st.tuples(*[st.integers(0, 3)] * 4))
        return HEADER.pack(draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 0xFFFF)), *counts) + draw(
            st.binary(max_size=200)
        )
    wire = draw(st.sampled_from(seeds))
    if kind == 2:
        return wire[: draw(st.integers(0, len(wire)))]
    return mutated(wire, Random(draw(st.integers(0, 2**32 - 1))))


def captured(path: Path) -> list[bytes]:
    """The payloads of every UDP datagram from or to port 53 in a capture file, byte for byte, well-formed or not."""
    from scapy.layers.inet import IP, UDP
    from scapy.utils import PcapReader

    found = []
    with PcapReader(str(path)) as packets:
        for packet in packets:
            if UDP not in packet or 53 not in (packet[UDP].sport, packet[UDP].dport):
                continue
            if IP in packet and (packet[IP].frag or packet[IP].flags.MF):
                continue
            payload: Any = packet[UDP].payload
            wire = bytes(payload.original or b"")
            if wire:
                found.append(wire)
    return found


def captured_in(folder: Path) -> dict[str, list[bytes]]:
    """`captured` of every capture in a folder that holds DNS, by file name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".pcap", ".pcapng"):
            wires = captured(path)
            if wires:
                found[path.name] = wires
    return found


def _flip(wire: bytes, rng: Random) -> bytes:
    if not wire:
        return wire
    at = rng.randrange(len(wire))
    return wire[:at] + bytes((wire[at] ^ (1 << rng.randrange(8)),)) + wire[at + 1 :]


def _replace(wire: bytes, rng: Random) -> bytes:
    if not wire:
        return wire
    at = rng.randrange(len(wire))
    return wire[:at] + bytes((rng.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF)),)) + wire[at + 1 :]


def _cut(wire: bytes, rng: Random) -> bytes:
    return wire[: rng.randint(0, len(wire))]


def _insert(wire: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(wire))
    return wire[:at] + rng.randbytes(rng.randint(1, 8)) + wire[at:]


def _remove(wire: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(wire))
    return wire[:at] + wire[at + rng.randint(1, 8) :]


def _count(wire: bytes, rng: Random) -> bytes:
    if len(wire) < HEADER.size:
        return wire
    at = rng.choice((4, 6, 8, 10))
    return wire[:at] + struct.pack("!H", rng.choice((0, 1, 2, 3, 100, 65535))) + wire[at + 2 :]


def _point(wire: bytes, rng: Random) -> bytes:
    if len(wire) < HEADER.size + 2:
        return wire
    at = rng.randrange(HEADER.size, len(wire) - 1)
    target = rng.choice((0, 12, at, at - 1, at + 1, rng.randrange(len(wire)), 0x3FFF))
    return wire[:at] + struct.pack("!H", 0xC000 | target & 0x3FFF) + wire[at + 2 :]


def _repeat(wire: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(wire))
    return wire[:at] + wire[at : at + rng.randint(1, 40)] * rng.randint(2, 5) + wire[at:]


_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip,
    _replace,
    _cut,
    _insert,
    _remove,
    _count,
    _point,
    _repeat,
)
