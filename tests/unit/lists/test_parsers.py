"""What each line of each syntax says, and what we tell the person about the lines we cannot use."""

from __future__ import annotations

import pytest

from gateway.errors import ListError
from gateway.lists.parsers import Entry, ParsedList, Syntax, parse_list
from gateway.lists.parsers import text as list_text
from gateway.lists.parsers.names import CANARIES, NO_TEXT
from gateway.model.listed import Extent
from gateway.model.verdict import Action

BELOW, EXACT, SUBTREE = Extent.BELOW, Extent.EXACT, Extent.SUBTREE


def read(text: str | bytes, syntax: Syntax | None = None) -> tuple[ParsedList, list[Entry]]:
    parsed = parse_list(text.encode() if isinstance(text, str) else text, syntax=syntax)
    return parsed, list(parsed.entries)


def entries_of(text: str, syntax: Syntax | None = None) -> list[Entry]:
    return read(text, syntax)[1]


def reason_for(line: str, syntax: Syntax) -> str:
    """The one sentence that explains why this line was skipped."""
    parsed, entries = read(f"{line}\n{FILLER[syntax]}", syntax)
    assert len(entries) == 1
    [(reason, count)] = parsed.skipped.items()
    assert count == 1
    return reason


FILLER = {
    Syntax.ADBLOCK: "||filler.example^",
    Syntax.PLAIN: "filler.example",
    Syntax.HOSTS: "0.0.0.0 filler.example",
    Syntax.WILDCARD: "*.filler.example",
    Syntax.DNSMASQ: "address=/filler.example/#",
    Syntax.UNBOUND: 'local-zone: "filler.example" always_null',
    Syntax.RPZ: "filler.example CNAME .",
    Syntax.REGEX: r"^filler\.example$",
}


@pytest.mark.parametrize(
    ("line", "name", "extent"),
    [
        ("||ads.roku.com^", "ads.roku.com", SUBTREE),
        ("||Ads.Roku.com^", "ads.roku.com", SUBTREE),
        ("||ads.roku.com", "ads.roku.com", SUBTREE),
        ("||ads.roku.com^|", "ads.roku.com", SUBTREE),
        ("|ads.roku.com^", "ads.roku.com", EXACT),
        ("|ads.roku.com|", "ads.roku.com", EXACT),
        ("||*.roku.com^", "roku.com", BELOW),
        ("*.roku.com^", "roku.com", BELOW),
        ("ads.roku.com", "ads.roku.com", EXACT),
        ("0.0.0.0 ads.roku.com", "ads.roku.com", EXACT),
        ("||bücher.example^", "xn--bcher-kva.example", SUBTREE),
        ("||zip^", "zip", SUBTREE),
        ("||_dmarc.tracker.example^", "_dmarc.tracker.example", SUBTREE),
    ],
)
def test_an_adblock_rule_names_a_name_and_how_far_it_reaches(line: str, name: str, extent: Extent) -> None:
    assert entries_of(line, Syntax.ADBLOCK) == [Entry(name, extent)]


def test_an_adblock_exception_allows() -> None:
    assert entries_of("@@||roku.com^", Syntax.ADBLOCK) == [Entry("roku.com", SUBTREE, Action.ALLOW)]


