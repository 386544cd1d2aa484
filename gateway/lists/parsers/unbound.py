"""Lines of unbound's configuration (unbound.conf(5)): `local-zone` speaks of a subtree, `local-data` of one name."""

from __future__ import annotations

import re

from gateway.lists.parsers.entry import Entry, Skip
from gateway.lists.parsers.names import ELSEWHERE, EVERY_NAME, canonical, is_null
from gateway.lists.parsers.notes import before_any_note
from gateway.model.dns import QType
from gateway.model.listed import Extent
from gateway.model.verdict import Action

OTHER_OPTION = "It is another option of unbound, which blocks nothing."
PASSES = "Its zone type lets the names through."

_BLOCKING = frozenset(
    [
        "deny",
        "refuse",
        "static",
        "redirect",
        "always_null",
        "always_nxdomain",
        "always_nodata",
        "always_refuse",
        "always_deny",
        "inform_deny",
        "inform_redirect",
    ]
)
# Longest match wins in unbound, so such a zone is a hole in the one around it.
_PASSING = frozenset(["transparent", "typetransparent", "always_transparent", "inform"])
_BLOCKED_TYPE = {"block_a": int(QType.A), "block_aaaa": int(QType.AAAA)}
_simple = re.compile(r'local-zone: "([a-z0-9_.-]+)\." always_n(?:ull|xdomain)', re.ASCII).fullmatch
_any_option = re.compile(r"[a-z][a-z0-9-]*:(?:\s|$)", re.ASCII).match
_option = re.compile(r"([a-z-]+):\s*(.*)", re.ASCII).fullmatch
_zone = re.compile(r"""["']?([^"'\s]+)["']?\s+["']?([a-z_]+)["']?""").fullmatch


def is_option(line: str) -> bool:
    """True for what can be a line of unbound's configuration, false for a name among them."""
    return _any_option(line) is not None


def parse_line(line: str) -> tuple[Entry, ...]:
    """One line that `is_option`. Raises Skip."""
    simple = _simple(line)
    if simple:
        return (Entry(canonical(simple[1]), Extent.SUBTREE),)
    option = _option(before_any_note(line))
    if not option:
        raise Skip(OTHER_OPTION)
    if option[1] == "server" and not option[2]:
        return ()
    if option[1] == "local-zone":
        return _parse_zone(option[2])
    if option[1] == "local-data":
        return _parse_data(option[2])
    raise Skip(OTHER_OPTION)


def _parse_zone(value: str) -> tuple[Entry, ...]:
    zone = _zone(value)
    if not zone:
        raise Skip(OTHER_OPTION)
    if zone[1] == ".":
        raise Skip(EVERY_NAME)
    if zone[2] in _PASSING:
        return (Entry(canonical(zone[1]), Extent.SUBTREE, Action.ALLOW, passes=True),)
    if zone[2] in _BLOCKED_TYPE:
        return (Entry(canonical(zone[1]), Extent.SUBTREE, dnstypes=(_BLOCKED_TYPE[zone[2]],)),)
    if zone[2] not in _BLOCKING:
        raise Skip(PASSES)
    return (Entry(canonical(zone[1]), Extent.SUBTREE),)


def _parse_data(value: str) -> tuple[Entry, ...]:
    words = value.strip("\"'").split()
    while len(words) > 2 and (words[1].isdecimal() or words[1].upper() == "IN"):
        del words[1]
    if len(words) != 3 or words[1].upper() not in ("A", "AAAA"):
        raise Skip(OTHER_OPTION)
    if not is_null(words[2]):
        raise Skip(ELSEWHERE)
    return (Entry(canonical(words[0])),)
