"""Every code that is raised or reported has its sentence, every sentence is used, and both name the same arguments."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalogue.sentences import OTHER, Notice, say, texts
from gateway.errors import Refused

ROOT = Path(__file__).resolve().parents[2]
# Who takes a code first, or second.
FIRST = {
    "Notice",
    "Refused",
    "SettingsError",
    "ListError",
    "ControlError",
    "Unavailable",
    "NetworkError",
    "JournalError",
    "_well",
    "_wrong",
}
SECOND = {"problem", "Failed"}
SPEAKERS = {"web", "commands", "catalogue"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in [*ROOT.joinpath("gateway").rglob("*.py"), *ROOT.joinpath("web").rglob("*.py")]:
        yield path, ast.parse(path.read_text())


def said() -> Iterator[tuple[str, str, set[str]]]:
    """Where, which code, with which arguments; of calls whose code is written out."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            place = 0 if node.func.id in FIRST else 1 if node.func.id in SECOND else None
            if place is None or len(node.args) <= place or not isinstance(node.args[place], ast.Constant):
                continue
            named = {keyword.arg for keyword in node.keywords if keyword.arg}
            dynamic = any(keyword.arg is None for keyword in node.keywords) or len(node.args) > 3
            yield f"{path.name}:{node.lineno}", str(node.args[place].value), {"*"} if dynamic else named  # type: ignore[attr-defined]


def wanted(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_each_code_has_a_sentence_with_just_these_arguments() -> None:
    known = texts()
    for where, code, given in said():
        assert code in known, f"{where}: {code}"
        assert given == {"*"} or given == wanted(known[code]), f"{where}: {code}"


def test_each_sentence_is_used() -> None:
    everything = "".join(path.read_text() for path, _ in sources())
    assert [code for code in texts() if code != OTHER and f'"{code}"' not in everything] == []


def test_sentences_are_made_where_people_read_them() -> None:
    """And in `errors` and the notices themselves, for our logs."""
    speaking = {
        path.relative_to(ROOT)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "gateway.catalogue.sentences"
        if any(name.name == "say" for name in node.names)
    }
    assert {path for path in speaking if not SPEAKERS & set(path.parts)} == {Path("gateway/errors.py")}


def test_an_error_is_its_code_and_says_its_sentence() -> None:
    error = Refused("message.missing", "action", name="action") if "message.missing" in texts() else Refused(OTHER, "x")
    assert error.notice == Notice(error.code, **error.arguments)
    assert str(error) == say(error.code, error.arguments)


@pytest.mark.parametrize("arguments", [{}, {"nonsense": 1}, {"sentence": "x"}])
def test_no_argument_breaks_a_sentence(arguments: dict[str, object]) -> None:
    for code in (*texts(), "nobody.knows"):
        assert code.partition(".")[0] or say(code, arguments)
        assert say(code, arguments)


def test_who_can_open_no_file_reads_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("gateway.catalogue.sentences.texts", no_file)
    assert say("box.no-device-known", {}) == "box.no-device-known"