def test_the_modifiers_of_dns_rules_are_understood() -> None:
    [entry] = entries_of("||x.org^$important,dnstype=A|aaaa,denyallow=ok.x.org|fine.x.org", Syntax.ADBLOCK)
    assert entry == Entry("x.org", SUBTREE, important=True, dnstypes=(1, 28), denyallow=("fine.x.org", "ok.x.org"))
    assert entries_of("||x.org^$dnstype=~HTTPS", Syntax.ADBLOCK)[0].dnstypes == (-65,)
    assert entries_of("||x.org^$dnstype=TYPE99", Syntax.ADBLOCK)[0].dnstypes == (99,)
    assert entries_of("||x.org^$badfilter", Syntax.ADBLOCK)[0].badfilter


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("||x.org^$client=10.0.0.1", "$client"),
        ("||x.org^$dnsrewrite=1.2.3.4", "$dnsrewrite"),
        ("||x.org^$third-party", "$third-party"),
        ("||x.org^$important,frobnicate", "a modifier that we do not know"),
        ("||x.org^$dnstype=BOGUS", "record type"),
        ("||x.org^$dnstype=A|~A", "written wrongly"),
        ("||x.org^$", "written wrongly"),
        ("||x.org/path^", "path"),
        ("|https://x.org^", "path"),
        ("x.org##.advert", "web pages"),
        ("||1.2.3.4^", "address"),
        ("||^", "not a domain name"),
        ("||*^", "every name"),
        ("/.*/", "every name"),
        ("/^.+$/", "every name"),
        ("/[a-z0-9.-]/", "every name"),
        ("/(a)\\1/", "back reference"),
        ("/(?=ads)/", "looks around"),
        ("/ads{2000}/", "repeats too often"),
        ("/" + "a" * 600 + "/", "longer than"),
        ("/((((a{99}){99}){99}){99})/", "too large"),
        ("/(((((){255}){255}){255}){255})/", "too large"),
        ("/" + "(" * 40 + "a" + ")" * 40 + "/", "nests too deeply"),
        ("/[a/", "ends too early"),
        ("||h4g3z1-native-roku.web.app^", "canary"),
        ("||" + "a" * 64 + ".org^", "not a domain name"),
        ("||" + "a." * 130 + "org^", "not a domain name"),
    ],
)
def test_an_adblock_rule_that_we_cannot_keep_to_is_ignored_and_explained(line: str, says: str) -> None:
    assert says in reason_for(line, Syntax.ADBLOCK)


@pytest.mark.parametrize(
    ("line", "regex"),
    [
        (r"/^ad[0-9]+\./", r"^ad[0-9]+\."),
        ("||ads*.roku.com^", r"(^|\.)ads.*\.roku\.com$"),
        ("|ads.*", r"^ads\."),
        ("roku.com^", r"roku\.com$"),
        ("|ads.roku", r"^ads\.roku"),
        ("*telemetry*", "telemetry"),
    ],
)
def test_an_adblock_pattern_becomes_an_expression(line: str, regex: str) -> None:
    assert [entry.regex for entry in entries_of(line, Syntax.ADBLOCK)] == [regex]


def test_hosts_lines_speak_of_exactly_their_names() -> None:
    text = "127.0.0.1 localhost\n0.0.0.0\tads.example metrics.example # two\n:: six.example\n192.168.1.2 nas.lan\n"
    parsed, entries = read(text)
    assert parsed.syntax is Syntax.HOSTS
    assert entries == [Entry("ads.example"), Entry("metrics.example"), Entry("six.example")]
    assert sorted(parsed.skipped) == [
        "It names this machine itself.",
        "It sends the name to an address of its own instead of blocking it.",
    ]


def test_plain_names_are_exact_and_may_carry_notes() -> None:
    text = "# Title: TVs\n\nads.example\n#keep.example\nADS2.example.  # why not\n9.9.9.9\nnot a name\n"
    parsed, entries = read(text)
    assert (parsed.syntax, parsed.title) == (Syntax.PLAIN, "TVs")
    assert entries == [Entry("ads.example"), Entry("ads2.example")]
    assert parsed.skipped == {
        "It is an address, and DNS is asked for names.": 1,
        "It is not a domain name.": 1,
    }


def test_a_wildcard_in_a_list_of_wildcards_is_the_name_and_its_subtree() -> None:
    parsed, entries = read("*.ads.example\n*.b.example\nads.*\n")
    assert parsed.syntax is Syntax.WILDCARD
    assert entries == [Entry("ads.example", SUBTREE), Entry("b.example", SUBTREE), Entry("", regex=r"^ads\..*$")]
    assert "every name" in reason_for("*.", Syntax.WILDCARD)
    assert "every name" in reason_for("*", Syntax.WILDCARD)


