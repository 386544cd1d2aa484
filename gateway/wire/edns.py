"""The OPT record that we send (RFC 6891), and how large an answer may be."""

from __future__ import annotations

from gateway.model.query import Query, Transport

# Fits one unfragmented packet on any path (DNS flag day 2020, RFC 9715).
UDP_SIZE = 1232
# What any client takes (RFC 1035 section 4.2.1).
SMALLEST_LIMIT = 512
_EDE_OPTION = 15


def size_limit(query: Query) -> int:
    """How many bytes an answer to this query may have."""
    if query.transport is Transport.TCP:
        return 65535
    if query.edns is None:
        return SMALLEST_LIMIT
    return min(max(query.edns.udp_size, SMALLEST_LIMIT), UDP_SIZE)


def opt_record(*, dnssec_ok: bool = False, rcode: int = 0, ede: int | None = None) -> bytes:
    """An OPT record: our UDP size, the upper bits of the rcode, DO, and one extended error (RFC 8914) if given."""
    option = b"" if ede is None else _EDE_OPTION.to_bytes(2) + b"\0\2" + ede.to_bytes(2)
    return b"".join(
        (
            b"\0\0\x29",
            UDP_SIZE.to_bytes(2),
            bytes((rcode >> 4 & 0xFF, 0, 0x80 if dnssec_ok else 0, 0)),
            len(option).to_bytes(2),
            option,
        )
    )
