"""A list's copy heals, and a list that falls to a fraction of itself waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ListError
from gateway.lists.copies import FEW_ENTRIES, CopyRecord, ListCopy
from gateway.lists.held import copy_path, held_path, take_held

MANY = "".join(f"n{n}.example\n" for n in range(200))


class Kept:
    """One list that comes from a file, and what the report has of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lists"
        self.folder.mkdir()
        self.source = folder / "source.txt"
        self.entry: dict[str, Any] = {}
        self.path = copy_path(self.folder, 7)

    def publish(self, text: str) -> None:
        self.source.write_text(text, encoding="utf-8")

    def copy(self) -> ListCopy:
        """As the next run finds it."""
        return ListCopy(self.folder, 7, self.entry)

    def fetch(self) -> ListCopy:
        copy = self.copy()
        copy.fetch(str(self.source), allow_private=False)
        return copy


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path)
    found.publish(MANY)
    return found


def test_a_copy_is_fetched_once_and_known_by_its_length_and_checksum(kept: Kept) -> None:
    assert not kept.copy().is_whole
    assert kept.fetch().is_whole
    record = CopyRecord.read(kept.entry["copy"])
    assert record is not None
    assert (record.size, record.entries) == (len(MANY), 200)
    before = kept.path.stat().st_mtime_ns
    assert kept.fetch().is_whole
    assert kept.path.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["cut", "zeros", "one bit", "gone", "empty"])
def test_a_damaged_copy_is_seen_and_fetched_whole_although_nothing_changed(kept: Kept, damage: str) -> None:
    kept.fetch()
    data = kept.path.read_bytes()
    if damage == "gone":
        kept.path.unlink()
    else:
        cases = {"cut": data[:1000], "zeros": b"\0" * len(data), "empty": b""}
        kept.path.write_bytes(cases.get(damage, bytes([data[0] ^ 1]) + data[1:]))
    copy = kept.copy()
    assert not copy.is_whole
    assert copy.is_damaged == (damage != "gone")
    assert kept.fetch().is_whole
    assert kept.path.read_bytes() == data


def test_a_damaged_copy_stays_damaged_until_it_can_be_fetched(kept: Kept) -> None:
    kept.fetch()
    kept.path.write_bytes(b"x")
    kept.source.unlink()
    copy = kept.copy()
    with pytest.raises(ListError):
        copy.fetch(str(kept.source), allow_private=False)
    assert copy.is_damaged
    assert kept.copy().is_damaged


def test_a_copy_from_before_there_were_records_is_taken_as_it_is(kept: Kept) -> None:
    kept.path.write_text(MANY, encoding="utf-8")
    assert kept.copy().is_whole
    assert kept.entry["copy"]["entries"] == 200
    assert kept.entry["copy"]["etag"] == ""


def test_a_list_that_falls_to_a_fraction_waits_and_the_old_copy_stays(kept: Kept) -> None:
    kept.fetch()
    kept.publish("one.example\n")
    assert kept.fetch().is_whole
    assert kept.path.read_text() == MANY
    assert kept.entry["held"]["entries"] == 1
    assert kept.entry["copy"]["entries"] == 200
    assert kept.fetch().is_whole
    assert kept.entry["held"]["entries"] == 1


def test_a_list_that_waits_is_taken_by_renaming_it_and_the_next_run_sees_that(kept: Kept) -> None:
    kept.fetch()
    kept.publish("one.example\n")
    kept.fetch()
    assert take_held(kept.folder, 7)
    assert not take_held(kept.folder, 7)
    copy = kept.copy()
    assert copy.is_whole
    assert (kept.entry["copy"]["entries"], kept.entry["held"]) == (1, None)
    assert kept.path.read_text() == "one.example\n"


def test_a_list_that_comes_back_is_asked_about_no_more(kept: Kept) -> None:
    kept.fetch()
    kept.publish("one.example\n")
    kept.fetch()
    kept.publish(MANY + "more.example\n")
    kept.fetch()
    assert kept.entry["held"] is None
    assert kept.entry["copy"]["entries"] == 201
    assert not held_path(kept.folder, 7).exists()


@pytest.mark.parametrize(("before", "after", "waits"), [(200, 99, True), (200, 101, False), (FEW_ENTRIES, 1, False)])
def test_only_less_than_half_of_a_list_that_was_long_waits(kept: Kept, before: int, after: int, waits: bool) -> None:
    kept.publish("".join(f"n{n}.example\n" for n in range(before)))
    kept.fetch()
    kept.publish("".join(f"n{n}.example\n" for n in range(after)))
    kept.fetch()
    assert (kept.entry["held"] is not None) == waits


@pytest.mark.parametrize("value", [None, [], {}, {"size": "x"}, {"size": 1, "checksum": "a"}, 7, "text"])
def test_a_record_that_somebody_damaged_is_none(value: object) -> None:
    assert CopyRecord.read(value) is None