@pytest.mark.parametrize(
    ("line", "entries"),
    [
        ("address=/x.org/#", [Entry("x.org", SUBTREE)]),
        ("address=/x.org/", [Entry("x.org", SUBTREE)]),
        ("address=/x.org/0.0.0.0", [Entry("x.org", SUBTREE)]),
        ("address=/x.org/y.org/::", [Entry("x.org", SUBTREE), Entry("y.org", SUBTREE)]),
        ("address=/.x.org/127.0.0.1", [Entry("x.org", SUBTREE)]),
        ("--address=/x.org/#", [Entry("x.org", SUBTREE)]),
        ("server=/x.org/", [Entry("x.org", SUBTREE)]),
        ("local=/x.org/ # none of that", [Entry("x.org", SUBTREE)]),
        ("server=/ok.x.org/#", [Entry("ok.x.org", SUBTREE, Action.ALLOW)]),
    ],
)
def test_dnsmasq_options_speak_of_the_subtree(line: str, entries: list[Entry]) -> None:
    assert entries_of(line, Syntax.DNSMASQ) == entries


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("server=/x.org/9.9.9.9", "forwards"),
        ("address=/x.org/192.168.1.9", "address of its own"),
        ("address=/#/0.0.0.0", "every name"),
        ("local=//", "every name"),
        ("conf-file=/etc/passwd", "another option"),
        ("address=x.org", "another option"),
    ],
)
def test_other_dnsmasq_options_are_explained(line: str, says: str) -> None:
    assert says in reason_for(line, Syntax.DNSMASQ)


def test_unbound_zones_are_subtrees_and_data_is_exact() -> None:
    text = (
        'server:\nlocal-zone: "a.example." always_null\nlocal-zone: b.example refuse # so\n'
        'local-zone: "ok.a.example" always_transparent\n'
        'local-data: "c.example. 60 IN A 0.0.0.0"\nlocal-data: "d.example A 10.0.0.1"\n'
        'local-zone: "e.example" typetransparent\nlocal-zone: "." refuse\nverbosity: 1\n'
        'local-zone: "v4.example" block_a\nlocal-zone: "v6.example" block_aaaa\nlocal-zone: "f.example" nodefault\n'
    )
    parsed, entries = read(text)
    assert parsed.syntax is Syntax.UNBOUND
    assert entries == [
        Entry("a.example", SUBTREE),
        Entry("b.example", SUBTREE),
        Entry("ok.a.example", SUBTREE, Action.ALLOW, passes=True),
        Entry("c.example"),
        Entry("e.example", SUBTREE, Action.ALLOW, passes=True),
        Entry("v4.example", SUBTREE, dnstypes=(1,)),
        Entry("v6.example", SUBTREE, dnstypes=(28,)),
    ]
    assert sorted(parsed.skipped) == [
        "It is another option of unbound, which blocks nothing.",
        "It sends the name to an address of its own instead of blocking it.",
        "It would match every name.",
        "Its zone type lets the names through.",
    ]


def test_a_response_policy_zone_tells_a_name_from_what_is_below_it() -> None:
    text = (
        "$TTL 60\n$ORIGIN rpz.example.\n@ SOA ns. root. (\n 1 2 3\n 4 5 )\n  NS localhost.\n"
        "a.example 60 IN CNAME .\n*.a.example.rpz.example. CNAME *.\nok.example CNAME rpz-passthru.\n"
        "b.example A 0.0.0.0\n"
        "c.example CNAME elsewhere.example.\n32.1.2.0.192.rpz-ip CNAME .\n* CNAME .\nd.example CNAME rpz-tcp-only.\n"
    )
    parsed, entries = read(text)
    assert parsed.syntax is Syntax.RPZ
    assert entries == [
        Entry("a.example"),
        Entry("a.example", BELOW),
        Entry("ok.example", action=Action.ALLOW),
        Entry("b.example"),
    ]
    assert sum(parsed.skipped.values()) == 4


