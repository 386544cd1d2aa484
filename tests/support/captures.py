"""Datagrams out of capture files: small ones that `python -m tests.support.captures` makes up, and, where the shared
data lie, real ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset

from gateway.demo.script import load_script
from tests.support.datagrams import MALFORMED, captured_in, good_queries, good_responses
from tests.support.shared_data import find_shared_data

OURS = Path(__file__).resolve().parents[1] / "data" / "captures"
_TELEVISION, _GATEWAY = "192.0.2.20", "192.0.2.1"
_SCRIPTS = Path(__file__).resolve().parents[2] / "gateway" / "demo"


def captures() -> dict[str, list[bytes]]:
    """The DNS datagrams of each file that holds some, by its name; the real ones only where they lie."""
    shared = find_shared_data()
    return captured_in(OURS) | (captured_in(shared / "captures") if shared is not None else {})


def _evening() -> Iterator[bytes]:
    """What the simulated televisions ask, and what is answered."""
    names = sorted(
        {name for each in ("lg", "roku", "samsung") for name in load_script(_SCRIPTS / f"{each}.toml").names()}
    )
    for number, name in enumerate(names):
        query = dns.message.make_query(
            name, "AAAA" if number % 3 == 0 else "A", use_edns=0 if number % 2 else False, id=number
        )
        response = dns.message.make_response(query)
        alias = f"{number}.cdn.example."
        if number % 4 == 0:
            response.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "CNAME", alias))
        owner = alias if response.answer else f"{name}."
        if number % 3 == 0:
            response.answer.append(dns.rrset.from_text(owner, 60, "IN", "AAAA", "2001:db8::7", "2001:db8::8"))
        else:
            response.answer.append(dns.rrset.from_text(owner, 60, "IN", "A", f"198.51.100.{number % 250 + 1}"))
        yield query.to_wire()
        yield response.to_wire()


def _write(path: Path, wires: Iterator[bytes], port: int = 53) -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.packet import Raw
    from scapy.utils import wrpcap

    clock = count(1_700_000_000)
    packets: list[Any] = []
    for wire in wires:
        to_gateway = len(wire) < 3 or not wire[2] & 0x80
        addresses = (_TELEVISION, _GATEWAY) if to_gateway else (_GATEWAY, _TELEVISION)
        ports = (40_000, port) if to_gateway else (port, 40_000)
        packet = IP(src=addresses[0], dst=addresses[1]) / UDP(sport=ports[0], dport=ports[1]) / Raw(wire)
        packet.time = next(clock)
        packets.append(packet)
    wrpcap(str(path), packets)


def main() -> int:
    OURS.mkdir(parents=True, exist_ok=True)
    _write(OURS / "an-evening.pcap", _evening())
    _write(OURS / "well-formed.pcap", iter([*good_queries(), *good_responses()]))
    _write(OURS / "damaged.pcap", iter(MALFORMED.values()))
    _write(OURS / "no-dns.pcap", iter([b"M-SEARCH * HTTP/1.1\r\n"] * 3), port=1900)
    return 0


if __name__ == "__main__":
    sys.exit(main())
