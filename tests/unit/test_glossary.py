"""Every package is described in words of the glossary, of RFC 9499 and of plain English; the old ones are gone."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "gateway" / "GLOSSARY.md").read_text()
PLAIN = Path(__file__).with_name("plain_words.txt")
ENTRY = re.compile(r"^- \*\*([^*]+)\*\*: (.+)$")
SPELLED = re.compile(r"`[^`]*`|[\w./-]+\.(?:md|toml|yaml)\b|\bRFC [0-9]+|/[0-9.]+")
PACKAGES = [path for top in ("gateway", "web") for path in sorted(ROOT.joinpath(top).rglob("__init__.py"))]

# RFC 9499, by section: names; response codes; transactions; records; servers and clients; zones; registration; DNSSEC.
RFC_9499 = """
domain name label host top-level subdomain alias canonical
nodata referral negative response code
query question answer section message transport recursion iterative recursive
record rrset owner ttl class edns opt
resolver stub server client authoritative primary secondary forwarder upstream cache caching view anycast
zone child parent origin apex cut delegation glue bailiwick root wildcard
registry registrar registrant suffix
dnssec signed validation trust anchor
"""

# Words of which each had another meaning here than in the field, and those that stood for too many things.
OLD = (
    "crew", "parcel", "parcels", "sheaf", "sheaves", "gatekeeper", "warden", "habit", "habits", "express", "chronicle",
    "demand", "demands", "told", "standing", "stake", "stakes", "turn", "turns", "house", "houses",
)  # fmt: skip
# Histories, other people's texts and data: what televisions ask for is called what it is called.
NOT_OURS = re.compile(
    r"CHANGELOG\.md|LICENSE|gateway/DECISIONS\.md|.*\.lock|gateway/classifier/knowledge/(.*\.txt|companies\.toml)"
    r"|gateway/classifier/learned/.*\.(bin|npz|gz)|tests/data/.*|tests/golden/.*|tests/unit/test_glossary\.py"
)
# Still to be renamed: this may only become shorter.
EXEMPT: tuple[str, ...] = ()


def old_words() -> re.Pattern[str]:
    """As a whole word, as a part of snake_case in any case, and as a part of camelCase and CamelCase."""
    any_case = "|".join(OLD)
    capital = "|".join(word.title() for word in OLD)
    return re.compile(
        rf"(?<![A-Za-z])(?i:{any_case})(?![A-Za-z])"
        rf"|(?<![A-Za-z])(?:{any_case}|{capital})(?=[A-Z])"
        rf"|(?<=[a-z0-9])(?:{capital})(?![a-z])"
    )


def singular(word: str) -> set[str]:
    """What the word may be a form of, by its endings alone."""
    word = word.removesuffix("'s").removesuffix("'")
    forms = {word, word.removesuffix("s"), word.removesuffix("es")}
    return forms | {word[:-3] + "y"} if word.endswith("ies") else forms


def words_of(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Za-z][A-Za-z0-9]*(?:'s?)?", SPELLED.sub(" ", text))]


def entries() -> dict[str, str]:
    return {found[1]: found[2] for line in GLOSSARY.splitlines() if (found := ENTRY.match(line))}


def known() -> set[str]:
    found = {*RFC_9499.split(), *PLAIN.read_text().split()}
    for term in entries():
        found.update(words_of(term))
    return found


def unknown(text: str) -> list[str]:
    words = known()
    return [word for word in words_of(text) if not singular(word) & words]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_a_package_is_described_in_words_that_are_known(package: Path) -> None:
    description = ast.get_docstring(ast.parse(package.read_text()))
    assert description, "a package says what it is"
    assert unknown(description) == []


@pytest.mark.parametrize(
    "sentence", ["Frobnicates the lookups.", "One sprocket a device.", "The widget that they know"]
)
def test_a_word_of_nobody_is_found(sentence: str) -> None:
    assert len(unknown(sentence)) == 1


def test_each_word_stands_once_in_one_line_in_order() -> None:
    for section in GLOSSARY.split("\n## ")[1:]:
        lines = section.splitlines()[2:]
        terms = [ENTRY.match(line) for line in lines if line]
        assert all(terms), "each line is a word and what it means"
        names = [found[1].lower() for found in terms if found]
        assert names == sorted(names)
        assert all(len(line) <= 120 for line in lines)
    listed = [word for term in entries() for word in term.split(", ")]
    assert len(listed) == len(set(listed))


def test_ours_are_few_and_each_is_used() -> None:
    ours = [found[1] for line in GLOSSARY.split("\n## ")[1].splitlines() if (found := ENTRY.match(line))]
    assert len(ours) <= 60
    code = "\n".join(
        path.read_text() for top in ("gateway", "web") for path in ROOT.joinpath(top).rglob("*.py")
    ).lower()
    for term in ours:
        for word in term.split(", "):
            assert re.search(rf"(?<![a-z]){word}s?(?![a-z])", code), word


def test_plain_words_are_in_order_and_few() -> None:
    words = PLAIN.read_text().split()
    assert words == sorted(set(words))
    assert len(words) <= 250, "a word that needs explaining belongs into the glossary"
    assert not set(words) & {word for term in entries() for word in words_of(term)}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout: nothing says which files are ours")
    names = [name for name in listed.stdout.split("\0") if name and not NOT_OURS.fullmatch(name)]
    return [name for name in names if not name.startswith(EXEMPT) and (ROOT / name).is_file()]


def test_the_old_words_are_gone() -> None:
    pattern, found = old_words(), []
    for name in tracked():
        if pattern.search(name):
            found.append(name)
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode().splitlines(), 1):
            if word := pattern.search(line):
                found.append(f"{name}:{number}: {word[0]}")
    assert found == []


def test_what_is_exempt_is_there_and_needs_it() -> None:
    pattern = old_words()
    for start in EXEMPT:
        texts = [path.read_text() for path in [ROOT / start, *(ROOT / start).rglob("*")] if path.is_file()]
        assert any(pattern.search(text) for text in texts), f"{start} is clean: take it off the list"


@pytest.mark.parametrize(
    "text",
    [OLD[0], OLD[-2].upper(), f"_{OLD[13]}", f"is_{OLD[13]}_of", f"{OLD[13].title()}Names", f"the{OLD[-2].title()}",
     f"{OLD[13]}Names", f"{OLD[-2]}-rule", f"{OLD[-2]}2"],
)  # fmt: skip
def test_an_old_word_is_found_in_every_dress(text: str) -> None:
    assert old_words().search(text)


@pytest.mark.parametrize(
    "text", ["return", "household", "warehouse", "expression", "outstanding", "habitat", "Returns"]
)
def test_other_words_that_hold_one_are_left_alone(text: str) -> None:
    assert not old_words().search(text)
