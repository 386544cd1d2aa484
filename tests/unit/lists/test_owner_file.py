from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from gateway.classifier.public_suffix import public_suffix
from gateway.errors import ListError
from gateway.lists.compiled import CompiledLists
from gateway.lists.compiler import compile_lists
from gateway.lists.owner_file import OWNERS, OwnerFile, OwnerInput, write_owners
from gateway.lists.owner_list import OwnerList, read_owner_list
from tests.support.shared_data import shared_data


def owned(title: str, names: dict[str, int], *owners: tuple[str, str]) -> OwnerInput:
    return OwnerInput(title, f"https://{title}.example/trackers.json", "", OwnerList(list(owners), names))


@pytest.fixture
def made(tmp_path: Path) -> OwnerFile:
    first = owned("One", {"watcher.org": 0, "eu.watcher.org": 1}, ("Watch", "https://w.example/"), ("Watch EU", ""))
    second = owned("Two", {"watcher.org": 0, "other.net": 0}, ("Other", ""))
    write_owners([first, second], tmp_path / OWNERS)
    return OwnerFile.open(tmp_path / OWNERS)


def test_the_longest_name_says_whose_it_is(made: OwnerFile) -> None:
    found = made.find("a.b.eu.watcher.org")
    assert found is not None
    assert (found.company, found.listed, found.title) == ("Watch EU", "eu.watcher.org", "One")
    for name in ("watcher.org", "x.watcher.org"):
        found = made.find(name)
        assert found is not None
        assert (found.company, found.site, found.listed) == ("Watch", "https://w.example/", "watcher.org")
    for name in ("notwatcher.org", "org", "watcher.org.evil.net", "x"):
        assert made.find(name) is None


def test_of_two_lists_the_first_counts(made: OwnerFile) -> None:
    assert len(made) == 3
    found = made.find("other.net")
    assert found is not None
    assert (found.company, found.title, found.source) == ("Other", "Two", "https://Two.example/trackers.json")


def test_only_the_very_names_of_a_list_are_named(made: OwnerFile) -> None:
    assert made.names("watcher.org")
    assert made.names("eu.watcher.org")
    assert not made.names("x.watcher.org")
    assert not made.names("org")


def test_a_company_is_found_under_the_title_of_its_list_only(made: OwnerFile) -> None:
    found = made.company("Watch", "One")
    assert found is not None
    assert found.site == "https://w.example/"
    assert made.company("Watch", "Two") is None
    assert made.company("Nobody", "One") is None


def test_no_list_is_no_file_and_a_list_without_names_one_that_says_nothing(tmp_path: Path, made: OwnerFile) -> None:
    write_owners([owned("Empty", {})], tmp_path / OWNERS)
    empty = OwnerFile.open(tmp_path / OWNERS)
    assert len(empty) == 0
    assert empty.find("a.b.org") is None
    assert not empty.names("org")
    for _ in range(2):
        write_owners([], tmp_path / OWNERS)
        assert not (tmp_path / OWNERS).exists()
    assert made.names("watcher.org"), "a file that is gone stays mapped until it is dropped"


def test_a_damaged_file_and_one_of_another_kind_are_refused(tmp_path: Path, made: OwnerFile) -> None:
    whole = (tmp_path / OWNERS).read_bytes()
    for at in range(0, len(whole), 7):
        (tmp_path / "bad").write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(ListError):
            OwnerFile.open(tmp_path / "bad")
    for cut in (0, 1, 50, len(whole) - 1):
        (tmp_path / "bad").write_bytes(whole[:cut])
        with pytest.raises(ListError):
            OwnerFile.open(tmp_path / "bad")
    compile_lists([], tmp_path / "compiled.bin")
    with pytest.raises(ListError):
        OwnerFile.open(tmp_path / "compiled.bin")
    with pytest.raises(ListError):
        CompiledLists.open(tmp_path / OWNERS)
    with pytest.raises(ListError):
        OwnerFile.open(tmp_path / "missing")


@pytest.mark.large
def test_the_real_list_is_small(tmp_path: Path) -> None:
    folder = shared_data("companies")
    read = read_owner_list(
        folder / "trackers.json", folder / "companies.json", lambda name: public_suffix(name) == name
    )
    write_owners([OwnerInput("Real", "https://a.example/", "CC-BY-SA-4.0", read)], tmp_path / OWNERS)
    assert (tmp_path / OWNERS).stat().st_size < 250_000
    found = OwnerFile.open(tmp_path / OWNERS).find("static.criteo.net")
    assert found is not None
    assert (found.company, found.licence) == ("Criteo", "CC-BY-SA-4.0")


def test_the_checksum_is_over_everything(tmp_path: Path, made: OwnerFile) -> None:
    whole = (tmp_path / OWNERS).read_bytes()
    assert zlib.crc32(whole[16:]) == int.from_bytes(whole[12:16], "little")
