"""Responses written byte by byte, for what no good library would write: names in full, records twice, odd letters."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from io import BytesIO

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

_HEADER = struct.Struct(">HHHHHH")
_FIXED = struct.Struct(">HHIH")
_FLAGS = 0x8180


def spelled_out(
    name: str,
    rtype: str,
    answer: Iterable[str] = (),
    authority: Iterable[str] = (),
    *,
    compressed: bool = False,
    rcode: int = 0,
    message_id: int = 0x1234,
    flags: int = _FLAGS,
    opt: bytes = b"",
) -> bytes:
    """A response to this question with these records ("NAME TTL TYPE RDATA", TTLs up to 2^32 - 1), each just as it
    stands: in this order, in these letters, and, if not `compressed`, with every name in full.
    """
    sections: list[Sequence[str]] = [list(answer), list(authority)]
    out = BytesIO()
    counts = [len(section) for section in sections]
    out.write(_HEADER.pack(message_id, flags | rcode, 1, counts[0], counts[1], 1 if opt else 0))
    table: dict[dns.name.Name, int] | None = {} if compressed else None
    qtype = dns.rdatatype.from_text(rtype)
    dns.name.from_text(name).to_wire(out, table)
    out.write(struct.pack(">HH", qtype, dns.rdataclass.IN))
    for line in (*sections[0], *sections[1]):
        _write_record(out, line, table)
    return out.getvalue() + opt


def _write_record(out: BytesIO, line: str, table: dict[dns.name.Name, int] | None) -> None:
    owner, ttl, kind, data = line.split(None, 3)
    rtype = dns.rdatatype.from_text(kind)
    dns.name.from_text(owner).to_wire(out, table)
    out.write(_FIXED.pack(rtype, dns.rdataclass.IN, int(ttl), 0))
    begin = out.tell()
    dns.rdata.from_text(dns.rdataclass.IN, rtype, data).to_wire(out, table)
    end = out.tell()
    out.seek(begin - 2)
    out.write((end - begin).to_bytes(2))
    out.seek(end)
