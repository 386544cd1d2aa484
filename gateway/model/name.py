"""A canonical domain name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.model.a_label import to_a_label
from gateway.model.word import word

_MAX_WIRE = 255
_MAX_LABEL = 63
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_SPECIAL = frozenset(b".\\")
_DOTS = ".\u3002\uff0e\uff61"
_SPELLED = tuple(
    chr(c) if c in _PLAIN else "\\" + chr(c) if c in _SPECIAL else chr(c) if 0x21 <= c <= 0x7E else f"\\{c:03d}"
    for c in range(256)
)


@word()
class Name:
    """A domain name in its one canonical spelling, so that equal names are equal strings.

    `text` is lower case, punycode, without the trailing dot; the root is "". Bytes that are not printable ASCII, and
    dots and backslashes inside a label, are written as RFC 1035 section 5.1 has it (`\\046`, `\\.`).
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Name:
        """The name a person or a list wrote. Unicode becomes punycode (IDNA 2008, as browsers do).

        Raises ValueError, in one sentence, for anything that cannot be a domain name.
        """
        text = text.strip()
        if text in ("", "."):
            return cls("")
        return cls.from_labels(_labels_of(text))

    @classmethod
    def typed(cls, text: str) -> Name:
        """As `parse`, for what a person typed: white space inside is a slip and never meant, though DNS allows it.

        Who does mean it writes it as `\\032`. Raises ValueError.
        """
        if any(char.isspace() for char in text.strip()):
            raise ValueError("A domain name has no spaces in it; give one name.")
        return cls.parse(text)

    @classmethod
    def from_labels(cls, labels: list[bytes]) -> Name:
        """The name made of these raw labels, leftmost first, without the root. Raises ValueError when too long."""
        if sum(len(label) + 1 for label in labels) + 1 > _MAX_WIRE:
            raise ValueError("A domain name has at most 255 bytes.")
        for label in labels:
            if not label:
                raise ValueError("A domain name has no empty labels.")
            if len(label) > _MAX_LABEL:
                raise ValueError("A label of a domain name has at most 63 bytes.")
        return cls(".".join("".join([_SPELLED[c] for c in label.lower()]) for label in labels))

    def labels(self) -> list[bytes]:
        """The raw labels, leftmost first, without the root."""
        return _labels_of(self.text) if self.text else []

    def to_wire(self) -> bytes:
        """Uncompressed wire format (RFC 1035 section 3.1), root label included."""
        return b"".join(bytes((len(label),)) + label for label in self.labels()) + b"\0"

    def ancestors(self) -> Iterator[str]:
        """The name itself, then each parent, ending with the top level; nothing for the root."""
        return ancestors(self.text)

    def registrable(self, public_suffix: Callable[[str], str | None]) -> str | None:
        """The registrable domain: one label more than the public suffix; None for a public suffix itself."""
        suffix = public_suffix(self.text)
        if suffix is None or suffix == self.text:
            return None
        rest = self.text[: -len(suffix) - 1]
        return f"{rest.rpartition('.')[2]}.{suffix}"

    def __str__(self) -> str:
        return self.text or "."


def ancestors(text: str) -> Iterator[str]:
    """As `Name.ancestors`, for text that is canonical already."""
    while text:
        yield text
        dot = _next_dot(text)
        if dot < 0:
            return
        text = text[dot + 1 :]


def _next_dot(text: str) -> int:
    dot = text.find(".")
    if "\\" not in text:
        return dot
    while dot > 0:
        backslashes = len(text[:dot]) - len(text[:dot].rstrip("\\"))
        if backslashes % 2 == 0:
            return dot
        dot = text.find(".", dot + 1)
    return dot


def _labels_of(text: str) -> list[bytes]:
    if text.isascii() and "\\" not in text:
        return text.lower().removesuffix(".").encode("ascii").split(b".")
    labels: list[bytes] = []
    label, spelled, position = bytearray(), "", 0
    while position < len(text):
        char = text[position]
        position += 1
        if char in _DOTS:
            labels.append(_raw_label(label, spelled))
            label, spelled = bytearray(), ""
        elif char == "\\":
            digits = text[position : position + 3]
            if len(digits) == 3 and digits.isascii() and digits.isdigit() and int(digits) < 256:
                label.append(int(digits))
                position += 3
            elif position < len(text) and text[position].isascii():
                label.append(ord(text[position]))
                position += 1
            else:
                raise ValueError("A backslash in a domain name stands before three digits or one character.")
        else:
            label += char.encode("utf-8", "surrogatepass")
            spelled += char
    if label:
        labels.append(_raw_label(label, spelled))
    return labels


def _raw_label(label: bytearray, spelled: str) -> bytes:
    """An escaped byte is meant as it stands; a letter beyond ASCII is meant as its A-label."""
    if spelled.isascii():
        return bytes(label).lower()
    return to_a_label(spelled).encode("ascii")
