"""Whatever strangers write into a list of owners: it is bounded, and what is nonsense is left out and counted."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from gateway.classifier.public_suffix import public_suffix
from gateway.errors import ListError
from gateway.lists import owner_list
from gateway.lists.owner_list import (
    MAX_BYTES,
    OwnerList,
    companies_beside,
    count_companies,
    count_owned,
    is_owner_list,
    read_owner_list,
)
from gateway.lists.sources import count_entries
from tests.support.owner_lists import companies, trackers
from tests.support.shared_data import shared_data


def is_suffix(name: str) -> bool:
    return public_suffix(name) == name


def read(folder: Path, names: str, known: str) -> OwnerList:
    for name, text in (("trackers.json", names), ("companies.json", known)):
        (folder / name).write_text(text, encoding="utf-8")
    return read_owner_list(folder / "trackers.json", folder / "companies.json", is_suffix)


def test_each_name_has_its_owner(tmp_path: Path) -> None:
    names = {"criteo.com": "Criteo", "Criteo.NET": "Criteo", "adtima.vn": "Adtima"}
    found = read(tmp_path, trackers(names), companies("Criteo", "Adtima"))
    owners = {name: found.owners[number] for name, number in found.names.items()}
    assert owners["criteo.com"] == owners["criteo.net"] == ("Criteo", "https://criteo.example/")
    assert owners["adtima.vn"][0] == "Adtima"
    assert not found.skipped


def test_what_nobody_can_own_is_left_out_and_counted(tmp_path: Path) -> None:
    names = dict.fromkeys(("com", "co.uk", "not a.name", "x" * 300 + ".org", "..", "single", "x" * 2_000 + ".org"), "A")
    names["a.org"] = "Unknown"
    found = read(tmp_path, trackers({**names, "fine.org": "A"}), companies("A"))
    assert found.names == {"fine.org": 0}
    assert sum(found.skipped.values()) == len(names)
    assert found.skipped["Everybody can register below it, so nobody owns it."] == 1, "single labels are no names of it"


def test_text_of_strangers_becomes_one_short_printable_line(tmp_path: Path) -> None:
    hostile = "Net\u202eflix\n<script>\x00" + "x" * 500
    book = json.loads(companies("A"))
    book["companies"]["A"] = {"name": hostile, "websiteUrl": ["no", "text"]}
    [(company, site)] = read(tmp_path, trackers({"a.org": "A"}), json.dumps(book)).owners
    assert company.startswith("Net flix <script>")
    assert company.isprintable()
    assert len(company) <= 80
    assert site == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "7", "{}", '{"trackers": [], "trackerDomains": {}}', "[" * 100_000, '{"a":' * 100_000,
        '{"trackerDomains": {"a.org": "A"}}', '{"trackers": {"A": 1}, "trackerDomains": 5}', "\ufeff{",
        '{"trackers": {"A": ',
    ],
)  # fmt: skip
def test_what_is_no_list_of_owners_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    good_names, good_companies = trackers({"a.org": "A"}), companies("A")
    for names, known in ((text, good_companies), (good_names, text)):
        with pytest.raises(ListError, match="neither a block list nor a list of owners"):
            read(tmp_path, names, known)


@pytest.mark.parametrize(
    "wrong", [None, 7, "A", [], {"companyId": {}}, {"companyId": ["A"]}, {"companyId": "__proto__"}]
)
def test_a_tracker_of_any_shape_owns_nothing(tmp_path: Path, wrong: Any) -> None:
    book = json.loads(trackers({"a.org": "A", "b.org": "B"}))
    book["trackers"]["A"] = wrong
    assert list(read(tmp_path, json.dumps(book), companies("A", "B")).names) == ["b.org"]


def test_a_file_over_the_bound_is_not_even_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda *_: pytest.fail("it was parsed"))
    (tmp_path / "big").write_bytes(b"{" + b" " * MAX_BYTES)
    with pytest.raises(ListError, match="4 MiB"):
        count_owned(tmp_path / "big")


def test_the_most_expensive_file_within_the_bound_fits_beside_what_compiling_takes(tmp_path: Path) -> None:
    entries = ",".join(f'"{number:x}":{{}}' for number in range(MAX_BYTES // 12))
    path = tmp_path / "dear"
    path.write_text(f'{{"companies":{{{entries}}}}}')
    assert path.stat().st_size <= MAX_BYTES
    tracemalloc.start()
    try:
        count_companies(path)
        assert tracemalloc.get_traced_memory()[1] < 110 << 20
    finally:
        tracemalloc.stop()


def test_no_list_has_more_names_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_list, "MAX_NAMES", 10)
    found = read(tmp_path, trackers({f"n{number}.org": "A" for number in range(25)}), companies("A"))
    assert len(found.names) == 10
    assert sum(found.skipped.values()) == 15


def test_it_differs_from_a_block_list_by_its_first_byte(tmp_path: Path) -> None:
    for text, owned in ((" \n{}", True), ("\ufeff{", True), ("||ads.example^", False), ("", False), ("# {", False)):
        (tmp_path / "list").write_text(text, encoding="utf-8")
        assert is_owner_list(tmp_path / "list") is owned
    (tmp_path / "list").write_text(trackers({"a.org": "A", "b.org": "A"}))
    assert count_entries(tmp_path / "list") == 2


def test_the_companies_lie_beside_the_names() -> None:
    assert companies_beside("https://a.example/x/trackers.json") == "https://a.example/x/companies.json"
    assert companies_beside("https://a.example/x/trackers.json?v=2/3") == "https://a.example/x/companies.json?v=2/3"
    assert companies_beside("/home/me/trackers.json") == "/home/me/companies.json"


@pytest.mark.large
def test_the_real_list_is_read_in_full() -> None:
    folder = shared_data("companies")
    found = read_owner_list(folder / "trackers.json", folder / "companies.json", is_suffix)
    assert len(found.names) + sum(found.skipped.values()) == count_owned(folder / "trackers.json") == 5125
    assert len(found.names) > 4_500
    assert found.owners[found.names["criteo.com"]][0] == "Criteo"
