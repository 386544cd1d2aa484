"""Tables of plain texts, read ten times as fast as by tomllib: loading the knowledge is mostly reading such tables.

Only what the knowledge is made of is read here: `[table]`, `key = "text"`, `key = true` and `key = ["text", …]`, one a
line. Whatever else a file holds is left to tomllib, and so is every mistake: what a file means never depends on who
read it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

# A text without an escape, a quote or a control character, which are the only things that would make it say another
# thing. TOML forbids all control characters but the tab.
_TEXT = r'"[^"\\\x00-\x08\x0a-\x1f\x7f]*"'
_LINE = re.compile(
    rf"""\[(?:(?P<bare>[A-Za-z0-9_-]+)|(?P<table>{_TEXT}))\]
    |(?P<key>[A-Za-z0-9_-]+)\ =\ (?:(?P<text>{_TEXT})|(?P<truth>true|false)|\[(?P<texts>{_TEXT}(?:,\ {_TEXT})*)\])
        (?:\ *\#[^\x00-\x08\x0a-\x1f\x7f]*)?
    |(?:\#[^\x00-\x08\x0a-\x1f\x7f]*)?""",
    re.VERBOSE,
)


def loads(text: str) -> dict[str, Any]:
    """What tomllib.loads says of the text. Raises tomllib.TOMLDecodeError and RecursionError as it does."""
    tables = _plain_tables(text)
    return tomllib.loads(text) if tables is None else tables


def _plain_tables(text: str) -> dict[str, Any] | None:
    """The tables of a text that is nothing but plain ones; None for any other, and where something is said twice."""
    tables: dict[str, Any] = {}
    values: dict[str, Any] | None = None
    for line in text.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        bare, table, key, said, truth, texts = found.groups()
        if key is not None:
            if values is None or key in values:
                return None
            values[key] = said[1:-1] if said else truth == "true" if truth else texts[1:-1].split('", "')
        elif bare or table:
            name = bare or table[1:-1]
            if name in tables:
                return None
            tables[name] = values = {}
    return tables
