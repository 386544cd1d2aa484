"""Reads a file of rules: names at the start of a line, what is said about them indented below.

    log.example.com
    .ads.example.com
      company: Example
      category: advertising
      confidence: 0.8
      perflyst says: Blocks it.

Plain lines instead of TOML: the knowledge is read at every start, and a general parser takes five times as long.
knowledge/README.md explains it for contributors; schema.py judges what a rule says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_SAYS = " says"


@dataclass(slots=True)
class Row:
    """One rule as it was written; `line` is where it begins."""

    line: int
    names: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)


def read_rows(text: str) -> Iterator[Row]:
    """Every rule of a file. Raises ValueError with the line and what to do."""
    row: Row | None = None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if not words or words[0] == "#":
            continue
        if line[0] not in " \t":
            if row is None or row.values or row.evidence:
                if row is not None:
                    yield row
                row = Row(number)
            row.names += words.split()
        elif row is None:
            raise ValueError(f"line {number}: {_shown(words)} is indented, but no name stands above it.")
        else:
            _add(row, words, number)
    if row is not None:
        yield row


def _add(row: Row, words: str, number: int) -> None:
    key, colon, value = words.partition(": ")
    if not colon or not value.strip():
        raise ValueError(f'line {number}: {_shown(words)} must look like "category: advertising".')
    table, key = (row.evidence, key[: -len(_SAYS)]) if key.endswith(_SAYS) else (row.values, key)
    if key in table:
        raise ValueError(f"line {number}: {key} is said twice; keep one of them.")
    table[key] = value.strip()


def _shown(words: str) -> str:
    return repr(words if len(words) <= 60 else words[:59] + "…")
