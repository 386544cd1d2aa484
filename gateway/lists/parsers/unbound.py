"""Lines of unbound's configuration (unbound.conf(5)): `local-zone` speaks of a subtree, `local-data` of one name."""

from __future__ import annotations

import re

from gateway.lists.parsers.entry import Entry, Skip
from gateway.lists.parsers.names import ELSEWHERE, EVERY_NAME, canonical, is_null
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
        "block_a",
    ]
)
_simple = re.compile(r'local-zone: "([a-z0-9_.-]+)\." always_n(?:ull|xdomain)', re.ASCII).fullmatch
_option = re.compile(r"([a-z-]+):\s*(.*)", re.ASCII).fullmatch
_zone = re.compile(r"""["']?([^"'\s]+)["']?\s+["']?([a-z_]+)["']?""").fullmatch


def parse_line(line: str) -> tuple[Entry, ...]:
    """Raises Skip."""
    simple = _simple(line)
    if simple:
        return (Entry(canonical(simple[1]), Extent.SUBTREE),)
    if line[0] == "#":
        return ()
    option = _option(re.sub(r"\s#.*", "", line).strip())
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
    if zone[2] == "always_transparent":
        return (Entry(canonical(zone[1]), Extent.SUBTREE, Action.ALLOW),)
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
