"""Lists as people write them, and what each name must be under them: our own, and those beside a developer's checkout.

In `expected.csv` a row names a file; in the others its lines stand in the row itself, with `\\n` for a line's end.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.lists.compiler import ListInput
from gateway.lists.parsers import parse_list
from gateway.model.dns import QType
from gateway.model.name import Name
from gateway.model.verdict import Action
from tests.support.policy_lists import compile_inputs
from tests.support.shared_data import find_shared_data

OWN = Path(__file__).resolve().parents[1] / "data" / "lists"
_SAID = {"blocked": "block", "open": "pass"}
Case = tuple[bytes, str, str, str]


def decide(folder: Path, data: bytes, name: str, qtype: str) -> str:
    """ "block" or "pass", when this is the only list."""
    path = folder / "list.txt"
    path.write_bytes(data)
    lists, _ = compile_inputs(folder, [ListInput(1, "a list", Action.BLOCK, path)])
    found = lists.match(Name.parse(name).text, int(QType[qtype]))
    return "block" if found is not None and found.action is Action.BLOCK else "pass"


def cases_in(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                lines = row.get("lines") or row.get("list_line(s)")
                data = lines.replace("\\n", "\n").encode() if lines else (folder / row["file"]).read_bytes()
                yield data, row["name"], row.get("type") or "A", _SAID.get(row["expected"], row["expected"])


def shared_cases() -> list[Case]:
    data = find_shared_data()
    folder = data.parent / "cases" / "lists" if data else None
    return list(cases_in(folder)) if folder and folder.is_dir() else []


@pytest.mark.parametrize(("data", "name", "qtype", "expected"), list(cases_in(OWN)))
def test_a_name_is_what_the_list_s_author_meant(
    tmp_path: Path, data: bytes, name: str, qtype: str, expected: str
) -> None:
    assert decide(tmp_path, data, name, qtype) == expected


@pytest.mark.large
def test_the_names_of_the_shared_cases_are_what_their_authors_meant(tmp_path: Path) -> None:
    cases = shared_cases()
    if not cases:
        pytest.skip("the shared cases are not beside this checkout")
    wrong = [case for case in cases if decide(tmp_path, *case[:3]) != case[3]]
    assert not wrong
    assert len(cases) > 50


SKIPPED = {"bad-neighbours.txt": 5, "latin1-notes.txt": 1, "notes-after-rules.txt": 1}


def test_notes_and_headers_are_never_counted_as_skipped() -> None:
    skipped = {}
    for path in OWN.iterdir():
        if path.suffix != ".csv":
            parsed = parse_list(path.read_bytes())
            assert list(parsed.entries)
            if parsed.skipped:
                skipped[path.name] = parsed.skipped.total()
    assert skipped == SKIPPED
