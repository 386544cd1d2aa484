"""The one form of a hardware address: 48 bits (IEEE 802), as text in lower case with colons."""

from __future__ import annotations

import re

_FORM = re.compile(r"[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}", re.ASCII)
_BYTES = 6


class Mac(str):
    """A text that was checked when it was made: whoever holds one need not look at it again."""

    __slots__ = ()

    def __new__(cls, text: str) -> Mac:
        """From "CC:6D:A0:11:22:33" or "cc-6d-a0-11-22-33". Raises ValueError with one sentence."""
        if isinstance(text, cls):
            return text
        if not isinstance(text, str) or not _FORM.fullmatch(low := text[:18].lower()):
            raise ValueError(f"{text!r:.60} is not a MAC address like 02:00:00:aa:bb:cc.")
        return super().__new__(cls, low.replace("-", ":"))

    @classmethod
    def read(cls, text: object) -> Mac | None:
        """None for what is no MAC address."""
        try:
            return cls(text) if isinstance(text, str) else None
        except ValueError:
            return None

    @classmethod
    def unpack(cls, packed: bytes) -> Mac | None:
        """Of one network card; None for groups, for zeros and for another length."""
        if len(packed) != _BYTES or not any(packed) or packed[0] & 1:
            return None
        return cls(packed.hex(":"))
