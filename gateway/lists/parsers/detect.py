"""Which syntax a list is in, recognised by its first lines. Headers and notes have no say in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gateway.errors import ListError
from gateway.lists.parsers.entry import Syntax
from gateway.lists.parsers.names import is_address
from gateway.lists.parsers.notes import before_any_note, before_note, is_cosmetic, is_note

_ENOUGH = 1000
_OPTIONS = (
    (Syntax.DNSMASQ, re.compile(r"(?:--)?(?:address|server|local|host-record|cname|conf-file|addn-hosts)=\S")),
    (Syntax.UNBOUND, re.compile(r"server:\s*$|local-(?:zone|data(?:-ptr)?):\s")),
)
_zone_line = re.compile(
    r"\$(?:TTL|ORIGIN)\s"
    r"|(?:\S+\s+)?(?:\d[\dsmhdw]*\s+)?(?:IN\s+)?(?:\d[\dsmhdw]*\s+)?"
    r"(?:(?:CNAME|SOA|NS)\s+\S|A\s+[\d.]+$|AAAA\s+[0-9a-f:.]+$)",
    re.IGNORECASE,
).match
_FORMS = (
    (Syntax.ADBLOCK, re.compile(r"@@|\|\|?[^|]|/.+/(?:\$\S+)?$|[^\s\\(^]+\^(?:\$\S+|\|)?$|[\w.*-]+\$[a-z]")),
    (Syntax.WILDCARD, re.compile(r"(?:\*\.|\.)[\w.-]+$|[\w*-][\w.*-]*\.\*$")),
    (Syntax.REGEX, re.compile(r"\^|\(\^|\(\\\.|\S*\\[.dws]|\.\*|\S*[\])+]\S*$|\S+\$$")),
    (Syntax.PLAIN, re.compile(r"[\w-]+(?:\.[\w-]+)+\.?$|(?:[\w-]*\*[\w-]*\.)+[\w-]+$")),
)


def form_of(line: str) -> Syntax | None:
    """The syntax that one line looks like, None for a note or for nothing we know."""
    if is_note(line):
        return None
    words = line.split(None, 2)
    if len(words) > 1 and is_address(words[0]):
        return Syntax.HOSTS
    line = before_note(line[:_ENOUGH])
    for syntax, form in _OPTIONS:
        if form.match(line):
            return syntax
    if _zone_line(line.partition(";")[0].rstrip()):
        return Syntax.RPZ
    if is_cosmetic(line):
        return Syntax.ADBLOCK
    line = before_any_note(line)
    for syntax, form in _FORMS:
        if form.match(line):
            return syntax
    return None


def detect_syntax(lines: Iterable[str]) -> Syntax:
    """The syntax of most lines. Raises ListError when there are none, or hardly one looks like an entry."""
    said = [line for line in lines if not is_note(line)]
    if not said:
        raise ListError("lists.list-empty-names-nothing")
    votes = Counter(filter(None, map(form_of, said)))
    if sum(votes.values()) * 5 < len(said):
        raise ListError("lists.does-not-look")
    return max(votes, key=lambda syntax: (votes[syntax], syntax is Syntax.ADBLOCK))
