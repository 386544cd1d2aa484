"""Lists that people really publish, each in several syntaxes: the same names must come out of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.lists.parsers import Syntax, parse_list
from gateway.lists.parsers.names import CANARIES
from gateway.model.listed import Extent
from tests.support.policy_lists import BLOCK, compile_texts
from tests.support.shared_data import need_shared_data, shared_data

need_shared_data()

pytestmark = pytest.mark.integration

SYNTAXES = {
    "adblock.txt": Syntax.ADBLOCK,
    "dnsmasq.txt": Syntax.DNSMASQ,
    "domains.txt": Syntax.PLAIN,
    "hosts.txt": Syntax.HOSTS,
    "unbound.conf": Syntax.UNBOUND,
    "wildcard.txt": Syntax.WILDCARD,
}


def names_of(path: Path, syntax: Syntax, extent: Extent) -> set[str]:
    parsed = parse_list(path.read_bytes())
    assert parsed.syntax is syntax
    entries = list(parsed.entries)
    assert {entry.extent for entry in entries} == {extent}
    assert not parsed.skipped
    return {entry.name for entry in entries}


def count_outside(names: set[str], zones: set[str]) -> int:
    def is_inside(name: str) -> bool:
        labels = name.split(".")
        return any(".".join(labels[start:]) in zones for start in range(len(labels)))

    return sum(not is_inside(name) for name in names)


@pytest.mark.parametrize(
    ("title", "subtrees", "exact", "outside"),
    [
        ("adaway", 4456, 7648, 0),
        ("adguarddns", 82473, 123962, 53),
        ("someonewhocares", 7937, 12974, 117),
        ("doh-vpn-proxy-bypass", 714, 1205, 0),
    ],
)
def test_one_list_names_the_same_in_every_syntax(title: str, subtrees: int, exact: int, outside: int) -> None:
    folder = shared_data("lists")
    found: dict[str, set[str]] = {}
    for suffix, syntax in SYNTAXES.items():
        path = folder / f"{title}.{suffix}"
        if path.exists():
            extent = Extent.EXACT if syntax in (Syntax.HOSTS, Syntax.PLAIN) else Extent.SUBTREE
            found[suffix] = names_of(path, syntax, extent)
    assert found["adblock.txt"] == found["dnsmasq.txt"] == found["wildcard.txt"]
    assert found.get("unbound.conf", found["adblock.txt"]) == found["adblock.txt"]
    assert found["hosts.txt"] == found["domains.txt"]
    assert (len(found["adblock.txt"]), len(found["hosts.txt"])) == (subtrees, exact)
    assert count_outside(found["hosts.txt"], found["wildcard.txt"]) == outside


def test_the_roku_list_says_the_same_as_rules_and_as_a_zone() -> None:
    rules = parse_list(shared_data("lists", "native.roku.adblock.txt").read_bytes())
    zone = parse_list(shared_data("lists", "native.roku.rpz.txt").read_bytes())
    subtrees = {entry.name for entry in rules.entries}
    records = [(entry.name, entry.extent) for entry in zone.entries]
    assert (rules.syntax, zone.syntax) == (Syntax.ADBLOCK, Syntax.RPZ)
    assert {name for name, extent in records if extent is Extent.EXACT} == subtrees
    assert {name for name, extent in records if extent is Extent.BELOW} == subtrees
    assert (len(subtrees), rules.skipped[CANARIES], zone.skipped[CANARIES]) == (72, 1, 2)


def test_names_that_perflyst_commented_out_are_not_blocked() -> None:
    parsed = parse_list(shared_data("lists", "perflyst-AmazonFireTV.txt").read_bytes())
    names = {entry.name for entry in parsed.entries}
    assert "mads-eu.amazon.com" in names
    assert not names & {"mas-ext.amazon.com", "amazonadsi-a.akamaihd.net", "msh.amazon.co.uk"}


def test_perflysts_expressions_are_all_understood() -> None:
    parsed = parse_list(shared_data("lists", "perflyst-regex.list").read_bytes())
    assert parsed.syntax is Syntax.REGEX
    assert len(list(parsed.entries)) == 14
    assert not parsed.skipped


def test_the_compiled_lists_say_what_the_real_lists_say(tmp_path: Path) -> None:
    rules = shared_data("lists", "native.roku.adblock.txt").read_text(encoding="utf-8")
    zone = shared_data("lists", "native.roku.rpz.txt").read_text(encoding="utf-8")
    by_rules, _ = compile_texts(tmp_path, ("Roku", BLOCK, rules))
    folder = tmp_path / "zone"
    folder.mkdir()
    by_zone, _ = compile_texts(folder, ("Roku", BLOCK, zone))
    listed = [line[2:-1] for line in rules.splitlines() if line.startswith("||")]
    for name in listed:
        for asked in (name, f"deep.below.{name}"):
            expected = not name.startswith("h4g3z1-")
            assert (by_rules.match(asked) is not None) == (by_zone.match(asked) is not None) == expected
    assert by_rules.match("roku.com") is by_zone.match("roku.com") is None
