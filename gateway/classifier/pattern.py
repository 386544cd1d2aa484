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

from gateway.classifier.advice import shown

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_ATOM = r"(?:[a-z0-9_-]|\\\.|\\d|\[[a-z0-9_-]+\])"
_TIMES = r"(?:\{\d{1,2}(?:,\d{1,2})?\}|\?)?"
_ITEM = rf"{_ATOM}{_TIMES}"
# Every character can be read in one way only, so that a mistake at the end of a long expression is found at once.
_UNDERSTOOD = re.compile(rf"\^(?:{_ITEM}|\((?:{_ITEM})+(?:\|(?:{_ITEM})+)*\)\??)*")
_MAY_USE = "an expression may use only small letters, digits, -, \\., \\d, [sets], ?, {n}, {m,n} and (a|b)"
_ADVICE = {
    ".": "write a dot as \\.",
    "*": "say how many, as {1,20}",
    "+": "say how many, as {1,20}",
    "{": "write {n} or {m,n}",
    "\\": "behind a backslash stands only . or d",
    "(": "a group holds what may stand outside of it, and no other group",
}
_TAIL = re.compile(r"((?:\\\.[a-z0-9-]+){2,})\$")
_MAX_REGEX = 160
_MAX_RANGES = 2
_MAX_NAME = 253
_ADDRESS = re.compile(r"[\d.]+(?::\d+)?|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*")
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]{0,9}:)?//|\|\||@@\|\|")
_BEHIND = re.compile(r"[/?^:#].*")


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
    if len(domain) > _MAX_NAME or not _NAME.fullmatch(domain):
        raise ValueError(_why_no_name(text))
    return Pattern(kind, domain, text)


def _why_no_name(text: str) -> str:
    if _ADDRESS.fullmatch(text.lower()):
        return f"{shown(text)} is an address; rules speak of names only, so leave it out."
    if found := _name_in(text):
        instead = found
    elif "*" in text:
        instead = "the part that differs as an expression, such as /^api-[a-z]{2}\\.example\\.com$/"
    else:
        instead = "name.example.com for one name, or .example.com for it and all names below it"
    return f"{shown(text)} is not a plain domain name in small letters; write {instead}."


def _name_in(text: str) -> str:
    """The name in an address of a page, in a line of a block list, in capitals, or before a port; "" where is none."""
    if len(text) > 2 * _MAX_NAME:
        return ""
    plain = text.lower().strip("\"'`,;<>()")
    begun = _SCHEME.match(plain)
    top = plain.startswith("*.") or (begun is not None and begun[0].endswith("|"))
    plain = _BEHIND.sub("", plain[begun.end() :] if begun else plain).removeprefix("*").strip(".,;")
    try:
        plain = plain.encode("idna").decode()
    except UnicodeError:
        return ""
    if len(plain) > _MAX_NAME or not _NAME.fullmatch(plain):
        return ""
    return "." + plain if top or text.startswith(".") else plain


def _parse_regex(text: str) -> Pattern:
    inner, named = text[1:-1], shown(text)
    if len(text) > _MAX_REGEX:
        raise ValueError(f"{named} has more than {_MAX_REGEX} characters; split it into several rules.")
    if len(text) < 3 or not text.endswith("/"):
        raise ValueError(f"{named} must end with a slash, as it begins, and holds no space; write it as /^…$/.")
    if not inner.startswith("^") or not inner.endswith("$"):
        raise ValueError(f"{named} must run from ^ to $; write it as /^…$/.")
    understood = _UNDERSTOOD.match(inner)
    read = understood.end() if understood else 0
    if inner[read:] != "$":
        advice = "write small letters" if inner != inner.lower() else _ADVICE.get(inner[read], "")
        first = f"{advice}; " if advice else ""
        raise ValueError(f"{named} cannot be read from {shown(inner[read:])} on: {first}{_MAY_USE}.")
    tail = _TAIL.search(inner)
    if tail is None:
        raise ValueError(f"{named} must end in a literal domain such as \\.example\\.com$, of two labels or more.")
    if inner.count(",") > _MAX_RANGES:
        raise ValueError(f"{named} has more than {_MAX_RANGES} ranges {{m,n}}; split it into several rules.")
    for low, high in re.findall(r"\{(\d+),(\d+)\}", inner):
        if int(low) > int(high):
            raise ValueError(f"{named} counts from {low} to {high}; swap the two.")
    if any(low > high for low, high in re.findall(r"([a-z0-9])-([a-z0-9])(?=[^[]*\])", inner)):
        raise ValueError(f"{named} has a set in [] that runs backwards; write it as [a-z0-9].")
    return Pattern(Kind.REGEX, tail.group(1).replace("\\.", ".")[1:], text)
