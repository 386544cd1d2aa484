"""Both files of a list of owners, kept as the copies of block lists are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.lists.copies import ListCopy
from gateway.lists.known import KNOWN_LISTS
from gateway.lists.owner_copies import OwnerCopies
from gateway.lists.owner_file import OwnerInput
from tests.support.owner_lists import companies, trackers


class Subscribed:
    """A list that lies in a folder of this machine, and what the report says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.published = folder / "lists", folder / "published"
        self.folder.mkdir()
        self.published.mkdir()
        self.entry: dict[str, Any] = {"fetched": None, "error": None}
        self.source = str(self.published / "trackers.json")
        self.publish(trackers({"a.org": "A"}), companies("A"))

    def publish(self, names: str | None, known: str | None) -> None:
        for file, text in (("trackers.json", names), ("companies.json", known)):
            path = self.published / file
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")

    def read(self, title: str = "Mine", fetch: bool = True) -> OwnerInput | None:
        copy = ListCopy(self.folder, 7, self.entry)
        copy.fetch(self.source, allow_private=False)
        copies = OwnerCopies(copy, self.folder, 7, self.source, self.entry)
        return copies.read(title, lambda name: "." not in name, fetch=fetch, allow_private=False)


@pytest.fixture
def mine(tmp_path: Path) -> Subscribed:
    return Subscribed(tmp_path)


def test_both_files_are_copied_and_the_report_says_what_they_have(mine: Subscribed) -> None:
    found = mine.read()
    assert found is not None
    assert (found.title, found.source, found.licence) == ("Mine", mine.source, "")
    assert found.read.names == {"a.org": 0}
    assert sorted(path.name for path in mine.folder.iterdir()) == ["7.companies", "7.txt"]
    assert (mine.entry["title"], mine.entry["entries"], mine.entry["error"]) == ("Mine", 1, None)


def test_without_companies_it_says_nothing_and_says_why(mine: Subscribed) -> None:
    mine.publish(trackers({"a.org": "A"}), None)
    assert mine.read() is None
    assert "companies.json cannot be read" in mine.entry["error"]
    assert mine.read() is None
    assert mine.entry["failures"] == 2, "the box tries again, less and less often"
    mine.publish(trackers({"a.org": "A"}), companies("A"))
    assert mine.read() is not None
    assert (mine.entry["error"], mine.entry["failures"]) == (None, 0)


def test_companies_that_become_bad_leave_the_old_copy_in_force(mine: Subscribed) -> None:
    assert mine.read() is not None
    mine.publish(trackers({"a.org": "A", "b.org": "A"}), "<html>")
    found = mine.read()
    assert found is not None
    assert set(found.read.names) == {"a.org", "b.org"}
    assert "neither a block list nor a list of owners" in mine.entry["error"]


def test_a_damaged_copy_is_fetched_anew(mine: Subscribed) -> None:
    assert mine.read() is not None
    (mine.folder / "7.companies").write_text("{", encoding="utf-8")
    found = mine.read(fetch=False)
    assert found is not None
    assert (mine.folder / "7.companies").read_text() == companies("A")


def test_companies_may_become_few_for_nobody_could_be_asked_about_them(mine: Subscribed) -> None:
    mine.publish(trackers({"a.org": "A"}), companies(*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assert mine.read() is not None
    mine.publish(trackers({"a.org": "A"}), companies("A"))
    found = mine.read()
    assert found is not None
    assert not list(mine.folder.glob("*held*"))


def test_a_title_is_one_short_line(mine: Subscribed) -> None:
    found = mine.read("By\u202e me\n" + "x" * 200)
    assert found is not None
    assert found.title.startswith("By me")
    assert len(found.title) == 60
    assert found.title.isprintable()
    unnamed = mine.read("")
    assert unnamed is not None
    assert unnamed.title
    assert mine.source.endswith(unnamed.title)


def test_the_known_list_of_owners_has_a_licence() -> None:
    owners = [known for known in KNOWN_LISTS if known.suits == "owners"]
    assert owners
    assert all(known.licence and known.source.endswith("trackers.json") for known in owners)
