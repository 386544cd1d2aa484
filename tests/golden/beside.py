"""One answer as two resolvers give it, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.golden.answer_shapes import Shape
from tests.support.written import spelled_out

_FLAGS = ("AA", "TC", "RD", "RA", "AD", "CD")


@dataclass(frozen=True)
class Given:
    """An answer: each record by owner, type and data in lower case, with its TTL and as it is spelled; in `aliases`
    those in their order. `reasons` are its extended errors (RFC 8914), which do not count in its `size`.
    """

    rcode: str
    flags: frozenset[str]
    answer: dict[str, tuple[int, str]]
    authority: dict[str, tuple[int, str]]
    aliases: tuple[str, ...]
    repeats: bool
    reasons: frozenset[int]
    size: int

    @classmethod
    def of(cls, wire: bytes) -> Given:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
        answer = _records(message.answer)
        return cls(
            dns.rcode.to_text(message.rcode()),
            frozenset(name for name in _FLAGS if message.flags & dns.flags.from_text(name)),
            answer,
            _records(message.authority),
            tuple(line for line in answer if line.split()[1] == "cname"),
            len(answer) < len(message.answer),
            frozenset(int(option.code) for option in message.options if isinstance(option, dns.edns.EDEOption)),
            len(wire) - sum(4 + len(option.to_wire() or b"") for option in message.options),
        )

    def differences(self, other: Given, seconds: float) -> set[str]:
        """In what they are not alike, when at most so many seconds lie between them."""
        parts = ("rcode", "flags", "aliases", "repeats", "reasons")
        found = {part for part in parts if getattr(self, part) != getattr(other, part)}
        for part in ("answer", "authority"):
            mine, theirs = getattr(self, part), getattr(other, part)
            if mine.keys() != theirs.keys():
                found.add(part)
            for line in mine.keys() & theirs.keys():
                if abs(mine[line][0] - theirs[line][0]) > seconds + 2:
                    found.add(f"{part} ttl")
                if mine[line][1] != theirs[line][1]:
                    found.add("letters")
        if self.size > other.size and not found & {"answer", "authority", "repeats"}:
            found.add("size")
        return found


def _records(section: Iterable[dns.rrset.RRset]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for rrset in section:
        for item in rrset:
            line = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {item}"
            found.setdefault(line.lower(), (rrset.ttl, line))
    return found


def upstream_of(shapes: Iterable[Shape]) -> Callable[[str, str], bytes | None]:
    """What the scripted upstream says about any name: its shape, or that there is nothing."""
    known = {name: (shape, about) for shape in shapes for name, about in shape.names().items()}

    def written(spelled: str, rtype: str) -> bytes | None:
        if spelled in ("", "."):
            return spelled_out(".", rtype, [". 3600 NS a.root-servers.net."] if rtype == "NS" else ())
        found = known.get(spelled.lower())
        if found is None:
            zone = spelled.partition(".")[2] or spelled
            return spelled_out(spelled, rtype, (), [f"{zone}. 60 SOA ns.{zone}. h.{zone}. 1 2 3 4 60"])
        shape, about = found
        return shape.written(spelled, rtype, about)

    return written
