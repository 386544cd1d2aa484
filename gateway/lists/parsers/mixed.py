"""What authors mix in one file: hosts, plain names, wildcards, adblock rules, and lines of dnsmasq and unbound.

Each line is read by its own form. What the list is as a whole decides only where a line could mean two things: hosts
lines and plain names speak of exactly that name in every list (hosts(5); AdGuard, Pi-hole and blocky agree), and a
leading dot or `*.` of what is below it, too. `ads.*` begins the name and `*.name` is the name and everything below
(dnscrypt-proxy, "example-blocked-names.txt"); inside an adblock list both are patterns, as AdGuard has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.lists.parsers import dnsmasq, unbound
from gateway.lists.parsers.adblock import COSMETIC, parse_rule
from gateway.lists.parsers.entry import Entry, LineParser, Skip, Syntax, each_of
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
from gateway.lists.parsers.notes import before_any_note, is_cosmetic, is_note
from gateway.lists.parsers.patterns import entry_of_glob, entry_of_regex
from gateway.model.listed import Extent

OWN_NAMES = "It names this machine itself."
PIHOLE_OPTION = "It has an option of Pi-hole that we do not support."

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
_OPTIONS = ("address=/", "server=/", "local=/", "--", "local-zone:", "local-data:")
_plain = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.[a-z][a-z0-9-]{0,62}", re.ASCII).fullmatch
_wildcard = re.compile(r"\*\.[a-z0-9_.-]+", re.ASCII).fullmatch
_hosts = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+([^\s#]+)", re.ASCII).fullmatch
_expression = re.compile(r"\^|\(\^|\.\*|.*(?:\\[.dws]|[^*]\$$)").match
_any_expression = re.compile(r".*[\\()\[\]+?{}]|.+\|.").match


def line_parser(syntax: Syntax) -> LineParser:
    """The parser for a list that is mostly in this syntax, which is no zone."""
    parse = _MixedParser(syntax).parse_line
    if syntax is Syntax.DNSMASQ:
        return _options_first("address=/", dnsmasq.is_option, dnsmasq.parse_line, parse)
    if syntax is Syntax.UNBOUND:
        return _options_first("local-", unbound.is_option, unbound.parse_line, parse)
    return parse


def _options_first(usual: str, is_option: Callable[[str], bool], options: LineParser, others: LineParser) -> LineParser:
    """`usual` is how nearly every line of such a list begins."""

    def parse_line(line: str) -> tuple[Entry, ...]:
        return options(line) if line.startswith(usual) or is_option(line) else others(line)

    return parse_line


class _MixedParser:
    def __init__(self, syntax: Syntax) -> None:
        self._in_adblock = syntax is Syntax.ADBLOCK
        self._is_expression = _any_expression if syntax is Syntax.REGEX else _expression

    def parse_line(self, line: str) -> tuple[Entry, ...]:
        """Raises Skip and Partly. The first half is for what lists have a million of."""
        if _plain(line) and len(line) <= 253 and not line.startswith(CANARY):
            return (Entry(line),)
        first = line[0]
        if first in "|@":
            return parse_rule(line)
        if first == "*" and not self._in_adblock and _wildcard(line):
            return (Entry(canonical(line[2:]), Extent.SUBTREE),)
        hosts = _hosts(line)
        if hosts:
            return (_exact(hosts[1]),)
        if is_note(line):
            return ()
        if line.startswith(_OPTIONS):
            return unbound.parse_line(line) if unbound.is_option(line) else dnsmasq.parse_line(line)
        if is_address(line.split(None, 1)[0]):
            return _parse_hosts(line)
        if first == "/":
            return parse_rule(line)
        if is_cosmetic(line):
            # Only a note that stands apart makes it something else.
            line = before_any_note(line)
            if is_cosmetic(line):
                raise Skip(COSMETIC)
        return self._parse_word(before_any_note(line))

    def _parse_word(self, line: str) -> tuple[Entry, ...]:
        if _plain(line):
            return (Entry(canonical(line)),)
        words = line.split()
        if len(words) > 1:
            return _parse_names(words)
        if "/" in line:
            return parse_rule(line)
        if self._is_expression(line):
            return _parse_expression(line)
        if "^" in line or "$" in line or "|" in line:
            return parse_rule(line)
        if self._in_adblock and ("*" in line or line[0] in ".-_" or line[-1] in ".-_"):
            return parse_rule(line)
        if "*" in line:
            return (_parse_wildcard(line),)
        return (_exact(line),)


def _parse_hosts(line: str) -> tuple[Entry, ...]:
    """Addresses and their names. `#` begins a note anywhere, and a line may hold what should have been several."""
    pairs: list[tuple[str, str]] = []
    address = ""
    for word in before_any_note(line).partition("#")[0].split():
        if is_address(word):
            address = word
        else:
            pairs.append((address, word))
    if not pairs:
        raise Skip(AN_ADDRESS)
    return each_of(pairs, _mapped)


def _mapped(pair: tuple[str, str]) -> Entry:
    address, name = pair
    if not is_null(address):
        raise Skip(OWN_NAMES if name.lower() in _OWN else ELSEWHERE)
    return _exact(name)


def _parse_names(words: list[str]) -> tuple[Entry, ...]:
    """Several names in a line; prose has words without a dot."""
    if not all("." in word.strip(".") for word in words):
        raise Skip(NO_NAME)
    return each_of(words, _exact)


def _exact(name: str) -> Entry:
    if name.lower() in _OWN:
        raise Skip(OWN_NAMES)
    if name[0] == "." and len(name) > 1:
        return Entry(canonical(name[1:]), Extent.SUBTREE)
    return Entry(canonical(name))


def _parse_expression(line: str) -> tuple[Entry, ...]:
    if ";" in line:
        raise Skip(PIHOLE_OPTION)
    return (entry_of_regex(line),)


def _parse_wildcard(line: str) -> Entry:
    if line.startswith("*.") and "*" not in line[2:]:
        if len(line) == 2:
            raise Skip(EVERY_NAME)
        return Entry(canonical(line[2:]), Extent.SUBTREE)
    return entry_of_glob(line, left="^", right="$")
