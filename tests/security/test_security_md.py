"""SECURITY.md names what is tried here, and nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("|")]


def named() -> set[str]:
    return set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))


def test_every_row_says_what_was_tried_what_holds_it_and_where_that_is_seen() -> None:
    header, line, *rows = ROWS
    assert header == ["class of attack", "what holds it", "test"]
    assert set(line) == {"---"}
    assert len(rows) >= 14
    for row in rows:
        assert len(row) == 3, row
        assert all(row), row
        assert re.fullmatch(r"`tests/[\w/]+\.py`(, `tests/[\w/]+\.py`)*", row[2]), row


def test_every_file_that_is_named_is_there_and_tests_something() -> None:
    for name in named():
        assert re.search(r"^def test_", (ROOT / name).read_text(), re.MULTILINE), name


def test_every_attack_that_is_tried_here_is_named() -> None:
    here = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert here - {"tests/security/test_security_md.py"} - named() == set()


def test_the_switches_that_are_named_exist() -> None:
    settings = "".join((ROOT / "gateway" / name).read_text() for name in ("settings.py", "network_settings.py"))
    for switch in re.findall(r"`(\w+) = (?:true|false)`", TEXT):
        assert f'"{switch}"' in settings, switch
