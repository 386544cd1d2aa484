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

from gateway.classifier.advice import shown

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
        if not line[0].isspace():
            if ":" in words or "#" in words:
                _refuse_statement(words, number)
            if row is None or row.values or row.evidence:
                if row is not None:
                    yield row
                row = Row(number)
            row.names += words.split()
        elif row is None:
            raise ValueError(
                f"line {number}: {shown(words)} is indented, but no name stands above it; begin a name's line without "
                "a space, and write what is said about it below."
            )
        else:
            _add(row, words, number)
    if row is not None:
        yield row


def _refuse_statement(words: str, number: int) -> None:
    """Where a name is due, something else may have lost its indentation."""
    if " #" in words:
        raise ValueError(f"line {number}: a comment needs a line of its own; move it out of {shown(words)}.")
    key, colon, value = words.partition(":")
    if colon and key.replace(" ", "").isalpha() and not value.startswith("//"):
        raise ValueError(f"line {number}: {shown(words)} must be indented by two spaces, below the name it speaks of.")


def _add(row: Row, words: str, number: int) -> None:
    key, colon, value = words.partition(": ")
    if not colon or not value.strip():
        raise ValueError(f"line {number}: {shown(words)} {_why_unreadable(words)}")
    table, key = (row.evidence, key[: -len(_SAYS)]) if key.endswith(_SAYS) else (row.values, key)
    if key in table:
        raise ValueError(
            f"line {number}: {shown(key)} is said twice in one rule; keep one of them, or begin the next rule with its "
            "name at the start of a line."
        )
    table[key] = value.strip()


def _why_unreadable(words: str) -> str:
    if "." in words[:-1] and not any(each in words for each in (" ", "\t", ":", "=")):
        return "is indented; a name stands at the start of its line, without a space before it."
    return 'must look like "category: advertising": a key, a colon, a space, and its text in the same line.'
