"""From subscriptions to one file, and what is reported about each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ListError
from gateway.lists import bounds, nesting, reading, sayings
from gateway.lists.compiled import CompiledLists
from gateway.lists.compiler import ListInput, compile_lists
from gateway.lists.parsers import Syntax
from tests.support.policy_lists import ALLOW, BLOCK, compile_texts


def test_the_report_says_what_became_of_each_list(tmp_path: Path) -> None:
    adblock = "! Title: Own title\n||a.example^\n||a.example^\n||b.example^$client=x\n/^ad[0-9]/\n/^ad[0-9]/\n"
    lists, report = compile_texts(
        tmp_path, ("", BLOCK, adblock), ("Hosts", BLOCK, "0.0.0.0 a.example\n0.0.0.0 c.example")
    )
    first, second = report.lists
    assert (first.subscription, first.title, first.syntax) == (1, "Own title", Syntax.ADBLOCK)
    assert (first.entries, first.duplicates) == (4, 2)
    assert first.skipped == {"It has the modifier $client, which we do not support.": 1}
    assert (second.title, second.syntax, second.entries, second.error) == ("Hosts", Syntax.HOSTS, 2, None)
    assert report.names == len(lists) == 3
    assert lists.titles == ("Own title", "Hosts")


def test_a_list_without_any_title_is_called_by_its_file(tmp_path: Path) -> None:
    _, report = compile_texts(tmp_path, ("", BLOCK, "a.example"))
    assert report.lists[0].title == "1.txt"


def test_a_broken_list_is_left_out_and_the_others_work(tmp_path: Path) -> None:
    lists, report = compile_texts(
        tmp_path, ("Page", BLOCK, "<html>no</html>"), ("Good", BLOCK, "||a.example^"), ("Empty", ALLOW, "# nothing")
    )
    assert [each.error is None for each in report.lists] == [False, True, False]
    assert "web page" in str(report.lists[0].error)
    match = lists.match("a.example")
    assert match is not None
    assert match.lists == ("Good",)


def test_a_list_that_breaks_off_in_the_middle_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lists.parsers.MAX_ENTRIES", 2)
    text = "||d.example^$badfilter\n||a.example^\n/^bad[0-9]/\n||c.example^\n"
    lists, report = compile_texts(tmp_path, ("Long", BLOCK, text), ("Good", BLOCK, "||d.example^"))
    assert "more than 2 entries" in str(report.lists[0].error)
    assert len(lists) == 1
    assert lists.match("a.example") is None
    assert lists.match("bad7") is None
    assert lists.match("d.example") is not None


def test_a_list_that_was_never_fetched_is_reported(tmp_path: Path) -> None:
    report = compile_lists([ListInput(7, "Gone", BLOCK, tmp_path / "7.txt")], tmp_path / "compiled.bin")
    assert report.lists[0].error == "The list has not been fetched yet."
    assert len(CompiledLists.open(tmp_path / "compiled.bin")) == 0


def test_badfilter_disables_the_same_rule_of_any_list(tmp_path: Path) -> None:
    lists, report = compile_texts(
        tmp_path,
        ("One", BLOCK, "||a.example^\n||b.example^\n/^ad[0-9]/\na.example\n"),
        ("Two", BLOCK, "||a.example^$badfilter\n/^ad[0-9]/$badfilter\n||b.example^$important,badfilter"),
    )
    assert lists.match("x.a.example") is None
    assert lists.match("a.example") is not None
    assert lists.match("ad7.example") is None
    assert lists.match("b.example") is not None
    assert report.names == 2


def test_patterns_are_bounded_over_all_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_POSITIONS", 100)
    text = "\n".join(f"/^advert{n}x/" for n in range(20))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, text), ("Two", BLOCK, "||a.example^"))
    skipped = report.lists[0].skipped[bounds.TOO_MANY_PATTERNS]
    assert 0 < skipped < 20
    assert len(lists) == 20 - skipped + 1
    assert lists.match("advert0x.example") is not None


def test_different_modifiers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sayings, "MAX_SPECIAL_OF_A_LIST", 3)
    text = "\n".join(f"||a{n}.example^$denyallow=x{n}.example" for n in range(10))
    _, report = compile_texts(tmp_path, ("One", BLOCK, text), ("Two", BLOCK, "||b.example^$denyallow=y.example"))
    assert report.lists[0].skipped == {bounds.TOO_MANY_SPECIAL: 7}
    assert (report.lists[0].entries, report.lists[1].entries) == (3, 1)
    assert not report.lists[1].skipped


def test_record_types_of_one_name_become_one_rule(tmp_path: Path) -> None:
    text = "\n".join(f"||a.example^$dnstype=TYPE{n}" for n in range(100, 200))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, text))
    assert not report.lists[0].skipped
    assert [bool(lists.match("x.a.example", qtype)) for qtype in (99, 100, 199, 200)] == [False, True, True, False]
    assert len(lists.lists_naming("a.example", 150)) == 1


def test_exceptions_of_one_name_are_those_of_all_its_rules(tmp_path: Path) -> None:
    text = "||a.example^$denyallow=x.a.example|y.a.example\n||a.example^$denyallow=b.x.a.example|z.a.example"
    lists, _ = compile_texts(tmp_path, ("One", BLOCK, text))
    excepted = [not lists.match(f"{name}a.example") for name in ("", "x.", "b.x.", "c.b.x.", "y.", "z.")]
    assert excepted == [False, False, True, True, False, False]


def test_different_rules_on_one_name_are_bounded_and_the_others_hold(tmp_path: Path) -> None:
    text = "\n".join(f"||a.example^$dnstype=TYPE{n},denyallow=x{n}.a.example" for n in range(100, 120))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, text + "\n||b.example^"))
    assert report.lists[0].skipped == {bounds.TOO_MANY_ALIKE: 20 - bounds.MAX_ALIKE}
    assert report.lists[0].entries == bounds.MAX_ALIKE + 1
    assert lists.match("b.example")
    assert sum(bool(lists.match("a.example", qtype)) for qtype in range(100, 120)) == bounds.MAX_ALIKE


def test_more_record_types_and_exceptions_than_fit_are_left_out(tmp_path: Path) -> None:
    names = "|".join(f"n{n}.example" for n in range(500))
    text = "\n".join(f"||a{n}.example^$denyallow={names}|m{n}.example" for n in range(60))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, text))
    kept = bounds.MAX_DETAILS_OF_A_LIST // 501
    assert report.lists[0].skipped == {bounds.TOO_MANY_DETAILS: 60 - kept}
    assert [bool(lists.match(f"a{n}.example")) for n in (0, kept - 1, kept)] == [True, True, False]


def test_more_names_than_can_be_compiled_leave_the_last_list_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_NAMES", 100)
    long = "\n".join(f"n{n}.example" for n in range(80))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, long), ("Two", BLOCK, long), ("Three", BLOCK, "x.example"))
    assert [each.error is None for each in report.lists] == [True, False, True]
    assert "all that this box can compile" in str(report.lists[1].error)
    assert lists.match("n79.example")
    assert lists.match("x.example")


def test_rules_that_disable_others_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DISABLED", 5)
    text = "||a.example^\n" + "\n".join(f"||b{n}.example^$badfilter" for n in range(9))
    _, report = compile_texts(tmp_path, ("One", BLOCK, text))
    assert report.lists[0].skipped == {bounds.TOO_MANY_DISABLED: 4}


@pytest.mark.parametrize(
    ("text", "blocked", "open_"),
    [
        (
            'local-zone: "a.example" static\nlocal-zone: "ok.a.example" inform\nlocal-data: "bad.ok.a.example A ::"',
            "a.example x.a.example bad.ok.a.example",
            "ok.a.example x.ok.a.example",
        ),
        (
            "*.a.example CNAME rpz-passthru.\nbad.a.example CNAME .\n*.bad.a.example CNAME .\nb.example CNAME .",
            "bad.a.example x.bad.a.example b.example",
            "x.a.example",
        ),
        (
            "address=/a.example/#\nserver=/ok.a.example/#\naddress=/bad.ok.a.example/#",
            "a.example x.a.example bad.ok.a.example x.bad.ok.a.example",
            "ok.a.example x.ok.a.example",
        ),
    ],
)
def test_the_nearest_zone_decides_where_the_syntax_says_so(tmp_path: Path, text: str, blocked: str, open_: str) -> None:
    lists, report = compile_texts(tmp_path, ("One", BLOCK, text))
    assert not report.lists[0].skipped
    found = {name: lists.match(name) for name in [*blocked.split(), *open_.split()]}
    assert [name for name, match in found.items() if match and match.action is BLOCK] == blocked.split()


def test_a_zone_that_passes_opens_nothing_that_another_list_blocks(tmp_path: Path) -> None:
    zones = 'local-zone: "a.example" static\nlocal-zone: "ok.a.example" transparent'
    lists, _ = compile_texts(tmp_path, ("One", BLOCK, zones), ("Two", BLOCK, "||x.ok.a.example^"))
    assert lists.match("ok.a.example") is None
    assert lists.match("x.ok.a.example")


def test_holes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "MAX_HOLES", 10)
    holes = "\n".join(f'local-zone: "h{n}.a.example" transparent' for n in range(9))
    lists, report = compile_texts(tmp_path, ("One", BLOCK, f'local-zone: "a.example" static\n{holes}'))
    assert report.lists[0].skipped == {bounds.TOO_MANY_HOLES: 4}
    assert lists.match("h0.a.example") is None


def test_many_lists_that_overlap_in_every_way_keep_their_attribution(tmp_path: Path) -> None:
    titles = [f"L{n}" for n in range(10)]
    texts = ["\n".join(f"||n{k}.example^" for k in range(1024) if k >> n & 1) + "\n||x.example^" for n in range(10)]
    lists, _ = compile_texts(tmp_path, *((title, BLOCK, text) for title, text in zip(titles, texts, strict=True)))
    assert len(lists) == 1024
    for k in (1, 5, 512, 1023):
        match = lists.match(f"n{k}.example")
        assert match is not None
        assert match.lists == tuple(title for n, title in enumerate(titles) if k >> n & 1)


def test_the_old_file_stays_when_the_new_one_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_texts(tmp_path, ("One", BLOCK, "||a.example^"))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ListError, match="No space left"):
        compile_texts(tmp_path, ("Two", BLOCK, "||b.example^"))
    assert CompiledLists.open(tmp_path / "compiled.bin").match("a.example") is not None
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []
