"""What we read out of one list in each syntax, line by line, as it was agreed on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.lists.parsers import Entry, parse_list

FOLDER = Path(__file__).parent / "lists"


def describe(entry: Entry) -> str:
    extras = [f"types {entry.dnstypes}"] if entry.dnstypes else []
    extras += [f"but {' '.join(entry.denyallow)}"] if entry.denyallow else []
    return "  ".join([entry.action.value, entry.text, *extras])


def transcript(data: bytes) -> str:
    parsed = parse_list(data)
    lines = [describe(entry) for entry in parsed.entries]
    skipped = [f"skipped {count}: {reason}" for reason, count in sorted(parsed.skipped.items())]
    return "\n".join([f"{parsed.syntax.value}: {parsed.title}", *lines, *skipped, ""])


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_a_list_reads_as_agreed(name: str) -> None:
    said = transcript((FOLDER / f"{name}.txt").read_bytes())
    agreed = FOLDER / f"{name}.transcript"
    if os.environ.get("TELLTALE_WRITE_GOLDEN"):
        agreed.write_text(said, encoding="utf-8")
    assert said == agreed.read_text(encoding="utf-8")
