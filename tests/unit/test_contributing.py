"""CONTRIBUTING's worked example is followed word for word; the versions and the pictures are those that are named."""

from __future__ import annotations

import re
import shutil
import struct
import tomllib
import zlib
from datetime import date
from pathlib import Path

import pytest

import gateway
from gateway.classifier.loader import BUILT_IN, load_knowledge
from gateway.classifier.service import Classifier
from gateway.classifier.wording import sentence
from gateway.errors import SettingsError
from gateway.model.tag import Category, Need

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def shown(kind: str) -> str:
    """The one block of this kind, without the indentation of the list that it stands in."""
    blocks = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, kind
    indent, text = blocks[0]
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


@pytest.fixture
def without(tmp_path: Path) -> Path:
    """The knowledge as it was before the example was added."""
    folder = tmp_path / "knowledge"
    shutil.copytree(BUILT_IN, folder)
    maker = folder / "tcl.txt"
    text = maker.read_text()
    assert shown("rule") in text, "the example is a rule that we have"
    maker.write_text(text.replace(shown("rule"), ""))
    return folder


NAME = "ctv-ads.api.leiniao.com"


def test_before_it_is_added_nobody_knows_that_the_name_advertises(without: Path) -> None:
    found = load_knowledge(without).index.find(NAME)
    assert found is None or found[0] != NAME
    assert found is None or found[1].category.value != "advertising"


def test_the_example_is_added_as_it_is_shown_and_says_what_it_says(without: Path) -> None:
    sources = without / "sources.toml"
    assert shown("toml").strip() in sources.read_text()
    with (without / "tcl.txt").open("a") as file:
        file.write("\n" + shown("rule"))
    found = load_knowledge(without).index.find(NAME)
    assert found is not None
    assert found[1].category.value == "advertising"
    classifier = Classifier.load()
    assert sentence(NAME, classifier.tag(NAME, (), "")) == shown("says").strip()


def test_without_its_source_the_example_is_refused_with_its_line(without: Path) -> None:
    sources = without / "sources.toml"
    sources.write_text(sources.read_text().replace(shown("toml").strip(), ""))
    with (without / "tcl.txt").open("a") as file:
        file.write("\n" + shown("rule"))
    with pytest.raises(SettingsError, match=r"tcl\.txt.*hagezi8310"):
        load_knowledge(without)


_FILES = {
    "source": "sources-lumenda.toml",
    "company": "companies-lumenda.toml",
    "service": "services-lumenda.toml",
    "maker": "lumenda.txt",
}


def _with_lumenda(folder: Path, *kinds: str) -> Classifier:
    for kind in kinds:
        assert f"`{_FILES[kind]}`" in CONTRIBUTING
        (folder / _FILES[kind]).write_text(shown(kind))
    return Classifier.load(folder)


def test_the_maker_that_does_not_exist_is_added_by_the_files_that_are_shown(without: Path) -> None:
    classifier = _with_lumenda(without, *_FILES)
    wanted = {
        "api.lumenda.example": (Category.ESSENTIAL, Need.DEGRADES),
        "gw-eu-7.lumenda.example": (Category.ESSENTIAL, Need.DEGRADES),
        "time.lumenda.example": (Category.TIME, Need.REQUIRED),
        "firmware.lumenda.example": (Category.UPDATE, Need.REQUIRED),
        "stats.lumenda.example": (Category.TELEMETRY, Need.UNKNOWN),
        "offers.lumenda.example": (Category.ADVERTISING, Need.UNKNOWN),
        "1.radio.lumenda.example": (Category.CONTENT, Need.DEGRADES),
        "events.radio.lumenda.example": (Category.ANALYTICS, Need.DEGRADES),
    }
    tags = {name: classifier.tag(name, (), "") for name in wanted}
    assert {name: (tag.category, tag.need) for name, tag in tags.items()} == wanted
    assert {tag.company for tag in tags.values()} == {"Lumenda"}
    assert tags["events.radio.lumenda.example"].needed_by == ("Lumenda Radio",)
    assert classifier.tag("www.lumenda.example", (), "").company == "Lumenda"
    name = "gw-eu-7.lumenda.example"
    assert sentence(name, classifier.tag(name, (), "")) == shown("maker-says").strip()


@pytest.mark.parametrize("missing", ["source", "company", "service"])
def test_whatever_file_of_the_maker_is_forgotten_is_asked_for(without: Path, missing: str) -> None:
    asked_for = {
        "source": "'lumendahelp' has no entry in sources",
        "company": "'Lumenda'",
        "service": "'Lumenda Radio'",
    }
    with pytest.raises(SettingsError, match=asked_for[missing]):
        _with_lumenda(without, *(kind for kind in _FILES if kind != missing))


def test_the_five_commands_are_five_and_make_knows_them() -> None:
    section = CONTRIBUTING.split("## The five commands")[1].split("\n## ")[0]
    named = re.findall(r"^make (\w+)", section, re.MULTILINE)
    assert len(named) == 5
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {*named, *re.findall(r"`make (\w+)`", CONTRIBUTING)} <= targets


def test_every_kind_of_test_stands_in_the_table() -> None:
    stated = set(re.findall(r"^\| `tests/(\w+)/`", CONTRIBUTING, re.MULTILINE))
    kinds = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert stated == kinds


def test_the_version_is_the_newest_of_the_changelog() -> None:
    releases = re.findall(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0][0] == gateway.__version__
    days = [date.fromisoformat(day) for _, day in releases]
    assert days == sorted(days, reverse=True)
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]


def test_decisions_are_dated_and_stand_in_their_order() -> None:
    text = (ROOT / "gateway" / "DECISIONS.md").read_text()
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    days = [date.fromisoformat(title.partition(": ")[0]) for title in titles]
    assert days == sorted(days)
    assert len(days) > 10


@pytest.mark.parametrize("which", ["overview.png", "live.png"])
def test_the_pictures_are_of_the_size_that_readme_says(which: str) -> None:
    stated = re.search(rf'\]\(web/static/img/{which} "(\d+) x (\d+)"\)', (ROOT / "README.md").read_text())
    assert stated is not None
    data = (ROOT / "web" / "static" / "img" / which).read_bytes()
    assert len(data) < 200_000
    assert data[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (int(stated[1]), int(stated[2]))
    assert len(pixels(data)) == height * (width + 1), "one byte a pixel, and one a line"


def pixels(data: bytes) -> bytes:
    """What stands in the picture, after each of its checksums was looked at."""
    place, packed = 8, b""
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length)[0] == zlib.crc32(kind + body)
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    return zlib.decompress(packed)
