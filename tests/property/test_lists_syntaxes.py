"""One rule, written in each of the eight syntaxes, decides alike, whatever its author puts around it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.lists.compiled import CompiledLists
from gateway.lists.compiler import ListInput, compile_lists
from gateway.lists.parsers import Syntax
from gateway.model.name import Name
from gateway.model.verdict import Action

Spelling = Callable[[str], str]

EXACT: dict[Syntax, Spelling] = {
    Syntax.HOSTS: lambda name: f"0.0.0.0 {name}",
    Syntax.PLAIN: lambda name: name,
    Syntax.WILDCARD: lambda name: name,
    Syntax.ADBLOCK: lambda name: f"|{name}^",
    Syntax.DNSMASQ: lambda name: f"host-record={name},0.0.0.0,::",
    Syntax.UNBOUND: lambda name: f'local-data: "{name}. 60 IN A 0.0.0.0"',
    Syntax.RPZ: lambda name: f"{name} 60 IN CNAME .",
    Syntax.REGEX: lambda name: f"^{re.escape(Name.parse(name).text)}$",
}
SUBTREE: dict[Syntax, Spelling] = {
    Syntax.HOSTS: lambda name: f"0.0.0.0 .{name}",
    Syntax.PLAIN: lambda name: f".{name}",
    Syntax.WILDCARD: lambda name: f"*.{name}",
    Syntax.ADBLOCK: lambda name: f"||{name}^",
    Syntax.DNSMASQ: lambda name: f"address=/{name}/#",
    Syntax.UNBOUND: lambda name: f'local-zone: "{name}." always_nxdomain',
    Syntax.RPZ: lambda name: f"{name} CNAME .\n*.{name} CNAME .",
    Syntax.REGEX: lambda name: rf"(^|\.){re.escape(Name.parse(name).text)}$",
}
BELOW: dict[Syntax, Spelling] = {
    Syntax.ADBLOCK: lambda name: f"||*.{name}^",
    Syntax.RPZ: lambda name: f"*.{name} CNAME .",
    Syntax.REGEX: lambda name: rf"\.{re.escape(Name.parse(name).text)}$",
}
# Enough lines for the list to be what it is, whatever the rule looks like.
COMPANY = {
    Syntax.HOSTS: "0.0.0.0 filler-{}.test",
    Syntax.PLAIN: "filler-{}.test",
    Syntax.WILDCARD: "*.filler-{}.test",
    Syntax.ADBLOCK: "||filler-{}.test^",
    Syntax.DNSMASQ: "address=/filler-{}.test/#",
    Syntax.UNBOUND: 'local-zone: "filler-{}.test" static',
    Syntax.RPZ: "filler-{}.test CNAME .",
    Syntax.REGEX: r"^filler-{}\.test$",
}
NOTE = dict.fromkeys(Syntax, "#") | {Syntax.RPZ: ";"}

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["ad", "www", "büro", "faß", "_tcp"]
)
names = st.tuples(st.lists(labels, min_size=1, max_size=3), st.sampled_from(["test", "example", "co.test"])).map(
    lambda parts: ".".join([*parts[0], parts[1]])
)


def blocked(text: str, asked: list[str]) -> list[bool]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.txt")
        path.write_text(text, encoding="utf-8")
        compile_lists([ListInput(1, "a list", Action.BLOCK, path)], Path(folder, "compiled.bin"))
        lists = CompiledLists.open(Path(folder, "compiled.bin"))
        found = [lists.match(each) for each in asked]
        return [each is not None and each.action is Action.BLOCK for each in found]


def around(name: str) -> list[str]:
    """Names on both sides of every border that a rule on `name` can draw."""
    name = Name.parse(name).text
    parent = name.partition(".")[2]
    return [
        name,
        f"a.{name}",
        f"b.a.{name}",
        parent,
        f"x{name}",
        f"a.x{name}",
        f"{name}.test",
        f"{name}x",
        f"x.{parent}",
        name.replace(".", "-", 1),
    ]


@settings(max_examples=30, deadline=None)
@given(names, st.data())
def test_a_rule_decides_alike_in_every_syntax(name: str, data: st.DataObject) -> None:
    asked = around(name)
    upper, note, mark, ends, indented = (data.draw(st.booleans()) for _ in range(5))
    for spellings in (EXACT, SUBTREE, BELOW):
        found: dict[Syntax, list[bool]] = {}
        for syntax, spell in spellings.items():
            rule = spell(name.upper() if upper and name.isascii() and syntax is not Syntax.REGEX else name)
            if note:
                rule = "\n".join(f"{line} {NOTE[syntax]} CNAME of caf\ufffd" for line in rule.split("\n"))
            company = "\n".join(COMPANY[syntax].format(n) for n in range(3))
            lines = f"# a header\n{company}\n{'  ' if indented else ''}{rule}\n"
            lines = lines.replace("\n", "\r\n") if ends else lines
            found[syntax] = blocked(("\ufeff" if mark else "") + lines, asked)
        expected = found[Syntax.ADBLOCK]
        assert any(expected)
        assert not all(expected)
        assert found == dict.fromkeys(found, expected)


@settings(max_examples=30, deadline=None)
@given(names)
def test_an_exception_in_a_zone_holds_alike_in_every_syntax_that_has_one(name: str) -> None:
    zone, asked = f"zone.{name}", around(f"ok.zone.{name}")
    texts = {
        Syntax.ADBLOCK: f"||{zone}^\n@@||ok.{zone}^",
        Syntax.DNSMASQ: f"address=/{zone}/#\nserver=/ok.{zone}/#",
        Syntax.UNBOUND: f'local-zone: "{zone}" static\nlocal-zone: "ok.{zone}" transparent',
        Syntax.RPZ: f"{zone} CNAME .\n*.{zone} CNAME .\nok.{zone} CNAME rpz-passthru.\n*.ok.{zone} CNAME rpz-passthru.",
    }

    found = {syntax: blocked(text, asked) for syntax, text in texts.items()}
    assert any(found[Syntax.ADBLOCK])
    assert not all(found[Syntax.ADBLOCK])
    assert found == dict.fromkeys(found, found[Syntax.ADBLOCK])
