"""One answer as it goes out."""

from __future__ import annotations

from enum import Enum

from gateway.model.verdict import ALLOWED, Verdict
from gateway.model.word import word


class Source(Enum):
    """Where an answer came from."""

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    UPSTREAM = "upstream"
    CACHE = "cache"
    STALE = "stale"
    LOCAL = "local"
    POLICY = "policy"
    ERROR = "error"


@word()
class Response:
    """`wire` is a whole message whose id, question spelling and OPT need not fit the query yet.

    `ede` is an extended DNS error (RFC 8914 INFO-CODE) to tell a client that speaks EDNS; `targets` are the canonical
    names that CNAME, HTTPS and SVCB records of the answer lead to, in order; `ttl` is how many seconds the whole
    answer may be kept.
    """

    wire: bytes
    rcode: int
    source: Source
    verdict: Verdict = ALLOWED
    ede: int | None = None
    targets: tuple[str, ...] = ()
    ttl: int = 0
