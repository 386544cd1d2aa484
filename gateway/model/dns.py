"""Numbers of DNS that people know by name."""

from __future__ import annotations

from enum import IntEnum


class QType(IntEnum):
    """Record types that we treat by name; all others pass through as numbers."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    DNAME = 39
    OPT = 41
    DS = 43
    RRSIG = 46
    DNSKEY = 48
    SVCB = 64
    HTTPS = 65
    AXFR = 252
    ANY = 255


class Rcode(IntEnum):
    """Response codes (RFC 1035, RFC 6895)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


class Ede(IntEnum):
    """Extended DNS errors (RFC 8914) that we send."""

    OTHER = 0
    STALE_ANSWER = 3
    FORGED_ANSWER = 4
    DNSSEC_BOGUS = 6
    BLOCKED = 15
    FILTERED = 17
    STALE_NXDOMAIN = 19
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23


_TYPE_NAMES = {int(t): t.name for t in QType}
_RCODE_NAMES = {int(r): r.name for r in Rcode}


def type_name(qtype: int) -> str:
    """ "AAAA" for 28; "TYPE65280" (RFC 3597) for a type without a name."""
    return _TYPE_NAMES.get(qtype) or f"TYPE{qtype}"


def rcode_name(rcode: int) -> str:
    """ "NXDOMAIN" for 3; "RCODE9" for one without a name."""
    return _RCODE_NAMES.get(rcode) or f"RCODE{rcode}"
