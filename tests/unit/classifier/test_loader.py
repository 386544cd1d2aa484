from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.classifier.loader import BUILT_IN, load_knowledge
from gateway.classifier.schema import _COMPANY_KEYS, _RULE_KEYS, _SERVICE_KEYS, _SOURCE_KEYS
from gateway.errors import SettingsError
from gateway.model.tag import Category, Evidence, Need

_COMPANIES = """
["Samsung"]
country = "KR"
business = "televisions"
privacy = "https://www.samsung.com/privacy"
line = "Makes televisions."
devices = true
["Samba"]
parent = "Samsung"
country = "US"
business = "content recognition"
line = "Watches screens."
"""
_SOURCES = """
[paper]
title = "A paper"
url = "https://example.org/paper"
date = "2024-05"
"""
_RULE = """
acr.example.com
.samba.example
  company: Samba
  brand: Samba TV
  category: acr
  need: degrades
  symptom: Nothing.
  confidence: 0.9
  cadence: 15 s
  identifies: Samsung
  paper says: Says so.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "companies.toml").write_text(_COMPANIES)
    (tmp_path / "sources.toml").write_text(_SOURCES)
    (tmp_path / "samba.txt").write_text(_RULE)
    return tmp_path


def test_a_rule_says_everything_about_each_of_its_names(folder: Path) -> None:
    knowledge = load_knowledge(folder)
    hit = knowledge.index.find("x.samba.example")
    assert hit is not None
    text, fact = hit
    assert text == ".samba.example"
    assert (fact.company, fact.brand, fact.category) == ("Samba", "Samba TV", Category.ACR)
    assert (fact.need, fact.symptom, fact.confidence, fact.identifies) == (Need.DEGRADES, "Nothing.", 0.9, "Samsung")
    assert fact.cadence == 15
    assert fact.evidence == (Evidence("Says so.", "A paper, https://example.org/paper", "2024-05"),)
    assert knowledge.companies["Samba"].parent == "Samsung"
    assert knowledge.companies["Samsung"].devices


def test_a_rule_may_leave_out_an_owner_that_nobody_knows(folder: Path) -> None:
    (folder / "samba.txt").write_text(_RULE.replace("  company: Samba\n", ""))
    hit = load_knowledge(folder).index.find("acr.example.com")
    assert hit is not None
    assert hit[1].company is None


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("acr.example.com", "*.example.com", "write .example.com."),
        ("acr.example.com", "https://acr.example.com/v1", "write acr.example.com."),
        ("acr.example.com", "Acr.Example.com", "in small letters; write acr.example.com."),
        ("acr.example.com", "0.0.0.0 acr.example.com", "'0.0.0.0' is an address; rules speak of names only"),
        ("acr.example.com", "acr.example.com # ACR", "a comment needs a line of its own"),
        ("acr.example.com", "  acr.example.com", "is indented, but no name stands above it"),
        ("company: Samba", "company: Sambaa", "no entry in companies.toml or a companies-….toml; add one or fix"),
        ("company: Samba", "company: samba", "Perhaps 'Samba' is meant."),
        ("category: acr", "category: watching", "category 'watching' is not one of"),
        ("category: acr", "category: ACR", "Perhaps 'acr' is meant."),
        ("category: acr", "category: acr # the screen", "a comment needs a line of its own"),
        ("  category: acr\n", "", "category is missing; add one of account, acr"),
        ("  category: acr", "category: acr", "must be indented by two spaces, below the name"),
        ("category: acr", "category acr", "a key, a colon, a space, and its text in the same line"),
        ("category: acr", "category:\tacr", "a key, a colon, a space, and its text in the same line"),
        ("category: acr", "category = acr", "a key, a colon, a space, and its text in the same line"),
        ("need: degrades", "need: maybe", "need 'maybe' is not one of"),
        ("  symptom: Nothing.\n", "", "add a symptom: what a person sees when it is blocked"),
        ("  need: degrades\n", "", "a symptom is said, and need is 'unknown'; write need: degrades or required"),
        ("need: degrades", "need: not needed", "a symptom is said, and need is 'not needed'; write need: degrades"),
        ("acr.example.com", "acr.example.com acr.example.com", "acr.example.com stands twice in this line"),
        ("0.9", "90", "confidence '90' must be a number above 0 and up to 1, such as 0.8 for 80 %"),
        ("0.9", "90%", "confidence '90%' must be a number above 0"),
        ("0.9", "1.5", "confidence '1.5' must be a number"),
        ("0.9", "high", "confidence 'high' must be a number"),
        ("  confidence: 0.9\n", "", "confidence is missing; add"),
        ("15 s", "quarterly", "cadence 'quarterly' must look like \"15 s\""),
        ("identifies: Samsung", "identifies: Samba", "sells no devices"),
        ("identifies: Samsung", "identifies: Samba", "add devices = true to its entry, or leave identifies out"),
        ("paper says", "book says", "no entry in sources.toml or a sources-….toml"),
        ("paper says", "papers says", "Perhaps 'paper' is meant."),
        ("paper says", "paper, other says", "Each source has a line of its own."),
        ("paper says", "paper Says", 'write "KEY says: …" with the key of an entry in sources.toml, in small letters'),
        ("paper says", "source", 'write "KEY says: …" with the key of an entry in sources.toml'),
        ("Says so.", "Says\n    so.", "'so.' must look like"),
        ("  paper says: Says so.\n", "", "at least one source must speak for it"),
        ("paper says: Says so.", "paper says:", 'must look like "category: advertising"'),
        ("brand: Samba TV", "brnd: Samba TV", "'brnd' is not known here; use"),
        ("brand: Samba TV", "needed_by: Samba", "Perhaps 'needed by' is meant."),
        ("Samba TV", "x" * 301, "at most 300 characters"),
        ("Samba TV", "a\x1bb", "one line"),
        ("  need: degrades", "  category: acr", "'category' is said twice in one rule; keep one of them, or begin"),
        ("acr.example.com\n.samba.example\n", "", "no name stands above it"),
    ],
)
def test_a_mistake_in_a_rule_is_reported_with_file_place_and_advice(
    folder: Path, old: str, new: str, advice: str
) -> None:
    assert old in _RULE
    (folder / "samba.txt").write_text(_RULE.replace(old, new))
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert str(error.value).startswith("samba.txt")
    assert advice in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ('"KR"', '"Korea"', "two capital letters"),
        (
            '"KR"',
            '"UK"',
            "'UK' is no code of ISO 3166-1, which is two capital letters, such as KR. The United Kingdom is GB.",
        ),
        ('"KR"', '"kr"', "Perhaps 'KR' is meant."),
        ('"https://www.samsung.com/privacy"', '"www.samsung.com"', "https:// address"),
        ("https://www.samsung.com", "http://www.samsung.com", "https:// address; leave it out when it has none"),
        ("devices = true", 'devices = "yes"', "true or false, without quotes"),
        ('parent = "Samsung"', 'parent = "Nobody"', "'Nobody' has no entry"),
        ('parent = "Samsung"', 'parent = "Samsong"', "Perhaps 'Samsung' is meant."),
        ('parent = "Samsung"', 'parent = "Samba"', "run in a circle, by way of 'Samba'"),
        (
            'parent = "Samsung"',
            'platforms = "Samsung"',
            'platforms must be a list of companies, such as ["Roku", "Google"]',
        ),
        ('parent = "Samsung"', "owned_since = 2022-01-01", 'owned_since must be text in quotes, as owned_since = "…"'),
        ('parent = "Samsung"', 'owned_since = "2022"', "belong together"),
        ('parent = "Samsung"', 'parent = "Samsung"\nowned_since = "2022"', "belong together"),
        ('parent = "Samsung"', 'parent = "Samsung"\nowner_source = "https://a.example"', "belong together"),
        (
            'parent = "Samsung"',
            'parent = "Samsung"\nowned_since = "May 2022"\nowner_source = "https://a.example"',
            "must look like 2022, 2022-01",
        ),
        (
            'parent = "Samsung"',
            'parent = "Samsung"\nowned_since = "2022"\nowner_source = "a filing"',
            "must be an https:// address",
        ),
        ('parent = "Samsung"', "staff = 3", "'staff' is not known here"),
        ('parent = "Samsung"', 'privacy_page = "https://a.example"', "Perhaps 'privacy' is meant."),
        ('line = "Watches screens."', "", 'line is missing; add line = "…"'),
        ('["Samba"]', "[Samsung.TV]", "'TV' is a table in a table; a name with a dot needs quotes"),
    ],
)
def test_a_mistake_in_a_company_is_reported_with_its_name(folder: Path, old: str, new: str, advice: str) -> None:
    assert old in _COMPANIES
    (folder / "companies.toml").write_text(_COMPANIES.replace(old, new))
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert 'companies.toml, ["Sam' in str(error.value)
    assert advice in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ('"2024-05"', '"May 2024"', "must look like"),
        ('"https://example.org/paper"', '"http://example.org"', "https:// address"),
        ('"2024-05"', '"2024-13"', "must look like"),
        ('title = "A paper"', "", 'title is missing; add title = "…"'),
        ('date = "2024-05"', 'lived_without = "yes"', "lived_without must be true or false"),
    ],
)
def test_a_mistake_in_a_source_is_reported_with_its_key(folder: Path, old: str, new: str, advice: str) -> None:
    (folder / "sources.toml").write_text(_SOURCES.replace(old, new))
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert 'sources.toml, ["paper"]' in str(error.value)
    assert advice in str(error.value)


@pytest.mark.parametrize("key", ['"A paper"', "Paper", '"a: b"', "x" * 41])
def test_the_key_of_a_source_is_one_word_that_a_rule_can_cite(folder: Path, key: str) -> None:
    (folder / "sources.toml").write_text(_SOURCES.replace("[paper]", f"[{key}]"))
    with pytest.raises(SettingsError, match="one word of small letters, digits and _; choose another"):
        load_knowledge(folder)


def test_the_guide_to_the_knowledge_explains_every_word_that_a_rule_may_use() -> None:
    guide = (BUILT_IN / "README.md").read_text()
    first_cells = [row.split("|")[1] for row in guide.splitlines() if row.startswith("| ")]
    explained = {word.strip() for cell in first_cells for word in cell.split(",")}
    for words in (Category, Need):
        assert {word.value for word in words} <= explained
    assert explained >= _RULE_KEYS
    for keys in (_COMPANY_KEYS, _SERVICE_KEYS):
        assert keys <= set(re.findall(r"^(\w+) = ", guide, re.MULTILINE))
    assert set(re.findall(r"`(\w+)(?: = true)?`", guide.split("## A source")[1])) >= _SOURCE_KEYS


def test_two_files_cannot_speak_of_the_same_pattern(folder: Path) -> None:
    """Both places are named: who adds the second rule has not read the first."""
    (folder / "zamba.txt").write_text("# acr.example.com is here, too.\n" + _RULE)
    both = r"samba\.txt, line 2, and zamba\.txt, line 3: acr\.example\.com stands in two rules; keep one of them"
    with pytest.raises(SettingsError, match=both):
        load_knowledge(folder)


def test_a_missing_file_is_reported_with_its_folder(folder: Path) -> None:
    (folder / "companies.toml").unlink()
    with pytest.raises(SettingsError, match=r"companies\.toml: cannot be read \(No such file"):
        load_knowledge(folder)


def test_a_file_that_is_not_text_is_reported(folder: Path) -> None:
    (folder / "samba.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"samba\.txt, line 1: is not UTF-8 text \(byte 0xff\); save it as UTF-8"):
        load_knowledge(folder)


def test_the_line_of_a_letter_in_another_encoding_is_named(folder: Path) -> None:
    (folder / "samba.txt").write_bytes(_RULE.replace("Nothing.", "Gerät").encode("latin-1"))
    with pytest.raises(SettingsError, match=r"samba\.txt, line 8: is not UTF-8 text \(byte 0xe4\)"):
        load_knowledge(folder)


@pytest.mark.parametrize("name", ["samba.txt", "companies.toml", "sources.toml"])
def test_a_byte_order_mark_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    with pytest.raises(SettingsError, match="begins with a byte order mark; save it as UTF-8 without one"):
        load_knowledge(folder)


@pytest.mark.parametrize("name", ["companies_home.toml", "home.toml", "Companies.toml", "home.TXT"])
def test_a_file_that_nobody_would_read_is_refused(folder: Path, name: str) -> None:
    """Its rules would be a contribution that quietly says nothing."""
    (folder / name).write_text("# nothing\n")
    with pytest.raises(SettingsError, match=f"{re.escape(name)}: a file of this name is never read; call it"):
        load_knowledge(folder)


def test_what_an_editor_leaves_behind_is_let_be(folder: Path) -> None:
    for name in ("samba.txt~", ".samba.txt.swp", "README.md", "companies-home.toml.orig"):
        (folder / name).write_text("not a rule")
    assert len(load_knowledge(folder).index) == 2


def test_companies_that_are_not_toml_are_reported(folder: Path) -> None:
    (folder / "companies.toml").write_text("[[")
    with pytest.raises(SettingsError, match=r"companies\.toml, line 1: '\[\[' is not TOML"):
        load_knowledge(folder)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"televisions"', "televisions", "line 4: 'business = televisions' is not TOML"),
        ('"televisions"', '"televisions', "line 4: 'business = \"televisions' is not TOML"),
        ("business =", "business:", "line 4: 'business: \"televisions\"' is not TOML"),
        ("devices = true", "devices = yes", "line 7: 'devices = yes' is not TOML"),
        ("devices = true", 'line = "Again."', "line 7: 'line = \"Again.\"' is not TOML"),
        ('["Samba"]', '["Samsung"]', "line 8: '[\"Samsung\"]' is not TOML"),
        ('["Samba"]', "[Samba TV]", "line 8: '[Samba TV]' is not TOML"),
        ('"Watches screens."', '["a",', "line 12: 'line = [\"a\",' is not TOML"),
    ],
)
def test_a_line_that_is_not_toml_is_shown_with_how_it_is_written(folder: Path, old: str, new: str, line: str) -> None:
    assert old in _COMPANIES
    (folder / "companies.toml").write_text(_COMPANIES.replace(old, new, 1))
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert f"companies.toml, {line}" in str(error.value)
    assert 'write ["Its name"] in a line of its own, and below it key = "text"' in str(error.value)


def test_toml_that_is_nested_without_end_is_refused(folder: Path) -> None:
    (folder / "companies.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(SettingsError, match="nested too deeply"):
        load_knowledge(folder)


@pytest.mark.parametrize("name", ["x" * 81, "", "\\u001b[2J"])
def test_a_company_s_name_is_one_short_line(folder: Path, name: str) -> None:
    (folder / "companies.toml").write_text(_COMPANIES + f'["{name}"]\ncountry = "KR"\nbusiness = "x"\nline = "x"\n')
    with pytest.raises(SettingsError, match="a name is one line of 1 to 80 characters") as error:
        load_knowledge(folder)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_a_file_of_monstrous_size_is_refused(folder: Path) -> None:
    (folder / "samba.txt").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(SettingsError, match="split it"):
        load_knowledge(folder)


def test_parents_in_a_longer_circle_are_found(folder: Path) -> None:
    circle = _COMPANIES.replace("devices = true", 'devices = true\nparent = "Samba"')
    (folder / "companies.toml").write_text(circle)
    with pytest.raises(SettingsError, match="circle"):
        load_knowledge(folder)


def test_the_knowledge_that_we_ship_is_where_the_package_is() -> None:
    assert (BUILT_IN / "README.md").is_file()
    assert len(load_knowledge().index) >= 1500


SERVICES = '["Samba Play"]\ncompany = "Samba"\nkind = "television"\nstops = "Samba Play does not start."\n'


def test_a_company_can_be_a_platform_of_many_makers(folder: Path) -> None:
    platform = '["Tuya"]\ncountry = "CN"\nbusiness = "a platform"\nline = "Runs plugs."\niot_platform = %s\n'
    (folder / "companies-home.toml").write_text(platform % "true")
    known = load_knowledge(folder).companies
    assert (known["Tuya"].iot_platform, known["Samba"].iot_platform) == (True, False)
    (folder / "companies-home.toml").write_text(platform % "1")
    with pytest.raises(SettingsError, match="iot_platform must be true or false"):
        load_knowledge(folder)


def test_a_name_says_which_service_and_whose_devices_need_it(folder: Path) -> None:
    (folder / "services.toml").write_text(SERVICES)
    (folder / "samba.txt").write_text(
        "acr.example.com\n  company: Samba\n  category: acr\n  need: degrades\n  symptom: Samba Play stops.\n"
        "  needed by: Samba Play; Samba\n  service: Samba Play\n  confidence: 0.7\n  paper says: It stops.\n"
    )
    (folder / "companies.toml").write_text((folder / "companies.toml").read_text() + "devices = true\n")
    knowledge = load_knowledge(folder)
    found = knowledge.index.find("acr.example.com")
    assert found is not None
    assert (found[1].service, found[1].needed_by) == ("Samba Play", ("Samba Play", "Samba"))
    assert knowledge.services["Samba Play"].stops == "Samba Play does not start."


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        ('kind = "television"', 'kind = "telly"', "kind 'telly' is not one of games, music, social, television"),
        ('company = "Samba"', 'company = "Sambo"', "'Sambo' has no entry in companies.toml"),
        ("stops = ", "ends = ", "'ends' is not known here"),
        ("Samba Play", "Samsung", "'Samsung' is a maker of devices"),
    ],
)
def test_a_mistake_in_a_service_is_reported_with_its_name(folder: Path, changed: str, to: str, says: str) -> None:
    (folder / "services.toml").write_text(SERVICES.replace(changed, to))
    with pytest.raises(SettingsError, match=re.escape(says)):
        load_knowledge(folder)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("need: degrades\n  symptom: x\n  needed by: Hulu", "neither a service of services.toml nor a company with"),
        ("need: degrades\n  symptom: x\n  needed by: Samba", "neither a service of services.toml nor a company with"),
        ("need: degrades\n  symptom: x\n  needed by: samsung", "Perhaps 'Samsung' is meant."),
        ("need: degrades\n  symptom: x\n  needed by: Samsung, LG", "part several by a semicolon"),
        ("need: not needed\n  needed by: Samsung", 'Write "need: degrades" and its symptom, or leave needed by out.'),
        ("symptom: x\n  needed by: Samsung", "need must be degrades"),
        ("need: unknown\n  idle: true", 'write "idle: yes", or leave idle out'),
        ("need: unknown\n  service: Hulu", "'Hulu' has no entry in services.toml"),
    ],
)
def test_what_a_rule_says_of_services_must_be_known(folder: Path, said: str, says: str) -> None:
    rule = f"x.example\n  category: acr\n  {said}\n  confidence: 0.7\n  paper says: It stops.\n"
    (folder / "samba.txt").write_text(rule)
    with pytest.raises(SettingsError, match=re.escape(says)):
        load_knowledge(folder)


def test_companies_of_two_files_are_one_table_and_stand_in_one_of_them(folder: Path) -> None:
    (folder / "companies-home.toml").write_text('["Aqara"]\ncountry = "CN"\nbusiness = "hubs"\nline = "Makes hubs."\n')
    assert load_knowledge(folder).companies["Aqara"].country == "CN"
    (folder / "companies-home.toml").write_text(_COMPANIES)
    with pytest.raises(SettingsError, match=r"companies-home\.toml: 'Samba' has an entry in companies\.toml already"):
        load_knowledge(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("companies-home.toml", '["Aqara"]\ncountry = "China"\nbusiness = "hubs"\nline = "Makes hubs."\n'),
        ("sources-home.toml", '["forum"]\ntitle = "A forum"\nurl = "forum.example"\n'),
        ("services-home.toml", '["Play"]\ncompany = "Samba"\nkind = "radio"\nstops = "It stops."\n'),
    ],
)
def test_a_mistake_in_a_second_file_is_looked_for_there(folder: Path, name: str, text: str) -> None:
    (folder / "services.toml").write_text(SERVICES)
    (folder / name).write_text(text)
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert str(error.value).startswith(f"{name}, {text.splitlines()[0]}: ")


def test_carriers_are_read_with_their_sources(folder: Path) -> None:
    (folder / "carriers.toml").write_text('[cdn]\nfrom = ["paper"]\ndomains = ["cdn.example", "net.example"]\n')
    assert load_knowledge(folder).shared == {"cdn.example", "net.example"}
    (folder / "carriers.toml").unlink()
    assert load_knowledge(folder).shared == frozenset()


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('[cdn]\nfrom = ["book"]\ndomains = ["cdn.example"]', "from must name entries of sources"),
        ('[cdn]\nfrom = []\ndomains = ["cdn.example"]', "from must name entries of sources"),
        ('[cdn]\nfrom = ["paper"]\ndomains = "cdn.example"', "domains must be a list of texts"),
        ('[cdn]\nfrom = ["paper"]', "domains must be a list of texts"),
        ('[cdn]\nfrom = ["paper"]\ndomains = []\nnote = "x"', "'note' is not known here"),
        (
            '[cdn]\nfrom = ["paper"]\ndomains = ["a.example"]\n[cloud]\nfrom = ["paper"]\ndomains = ["a.example"]',
            "'a.example' stands in another list already",
        ),
    ],
)
def test_a_mistake_in_the_carriers_is_reported(folder: Path, text: str, advice: str) -> None:
    (folder / "carriers.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_knowledge(folder)
    assert 'carriers.toml, ["c' in str(error.value)
    assert advice in str(error.value)


def test_what_a_source_says_of_several_rules_is_kept_once(folder: Path) -> None:
    (folder / "more.txt").write_text("other.example.com\n  category: acr\n  confidence: 0.9\n  paper says: Says so.\n")
    index = load_knowledge(folder).index
    one, other = index.find("acr.example.com"), index.find("other.example.com")
    assert one is not None
    assert other is not None
    assert one[1].evidence[0] is other[1].evidence[0]
