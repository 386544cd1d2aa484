"""Which syntax a list is in, recognised by its first lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gateway.errors import ListError
from gateway.lists.parsers.entry import Syntax
from gateway.lists.parsers.names import is_address

_FORMS = (
    (Syntax.DNSMASQ, re.compile(r"(?:--)?(?:address|server|local|host-record|cname|conf-file|addn-hosts)=\S")),
    (Syntax.UNBOUND, re.compile(r"server:\s*(?:#.*)?$|local-(?:zone|data(?:-ptr)?):\s")),
    (Syntax.RPZ, re.compile(r"\$(?:TTL|ORIGIN)\s|(?:\S+\s+)?(?:\S+\s+){0,2}(?:CNAME|SOA)\s+\S", re.IGNORECASE)),
    (Syntax.RPZ, re.compile(r"\S+\s+(?:\d+\s+)?(?:IN\s+)?(?:A|AAAA)\s+[0-9a-f:.]+$", re.IGNORECASE)),
    (Syntax.ADBLOCK, re.compile(r"@@|\|\|?[^|]|/.+/(?:\$\S+)?$|\[Adblock|[^\s\\(]+\^(?:\$\S+|\|)?$|[\w.*-]+\$[a-z]")),
    (Syntax.WILDCARD, re.compile(r"\*\.[\w.-]+$")),
    (Syntax.REGEX, re.compile(r"\^|\(\^|\(\\\.|\S*\\[.dws]|\S*\.\*\S*$|\S+\$$")),
    (Syntax.PLAIN, re.compile(r"[\w-]+(?:\.[\w-]+)+\.?(?:\s+#.*)?$|(?:[\w-]*\*[\w-]*\.)+[\w-]+$")),
)


def form_of(line: str) -> Syntax | None:
    """The syntax one line looks like, None for a comment or for nothing we know."""
    if line[0] in "#!;":
        return None
    words = line.split(None, 2)
    if len(words) > 1 and is_address(words[0]):
        return Syntax.HOSTS
    if len(line) > 1000:
        return None
    for syntax, form in _FORMS:
        if form.match(line):
            return syntax
    return None


def detect_syntax(lines: Sequence[str]) -> Syntax:
    """The syntax of most lines. Raises ListError when there are none, or hardly one looks like an entry."""
    said = [line for line in lines if line[0] not in "#!;" and not line.startswith("[")]
    if not said:
        raise ListError("lists.list-empty-names-nothing")
    votes = Counter(filter(None, map(form_of, said)))
    if sum(votes.values()) * 5 < len(said):
        raise ListError("lists.does-not-look")
    return max(votes, key=lambda syntax: (votes[syntax], syntax is Syntax.ADBLOCK))
