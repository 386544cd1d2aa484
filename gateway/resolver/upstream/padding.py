"""Queries of equal length, so that an eavesdropper cannot tell names by their size (RFC 7830, RFC 8467)."""

from __future__ import annotations

_BLOCK = 128
_OPTION = b"\0\x0c"


def pad(query: bytes) -> bytes:
    """A query whose last record is an OPT without options, as `build_query` makes it, filled up to whole blocks of
    128 bytes.
    """
    missing = -(len(query) + 4) % _BLOCK
    return b"".join((query[:-2], (missing + 4).to_bytes(2), _OPTION, missing.to_bytes(2), bytes(missing)))
