"""Domain names as they stand in a message (RFC 1035 section 4.1.4), read with a bound on every step."""

from __future__ import annotations

from gateway.errors import WireError
from gateway.model.dns import Rcode
from gateway.model.name import Name

_MAX_NAME = 255
_PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_POINTER = 0xC0
# Up to here a byte of length is no byte of a plain name.
_SHORT = 44
_READ = bytes(byte if byte in _PLAIN else byte + 32 if byte in _CAPITALS else ord(".") for byte in range(256))
_CUT_OFF = "A name runs past the end of this message."
_TOO_LONG = "A name in this message is longer than 255 bytes."
_FORWARD = "A compressed name in this message does not point backwards."
_LABEL_TYPE = "A label type in this message cannot stand where it does."


def skip_name(wire: bytes, offset: int) -> int:
    """The offset behind the name at `offset`; a pointer must lead back, but is not followed. Raises WireError."""
    start, bound = offset, offset + _MAX_NAME
    try:
        while (length := wire[offset]) and offset < bound:
            if length < 64:
                offset += length + 1
            elif length >= _POINTER:
                if ((length & 0x3F) << 8 | wire[offset + 1]) >= start:
                    raise _malformed(_FORWARD)
                return offset + 2
            else:
                raise _malformed(_LABEL_TYPE)
    except IndexError:
        raise _malformed(_CUT_OFF) from None
    if offset >= bound:
        raise _malformed(_TOO_LONG)
    return offset + 1


def read_labels(wire: bytes, offset: int, *, pointers: bool = True) -> tuple[list[bytes], int]:
    """The raw labels of the name at `offset` and the offset behind it. Raises WireError.

    A pointer may only lead further back than the one before it, so that no chain of them can loop.
    """
    labels: list[bytes] = []
    size, end, earliest = 1, 0, offset
    try:
        while length := wire[offset]:
            if length < 64:
                label = wire[offset + 1 : offset + 1 + length]
                size += length + 1
                offset += length + 1
                if len(label) < length:
                    raise IndexError
                if size > _MAX_NAME:
                    raise _malformed(_TOO_LONG)
                labels.append(label)
            elif length >= _POINTER and pointers:
                end = end or offset + 2
                offset = (length & 0x3F) << 8 | wire[offset + 1]
                if offset >= earliest:
                    raise _malformed(_FORWARD)
                earliest = offset
            else:
                raise _malformed(_LABEL_TYPE)
    except IndexError:
        raise _malformed(_CUT_OFF) from None
    return labels, end or offset + 1


def read_plain(wire: bytes, offset: int) -> tuple[str, int] | None:
    """As `read_name`, for names without pointers that are all letters, digits, hyphens and underscores: most are. None
    for any other, be it broken.
    """
    start, labels = offset, 0
    try:
        while length := wire[offset]:
            if length > _SHORT:
                return None
            offset += length + 1
            labels += 1
    except IndexError:
        return None
    # A byte of length becomes a dot, and whatever else is not plain becomes one, too: then there are too many.
    text = wire[start + 1 : offset].translate(_READ)
    if text.count(b".") != labels - 1 or offset - start >= _MAX_NAME:
        return None
    return text.decode("ascii"), offset + 1


def read_name(wire: bytes, offset: int, *, pointers: bool = True) -> tuple[str, int]:
    """The canonical text of the name at `offset` and the offset behind it. Raises WireError."""
    labels, end = read_labels(wire, offset, pointers=pointers)
    joined = b".".join(labels).lower()
    if not joined.translate(None, _PLAIN + b".") and joined.count(b".") == len(labels) - 1:
        return joined.decode("ascii"), end
    return Name.from_labels(labels).text, end


def _malformed(message: str) -> WireError:
    return WireError(message, Rcode.FORMERR)
