"""Response policy zones (draft-vixie-dnsop-dns-rpz): QNAME triggers.

An owner speaks of exactly that name; `*.owner` of what is below it and not of the owner (RFC 4592).
"""

from __future__ import annotations

from gateway.lists.parsers.entry import Entry, Skip
from gateway.lists.parsers.names import ELSEWHERE, EVERY_NAME, canonical, is_null
from gateway.lists.parsers.notes import is_note
from gateway.model.listed import Extent
from gateway.model.verdict import Action

OTHER_TRIGGER = "It is triggered by an address or a name server, and we look at names only."
OTHER_ACTION = "It asks for something else than blocking or allowing."
NO_RECORD = "It is not a record of a response policy zone."

_TRIGGERS = (".rpz-ip", ".rpz-nsdname", ".rpz-nsip", ".rpz-client-ip")
_APEX = frozenset(("SOA", "NS", "TXT", "RRSIG", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "DS"))
_CNAME_ACTIONS = {".": Action.BLOCK, "*.": Action.BLOCK, "rpz-drop.": Action.BLOCK, "rpz-passthru.": Action.ALLOW}
_TTL = frozenset("0123456789smhdwSMHDW")


class ZoneParser:
    """One zone's lines in order: `$ORIGIN` and an SOA that spans lines need a memory. The SOA stands at the apex of the
    zone, which is no part of the names that it speaks of, however they are written.
    """

    def __init__(self) -> None:
        self._origin = self._apex = ""
        self._in_brackets = False

    def __call__(self, line: str) -> tuple[Entry, ...]:
        """Raises Skip."""
        line = line.partition(";")[0].strip()
        if not line or is_note(line):
            return ()
        if self._in_brackets:
            self._in_brackets = ")" not in line
            return ()
        self._in_brackets = "(" in line and ")" not in line
        words = line.split()
        if words[0].startswith("$"):
            self._direct(words)
            return ()
        owner, kind, data = _fields(words)
        if kind in _APEX:
            if kind == "SOA" and owner:
                self._apex = self._absolute(owner)
            return ()
        if self._in_brackets:
            raise Skip(NO_RECORD)
        action = _action_of(kind, data)
        name = self._named(owner)
        if name.endswith(_TRIGGERS):
            raise Skip(OTHER_TRIGGER)
        if name in ("", "*"):
            raise Skip(EVERY_NAME)
        if name.startswith("*."):
            return (Entry(canonical(name[2:]), Extent.BELOW, action),)
        return (Entry(canonical(name), Extent.EXACT, action),)

    def _direct(self, words: list[str]) -> None:
        if words[0].upper() == "$ORIGIN" and len(words) > 1:
            self._origin = words[1].lower().strip(".")
            self._apex = self._apex or self._origin

    def _absolute(self, owner: str) -> str:
        owner = owner.lower()
        if owner == "@":
            return self._origin
        if owner.endswith("."):
            return owner[:-1]
        return f"{owner}.{self._origin}" if self._origin else owner

    def _named(self, owner: str) -> str:
        """The name that the owner of a record speaks of; "" for the apex itself."""
        name = self._absolute(owner)
        if name == self._apex:
            return "" if self._apex else name
        return name.removesuffix("." + self._apex) if self._apex else name


def _fields(words: list[str]) -> tuple[str, str, str]:
    """Owner, type and data of a record; an owner that was left out is "" (only apex records do that in practice)."""
    if len(words) > 1 and words[0].upper() in _APEX:
        return "", words[0].upper(), words[1]
    rest = words[1:]
    while rest and (rest[0].upper() == "IN" or (rest[0][0].isdigit() and _TTL.issuperset(rest[0]))):
        rest = rest[1:]
    if len(rest) < 2:
        raise Skip(NO_RECORD)
    return words[0], rest[0].upper(), rest[1]


def _action_of(kind: str, data: str) -> Action:
    if kind == "CNAME":
        action = _CNAME_ACTIONS.get(data.lower())
        if action is None:
            raise Skip(OTHER_ACTION if data.lower().startswith("rpz-") else ELSEWHERE)
        return action
    if kind in ("A", "AAAA"):
        if is_null(data):
            return Action.BLOCK
        raise Skip(ELSEWHERE)
    raise Skip(OTHER_ACTION if kind.isalpha() else NO_RECORD)
