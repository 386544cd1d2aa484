"""The picture in gateway/ARCHITECTURE.md is the tree, and the tree keeps to its limits."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from tests.netns.escapee import WAYS, Fate

ROOT = Path(__file__).resolve().parents[2]
TOP = {"gateway", "web", "systemd", "tests", "deploy"}
PICTURE = (ROOT / "gateway" / "ARCHITECTURE.md").read_text().split("```")[1]
ROOM = re.compile(r"^( +)(\w+)/ +\S")
MODULE = re.compile(r"^  (\w+) {2,}\S")


def drawn() -> set[str]:
    """Rooms ("policy/parsers/") and modules ("policy/snapshot") that the picture shows."""
    found: set[str] = set()
    path: list[str] = []
    for line in PICTURE.splitlines()[2:]:
        if room := ROOM.match(line):
            path = [*path[: len(room[1]) // 2 - 1], room[2]]
            found.add("/".join(path) + "/")
        elif (module := MODULE.match(line)) and not path:
            found.add(module[1])
        else:
            found |= {"/".join([*path, word]) for word in line.split()}
    return found


def built() -> set[str]:
    base = ROOT / "gateway"
    modules = [path for path in base.rglob("*.py") if path.name != "__init__.py"]
    rooms = {f"{path.parent.relative_to(base)}/" for path in modules if path.parent != base}
    return rooms | {str(path.relative_to(base).with_suffix("")) for path in modules}


def test_the_picture_is_the_tree() -> None:
    assert drawn() == built()


def test_the_top_level_is_the_card_s() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {"build", "dist", "node_modules"} - {f for f in folders if f.endswith(".egg-info")} == TOP


@pytest.mark.parametrize("folder", ["gateway", "web"])
def test_no_module_is_longer_than_400_lines_and_the_median_is_short(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ROOT.joinpath(folder).rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 100


def test_names_explain_themselves() -> None:
    vague = re.compile(r"^(utils?|helpers?|common|misc|managers?)(\.|$)")
    for top in ("gateway", "web", "tests"):
        for path in ROOT.joinpath(top).rglob("*"):
            assert not vague.match(path.name), path


def test_nothing_is_left_for_later() -> None:
    unfinished = re.compile(r"TODO|FIXME|XXX|NotImplementedError|pragma: no cover")
    for top in ("gateway", "web", "deploy", "systemd"):
        for path in ROOT.joinpath(top).rglob("*"):
            if path.suffix in {".py", ".sh", ".js", ".html", ".service", ".socket"}:
                assert not unfinished.search(path.read_text()), path


def test_programs_are_started_by_those_who_compose_and_by_the_privileged_room_only() -> None:
    starts = re.compile(
        r"^\s*(import subprocess|from subprocess)|create_subprocess|os\.system|shell=True", re.MULTILINE
    )
    for path in [*ROOT.joinpath("gateway").rglob("*.py"), *ROOT.joinpath("web").rglob("*.py")]:
        if path.parent.name not in {"application", "commands", "daemons", "network"}:
            assert not starts.search(path.read_text()), path


def test_the_arrows_in_the_picture_are_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [contract for contract in contracts if contract["type"] == "layers"]
    assert len(layers) == 1
    assert layers[0]["exhaustive"]
    text = (ROOT / "gateway" / "ARCHITECTURE.md").read_text().split("## Who may import whom")[1]
    assert text.split("```")[1].split("\n")[1:-1] == layers[0]["layers"]


def test_the_ways_round_us_are_those_that_the_scripted_television_tries() -> None:
    text = (ROOT / "gateway" / "ARCHITECTURE.md").read_text().split("## Ways round us")[1].split("\n## ")[0]
    documented = {
        fate: " ".join(ways.split()).removesuffix(".").split("; ")
        for fate, ways in re.findall(r"^- \*\*(.+?)\*\* \([^)]+\):\s((?:.|\n(?!- |\n))+)", text, re.MULTILINE)
    }
    fates = [fate for fate in Fate if fate not in (Fate.LEDGER, Fate.ESCAPED)]
    assert documented == {fate.value: [way.name for way in WAYS if way.expected is fate] for fate in fates}
    rows = [tuple(row.strip("| ").split(" | ")) for row in text.splitlines() if row.startswith("| ")]
    assert rows[1:] == [(way.name, way.why) for way in WAYS if way.expected is Fate.LEDGER]


def modules() -> list[Path]:
    return [path for top in ("gateway", "web") for path in sorted(ROOT.joinpath(top).rglob("*.py"))]


def test_no_two_classes_share_a_name() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                defined[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def test_an_address_is_an_ip_address_and_defined_once() -> None:
    union = re.compile(r"IPv4Address \| (?:ipaddress\.)?IPv6Address|IPv6Address \| (?:ipaddress\.)?IPv4Address")
    named = re.compile(r"^(?:class )?(?:IP)?Address(?: *[:=(]|$)", re.MULTILINE)
    once = [ROOT / "gateway" / "model" / "address.py"]
    assert [path for path in modules() if union.search(path.read_text())] == once
    assert [path for path in modules() if named.search(path.read_text())] == once


def test_the_form_of_a_hardware_address_stands_once() -> None:
    pattern = re.compile(r"\[0-9a-f[^]]*\]\{2\}.*[:-].*\[0-9a-f[^]]*\]\{2\}", re.IGNORECASE)
    assert [path for path in modules() if pattern.search(path.read_text())] == [ROOT / "gateway" / "model" / "mac.py"]