def test_bare_expressions_are_distinguished() -> None:
    parsed, entries = read("# Pi-hole\n(^|\\.)lgsmartad\\.com$\n^ads?[0-9]+\\.  # digits\n\\.tv$;querytype=A\n")
    assert parsed.syntax is Syntax.REGEX
    assert [entry.regex for entry in entries] == [r"(^|\.)lgsmartad\.com$", r"^ads?[0-9]+\."]
    assert parsed.skipped == {"It has an option of Pi-hole that we do not support.": 1}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\n \r\n# only a comment\n", "empty"),
        (b"999.1.2.3\n1.2.3.4.5\n!\n5.6.7.8\n", "look like a block list|names nothing"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        (b"\xef\xbb\xbf  <html>", "web page"),
        (b'{"message": "Not Found"}', "JSON"),
        ("ads.example\n".encode("utf-16"), "UTF-16"),
        ("ads.example\n".encode("utf-16-le"), "UTF-16"),
        ("ads.example\n".encode("utf-16-be"), "UTF-16"),
        (b"\x7fELF\x02\x01\0\0\0\0", "binary"),
        (b"\x1f\x8b\x08\0abc", "gzip"),
        (b"PK\x03\x04abc", "zip"),
        (b"Dear reader, this is a letter.\nIt has two lines, and no names.\n", "does not look like a block list"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ListError, match=says):
        read(data)


def test_byte_order_mark_and_foreign_line_ends_do_not_matter() -> None:
    expected = [Entry("a.example"), Entry("b.example")]
    for data in (b"\xef\xbb\xbfa.example\r\nb.example\r\n", b"a.example\rb.example", b"a.example\n\n\nb.example"):
        assert read(data)[1] == expected


def test_a_line_without_end_costs_no_memory_and_one_count() -> None:
    chunks = [b"a.example\n", *[b"x" * 60_000] * 50, b"\nb.example\n"]
    parsed = parse_list(iter(chunks))
    assert list(parsed.entries) == [Entry("a.example"), Entry("b.example")]
    assert parsed.skipped == {list_text.TOO_LONG: 1}


def test_junk_between_names_is_counted_not_read() -> None:
    parsed, entries = read(b"a.example\n\xff\xfe\xfd\nb\x07.example\nb.example\n" + b"c.example\n" * 200)
    assert len(entries) == 202
    assert parsed.skipped == {NO_TEXT: 2}


def test_canaries_are_dropped_and_counted() -> None:
    parsed, entries = read("||a.h4g3z1-z.example^\n||h4g3z1-x.web.app^\n*.h4g3z1-y.example^\n")
    assert entries == [Entry("a.h4g3z1-z.example", SUBTREE)]
    assert parsed.skipped == {CANARIES: 2}


def test_a_list_cannot_bring_more_patterns_than_the_cap() -> None:
    parsed, entries = read("\n".join(f"/^ad{n}x/" for n in range(1200)))
    assert len(entries) == 1000
    assert sum(parsed.skipped.values()) == 200


def test_a_list_of_nothing_but_expensive_patterns_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.lists.parsers.MAX_PATTERNS", 50)
    for line in ("/((a{99}){99}){99}/", "||ads*.example^"):
        with pytest.raises(ListError, match="more than 50 patterns"):
            read("||a.example^\n" + f"{line}\n" * 60)


def test_hostile_modifiers_do_not_make_endless_reasons() -> None:
    parsed, _ = read("||a.example^\n" + "\n".join(f"||a.example^$x{n}" for n in range(500)))
    assert list(parsed.skipped.values()) == [500]


def test_a_title_is_bounded_and_printable() -> None:
    parsed, _ = read("! Title: <b>Evil</b>\u202e" + "x" * 500 + "\n||a.example^\n")
    assert parsed.title.startswith("<b>Evil</b>")
    assert "\u202e" not in parsed.title
    assert len(parsed.title) == 120


def test_an_entry_is_spelled_in_one_notation() -> None:
    assert Entry("x.org").text == "x.org"
    assert Entry("x.org", SUBTREE, Action.ALLOW, important=True).text == "@@||x.org^$important"
    assert Entry("x.org", BELOW).text == "||*.x.org^"
    assert Entry("", regex="^ad").text == "/^ad/"
