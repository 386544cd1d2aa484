"""Lines of dnsmasq's configuration (dnsmasq(8)): `address=`, `server=` and `local=` speak of a subtree."""

from __future__ import annotations

import re

from gateway.lists.parsers.entry import Entry, Skip
from gateway.lists.parsers.names import ELSEWHERE, EVERY_NAME, canonical, is_null
from gateway.model.listed import Extent
from gateway.model.verdict import Action

OTHER_OPTION = "It is another option of dnsmasq, which blocks nothing."
FORWARDS = "It forwards the name to another resolver instead of blocking it."

_simple = re.compile(r"address=/([a-z0-9_-][a-z0-9_.-]*)/(?:#|0\.0\.0\.0|127\.0\.0\.1|::1?)?", re.ASCII).fullmatch


def parse_line(line: str) -> tuple[Entry, ...]:
    """Raises Skip."""
    simple = _simple(line)
    if simple:
        return (Entry(canonical(simple[1]), Extent.SUBTREE),)
    if line[0] == "#":
        return ()
    option, equals, value = line.partition(" #")[0].strip().removeprefix("--").partition("=")
    option, value = option.strip(), value.strip()
    if option not in ("address", "server", "local") or not equals or not value.startswith("/"):
        raise Skip(OTHER_OPTION)
    *names, target = value[1:].split("/")
    if not names:
        raise Skip(OTHER_OPTION)
    action = _action_of(option, target.strip())
    return tuple([Entry(_name_of(name), Extent.SUBTREE, action) for name in names])


def _action_of(option: str, target: str) -> Action:
    if not target:
        return Action.BLOCK
    if option == "address":
        if target == "#" or is_null(target):
            return Action.BLOCK
        raise Skip(ELSEWHERE)
    if target == "#":
        return Action.ALLOW
    raise Skip(FORWARDS)


def _name_of(name: str) -> str:
    name = name.removeprefix("*.").removeprefix(".")
    if name in ("", "#", "*"):
        raise Skip(EVERY_NAME)
    return canonical(name)
