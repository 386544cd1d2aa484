"""The four syntaxes that authors mix in one file: hosts, plain names, wildcards and adblock rules.

Hosts lines and plain names speak of exactly that name (hosts(5); AdGuard, Pi-hole and blocky agree). `*.name` in a list
of wildcards is the name and everything below (dnscrypt-proxy, "example-blocked-names.txt"); inside an adblock list it
is a pattern, which the name itself does not match.
"""

from __future__ import annotations

import re

from gateway.lists.parsers.adblock import COSMETIC, parse_rule
from gateway.lists.parsers.entry import Entry, LineParser, Skip, Syntax
from gateway.lists.parsers.names import (
    AN_ADDRESS,
    CANARY,
    ELSEWHERE,
    EVERY_NAME,
    NO_NAME,
    canonical,
    is_address,
    is_null,
)
from gateway.lists.parsers.patterns import entry_of_glob
from gateway.model.listed import Extent

OWN_NAMES = "It names this machine itself."

_OWN = frozenset(
    [
        "localhost",
        "localhost.localdomain",
        "localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
    ]
)
_plain = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.[a-z][a-z0-9-]{0,62}", re.ASCII).fullmatch
_hosts = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+(\S+)", re.ASCII).fullmatch
_note = re.compile(r"(?:^|\s)#.*")


def line_parser(syntax: Syntax) -> LineParser:
    """The parser for a list that is mostly in this syntax."""
    return _parse_in_adblock if syntax is Syntax.ADBLOCK else _parse


def _parse_in_adblock(line: str) -> tuple[Entry, ...]:
    if line[0] in "*." or line[-1] == "*":
        return parse_rule(line)
    return _parse(line)


def _parse(line: str) -> tuple[Entry, ...]:
    if _plain(line) and len(line) <= 253 and not line.startswith(CANARY):
        return (Entry(line),)
    first = line[0]
    if first in "#!;" or line.startswith("//"):
        return ()
    if first == "[" and line[-1] == "]":
        return ()
    if first in "|@/":
        return parse_rule(line)
    hosts = _hosts(line)
    if hosts:
        return (_exact(hosts[1]),)
    if "#" in line:
        if "##" in line or "#@#" in line or "#?#" in line:
            raise Skip(COSMETIC)
        line = _note.sub("", line).strip()
    words = line.split()
    if len(words) > 1:
        return _parse_hosts(words)
    if "^" in line or "$" in line or "|" in line:
        return parse_rule(line)
    if "*" in line:
        return (_parse_wildcard(line),)
    if is_address(line):
        raise Skip(AN_ADDRESS)
    return (_exact(line),)


def _parse_hosts(words: list[str]) -> tuple[Entry, ...]:
    if not is_address(words[0]):
        raise Skip(NO_NAME)
    if not is_null(words[0]):
        raise Skip(OWN_NAMES if all(word.lower() in _OWN for word in words[1:]) else ELSEWHERE)
    return tuple([_exact(word) for word in words[1:]])


def _exact(name: str) -> Entry:
    if name.lower() in _OWN:
        raise Skip(OWN_NAMES)
    return Entry(canonical(name))


def _parse_wildcard(line: str) -> Entry:
    if line.startswith("*.") and "*" not in line[2:]:
        if len(line) == 2:
            raise Skip(EVERY_NAME)
        return Entry(canonical(line[2:]), Extent.SUBTREE)
    return entry_of_glob(line, left="^", right="$")
