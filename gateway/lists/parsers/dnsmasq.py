"""Lines of dnsmasq's configuration (dnsmasq(8)): `address=`, `server=` and `local=` speak of a subtree,
`host-record=` of exactly its names.
"""

from __future__ import annotations

import re

from gateway.lists.parsers.entry import Entry, Skip, each_of
from gateway.lists.parsers.names import ELSEWHERE, EVERY_NAME, canonical, is_address, is_null
from gateway.lists.parsers.notes import before_note
from gateway.lists.parsers.patterns import entry_of_glob
from gateway.model.listed import Extent
from gateway.model.verdict import Action

OTHER_OPTION = "It is another option of dnsmasq, which blocks nothing."
FORWARDS = "It forwards the name to another resolver instead of blocking it."

_simple = re.compile(r"address=/([a-z0-9_-][a-z0-9_.-]*)/(?:#|0\.0\.0\.0|127\.0\.0\.1|::1?)?", re.ASCII).fullmatch
_any_option = re.compile(r"(?:--)?[a-z][a-z0-9-]*(?:=|\s*$)", re.ASCII).match


def is_option(line: str) -> bool:
    """True for what can be a line of dnsmasq's configuration, false for a name among them."""
    return _any_option(line) is not None


def parse_line(line: str) -> tuple[Entry, ...]:
    """One line that `is_option`. Raises Skip and Partly."""
    simple = _simple(line)
    if simple:
        return (Entry(canonical(simple[1]), Extent.SUBTREE),)
    option, equals, value = before_note(line).removeprefix("--").partition("=")
    option, value = option.strip(), value.strip()
    if option == "host-record" and equals:
        return _parse_hosts(value)
    if option not in ("address", "server", "local") or not equals or not value.startswith("/"):
        raise Skip(OTHER_OPTION)
    *names, target = value[1:].split("/")
    if not names:
        raise Skip(OTHER_OPTION)
    action = _action_of(option, target.strip())
    return each_of(names, lambda name: _subtree(name, action))


def _parse_hosts(value: str) -> tuple[Entry, ...]:
    """`host-record=x.org,www.x.org,0.0.0.0`: exactly these names have these addresses; a time to live may follow."""
    words = [word.strip() for word in value.split(",")]
    addresses = [word for word in words if is_address(word)]
    if not addresses or not all(map(is_null, addresses)):
        raise Skip(ELSEWHERE if addresses else OTHER_OPTION)
    names = [word for word in words if word not in addresses and not word.isdecimal()]
    return each_of(names, lambda name: Entry(canonical(name)))


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


def _subtree(name: str, action: Action) -> Entry:
    name = name.removeprefix("*.").removeprefix(".")
    if name in ("", "#", "*"):
        raise Skip(EVERY_NAME)
    if "*" in name:
        return entry_of_glob(name, left="", right="$")._replace(action=action)
    return Entry(canonical(name), Extent.SUBTREE, action)
