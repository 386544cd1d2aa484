"""What version 0.1.0 stored opens unchanged: tests/data/earlier holds a backup that it wrote, made up for this."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gateway.commands.archive import restore_backup
from gateway.journal.copying import copy_journal
from gateway.journal.reader import LookupFilter, Reader
from gateway.journal.stores import load_devices
from gateway.lists.compiled import CompiledLists
from gateway.model.book import Book
from gateway.model.rule import Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.book_file import load_book
from gateway.settings import Settings
from web.auth import AuthStore

BACKUP = Path(__file__).resolve().parents[1] / "data" / "earlier" / "box-0.1.0.zip"
RULES = [
    (Action.BLOCK, Scope(ScopeKind.NAME, "ads.example"), False),
    (Action.BLOCK, Scope(ScopeKind.SUBTREE, "tracker.example"), True),
    (Action.ALLOW, Scope(ScopeKind.NAME, "film.example"), False),
    (Action.BLOCK, Scope(ScopeKind.PRESET, "calm"), False),
]


def rules_of(book: Book | None) -> list[tuple[Action, Scope, bool]]:
    assert book is not None
    return [(rule.action, rule.scope, rule.ends is not None) for rule in book.rules]


def looked_up(journal: Path) -> set[str]:
    return {each.name for each in Reader(journal).lookups(LookupFilter(), limit=50).lookups}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of that box, as it lay there."""
    with zipfile.ZipFile(BACKUP) as archive:
        archive.extractall(tmp_path / "data")
    return tmp_path / "data"


def test_its_data_folder_opens(folder: Path) -> None:
    settings = Settings(data=folder)
    book = load_book(settings.policy)
    assert rules_of(book) == RULES
    assert book is not None
    assert [each.id for each in book.lists] == [5]
    assert looked_up(settings.journal) == {"ads.example", "film.example", "www.netflix.com"}
    assert [device.id for device in load_devices(settings.journal)] == ["ip:127.0.0.1"]
    assert AuthStore(settings.auth).has_password


def test_its_compiled_lists_open(folder: Path) -> None:
    compiled = folder / "lists" / "compiled.bin"
    assert CompiledLists.open(compiled).match("listed.example") is not None


def test_its_backup_is_restored(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "box")
    settings.data.mkdir()
    restore_backup(settings, str(BACKUP))
    assert rules_of(load_book(settings.policy)) == RULES
    assert looked_up(settings.journal) == {"ads.example", "film.example", "www.netflix.com"}


def test_its_history_can_be_copied_as_a_backup_does(folder: Path, tmp_path: Path) -> None:
    copy_journal(folder / "journal.sqlite", tmp_path / "copy.sqlite")
    assert looked_up(tmp_path / "copy.sqlite") == looked_up(folder / "journal.sqlite")
