"""How a rule says which names it means.

    name.example.com        this name only
    .example.com            this name and every name below it
    /^acr-[a-z]{2}-prd\\.example\\.com$/    a bounded regular expression over the whole name

A regular expression must end in a literal domain of at least two labels, so that it is tried only on names below it,
and may use only literals, `\\.`, `\\d`, sets of letters, `?`, `{n}`, `{m,n}` and one level of `(a|b)`. With at most two
`{m,n}` its work is bounded, whatever a hostile name looks like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_ATOM = r"(?:[a-z0-9_-]|\\\.|\\d|\[[a-z0-9_-]+\])"
_TIMES = r"(?:\{\d{1,2}(?:,\d{1,2})?\}|\?)?"
_ITEM = rf"{_ATOM}{_TIMES}"
# Every character can be read in one way only, so that a mistake at the end of a long expression is found at once.
_REGEX = re.compile(rf"\^(?:{_ITEM}|\((?:{_ITEM})+(?:\|(?:{_ITEM})+)*\)\??)+\$")
_TAIL = re.compile(r"((?:\\\.[a-z0-9-]+){2,})\$")
_MAX_REGEX = 160
_MAX_RANGES = 2


class Kind(Enum):
    """How a pattern is compared with a name."""

    EXACT = "exact"
    SUBTREE = "subtree"
    REGEX = "regex"


@dataclass(slots=True)
class Pattern:
    """`domain` is the name itself, the top of the subtree, or the literal domain that the expression ends in."""

    kind: Kind
    domain: str
    text: str
    _compiled: re.Pattern[str] | None = field(default=None, repr=False, compare=False)

    def matches(self, name: str) -> bool:
        """True when the pattern means this canonical name."""
        if self.kind is Kind.EXACT:
            return name == self.domain
        if self.kind is Kind.SUBTREE:
            return name == self.domain or name.endswith("." + self.domain)
        if self._compiled is None:
            self._compiled = re.compile(self.text[1:-1])
        return self._compiled.fullmatch(name) is not None


def parse_pattern(text: str) -> Pattern:
    """The pattern a contributor wrote. Raises ValueError, in one sentence that says what to do."""
    if text.startswith("/"):
        return _parse_regex(text)
    kind, domain = (Kind.SUBTREE, text[1:]) if text.startswith(".") else (Kind.EXACT, text)
    if len(domain) > 253 or not _NAME.fullmatch(domain):
        raise ValueError(f"{text!r} is not a domain name in lower case; write it as name.example.com or .example.com.")
    return Pattern(kind, domain, text)


def _parse_regex(text: str) -> Pattern:
    inner = text[1:-1]
    if len(text) < 3 or not text.endswith("/") or len(text) > _MAX_REGEX:
        raise ValueError(f"{text!r} must end with a slash and have at most {_MAX_REGEX} characters.")
    if not _REGEX.fullmatch(inner):
        raise ValueError(
            f"{text!r} runs from ^ to $ and may use only letters, digits, \\., \\d, [sets], ?, {{n}}, {{m,n}}, (a|b)."
        )
    tail = _TAIL.search(inner)
    if tail is None:
        raise ValueError(f"{text!r} must end in a literal domain such as \\.example\\.com$.")
    if inner.count(",") > _MAX_RANGES:
        raise ValueError(f"{text!r} has more than {_MAX_RANGES} ranges {{m,n}}; split it into several rules.")
    for low, high in re.findall(r"\{(\d+),(\d+)\}", inner):
        if int(low) > int(high):
            raise ValueError(f"{text!r} counts from {low} to {high}; swap the two.")
    if any(low > high for low, high in re.findall(r"([a-z0-9])-([a-z0-9])(?=[^[]*\])", inner)):
        raise ValueError(f"{text!r} has a set in [] that runs backwards; write it as [a-z0-9].")
    return Pattern(Kind.REGEX, tail.group(1).replace("\\.", ".")[1:], text)
