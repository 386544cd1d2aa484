"""A place in the journal as a text that goes through URLs."""

from __future__ import annotations

import base64
import binascii

from gateway.errors import JournalError

_VERSION = b"\x01"
MAX_ID = 2**56 - 1


def encode(before: int) -> str:
    """The cursor for the lookups with ids lower than `before` (0..2^56-1)."""
    return base64.urlsafe_b64encode(_VERSION + before.to_bytes(7, "big")).decode("ascii").rstrip("=")


def decode(text: str) -> int:
    """What `encode` was given. Raises JournalError for any text that it did not make."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raw = b""
    if len(raw) != 8 or raw[:1] != _VERSION or encode(before := int.from_bytes(raw[1:], "big")) != text:
        raise JournalError("history.not-place-journal")
    return before
