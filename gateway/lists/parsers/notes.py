"""Headers and notes, which say nothing about names: whole lines of them, and what stands behind a rule."""

from __future__ import annotations

import re

_MARKS = "#!;"
_header = re.compile(r"\[[^\]]*\]").fullmatch
_apart = re.compile(r"\s(?:[#!;]|//).*", re.DOTALL)
_cosmetic = re.compile(r"[^\s#]*#[@?$%]{0,3}#").match


def is_note(line: str) -> bool:
    """True for a stripped line that is a comment or a header (`[Adblock Plus]`) in any syntax."""
    return line[0] in _MARKS or line.startswith("//") or (line[0] == "[" and _header(line) is not None)


def is_cosmetic(line: str) -> bool:
    """True for an adblock rule about parts of web pages: `x.org##.banner`, `x.org#@#.banner`."""
    return _cosmetic(line) is not None


def before_note(line: str) -> str:
    """The line without a note that white space sets apart."""
    return _apart.sub("", line, count=1).rstrip()


def before_any_note(line: str) -> str:
    """As `before_note`, also where the note's `#` is glued to a name (hosts(5)); a cosmetic rule stays what it is."""
    line = before_note(line)
    if "#" in line and line[0] != "/" and not is_cosmetic(line):
        return line.partition("#")[0].rstrip()
    return line
