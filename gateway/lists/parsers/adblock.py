"""Adblock rules as DNS filters read them (AdGuard, "DNS filtering rules syntax"), the part that speaks of names.

A rule with a modifier that is not supported is ignored, as that document validation: half a rule would block too much.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.lists.parsers.entry import EVERY, Entry, Skip, includes
from gateway.lists.parsers.names import EVERY_NAME, canonical
from gateway.lists.parsers.notes import before_any_note, is_cosmetic
from gateway.lists.parsers.patterns import entry_of_glob, entry_of_regex
from gateway.model.dns import QType
from gateway.model.listed import Extent
from gateway.model.verdict import Action

A_PATH = "It speaks of a path or a scheme, and DNS sees only names."
COSMETIC = "It hides parts of web pages, which DNS does not see."
MODIFIER = "It has a modifier that we do not know."
EMPTY_MODIFIER = "Its modifiers are written wrongly."

_KNOWN_ELSEWHERE = frozenset(
    ["client", "ctag", "dnsrewrite", "third-party", "document", "all", "domain", "app", "denyallow", "dnstype"]
)
_MAX_VALUES = 1000
_NUMBERS = {t.name: int(t) for t in QType} | {"NAPTR": 35, "TLSA": 52, "CAA": 257, "DNAME": 39, "HINFO": 13, "URI": 256}
_simple = re.compile(r"(@@)?\|\|([a-z0-9_.-]+)\^\|?", re.ASCII).fullmatch


def parse_rule(line: str) -> tuple[Entry, ...]:
    """One adblock rule, which is no comment. Raises Skip."""
    simple = _simple(line)
    if simple:
        action = Action.ALLOW if simple[1] else Action.BLOCK
        return (Entry(canonical(simple[2]), Extent.SUBTREE, action),)
    line = before_any_note(line)
    if is_cosmetic(line):
        raise Skip(COSMETIC)
    body = line.removeprefix("@@")
    pattern, modifiers = _split(body)
    # Modifiers first: to refuse one is cheap, to understand a pattern is not.
    modified = _modify(Entry(""), modifiers) if modifiers is not None else Entry("")
    entry = _entry_of_all(modified, pattern) or _entry_of(pattern, is_rule=modifiers is not None)
    action = Action.ALLOW if len(body) != len(line) else Action.BLOCK
    return (modified._replace(name=entry.name, extent=entry.extent, regex=entry.regex, action=action),)


def _split(body: str) -> tuple[str, str | None]:
    """The pattern and its modifiers, None without any. A regular expression may hold `$` itself."""
    if body.startswith("/"):
        end = body.rfind("/")
        if end > 0 and (end == len(body) - 1 or body[end + 1] == "$"):
            return body[: end + 1], body[end + 2 :] if end < len(body) - 1 else None
    pattern, dollar, modifiers = body.partition("$")
    return pattern, modifiers if dollar else None


def _entry_of_all(modified: Entry, pattern: str) -> Entry | None:
    """The entry of a pattern that every name matches, None for any other. It needs modifiers that spare some names, or
    let all of them keep an address.
    """
    if pattern.strip("|*.^") or ("*" not in pattern and pattern):
        return None
    if modified.denyallow or (modified.dnstypes and not includes(modified.dnstypes, QType.A)):
        return Entry(EVERY)
    raise Skip(EVERY_NAME)


def _entry_of(pattern: str, *, is_rule: bool) -> Entry:
    """`is_rule`: it has modifiers, so that it is no plain name, which would be exact."""
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        return entry_of_regex(pattern[1:-1])
    if "/" in pattern or ":" in pattern.strip("|^"):
        raise Skip(A_PATH)
    left = "(^|\\.)" if pattern.startswith("||") else "^" if pattern.startswith("|") else ""
    rest = pattern.lstrip("|") if left else pattern
    name = rest.rstrip("|^")
    right = "$" if len(name) < len(rest) else ""
    if "*" in name or _is_part(name, left, right):
        return entry_of_glob(name, left=left, right=right)
    name = canonical(name)
    if left.startswith("(") or (is_rule and not left and not right):
        return Entry(name, Extent.SUBTREE)
    if bool(left) == bool(right):
        return Entry(name)
    return entry_of_glob(name, left=left, right=right)


def _is_part(name: str, left: str, right: str) -> bool:
    """Whether a pattern is part of a name and no whole one: `||admulti.`, `-clickspy-`, `_prebid_`."""
    if right or not name:
        return False
    if name.endswith("."):
        return bool(left) or "." not in name[:-1]
    return name[-1] in "-_" or (not left and (name[0] == "-" or (name[0] == "_" and "." not in name)))


def _modify(entry: Entry, modifiers: str) -> Entry:
    for modifier in modifiers.split(","):
        key, _, value = modifier.strip().partition("=")
        if key == "important" and not value:
            entry = entry._replace(important=True)
        elif key == "badfilter" and not value:
            entry = entry._replace(badfilter=True)
        elif key == "dnstype" and value:
            entry = entry._replace(dnstypes=_types(value))
        elif key == "denyallow" and value:
            entry = entry._replace(denyallow=_names(value))
        elif not key:
            raise Skip(EMPTY_MODIFIER)
        else:
            raise Skip(f"It has the modifier ${key}, which we do not support." if key in _KNOWN_ELSEWHERE else MODIFIER)
    return entry


@lru_cache(32)
def _types(value: str) -> tuple[int, ...]:
    """What is named both with and without `~` is spared, as AdGuard reads it."""
    numbers = []
    for word in value.upper().split("|"):
        name = word.removeprefix("~")
        number = _NUMBERS.get(name, 0)
        if name.startswith("TYPE") and name[4:].isdecimal() and len(name) <= 9:
            number = int(name[4:])
        if not 0 < number < 65536:
            raise Skip("It speaks of a record type that we do not know.")
        numbers.append(number if name == word else -number)
    wanted = {number for number in numbers if number > 0}
    spared = {-number for number in numbers if number < 0}
    if len(numbers) > _MAX_VALUES or (wanted and wanted <= spared):
        raise Skip(EMPTY_MODIFIER)
    return tuple(sorted(wanted - spared if wanted else [-number for number in spared]))


@lru_cache(32)
def _names(value: str) -> tuple[str, ...]:
    words = value.split("|")
    if len(words) > _MAX_VALUES:
        raise Skip("It has too many exceptions.")
    return tuple(sorted({canonical(word) for word in words}))
