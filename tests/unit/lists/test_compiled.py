"""What the compiled lists say of a name, and that a damaged file is refused instead of believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ListError
from gateway.lists.compiled import CompiledLists, key_of
from gateway.model.dns import QType
from gateway.model.listed import Extent
from tests.support.policy_lists import ALLOW, BLOCK, compile_texts

ADBLOCK = "||roku.example^\n@@||ok.roku.example^\n||*.below.example^\n|exact.example^\n/^ads[0-9]+\\./\n"


def lists_of(folder: Path, *texts: str) -> CompiledLists:
    return compile_texts(folder, *((f"L{n}", BLOCK, text) for n, text in enumerate(texts, 1)))[0]


@pytest.mark.parametrize(
    ("name", "action", "matched"),
    [
        ("roku.example", BLOCK, "||roku.example^"),
        ("a.b.roku.example", BLOCK, "||roku.example^"),
        ("xroku.example", None, ""),
        ("roku.example.org", None, ""),
        ("ok.roku.example", ALLOW, "@@||ok.roku.example^"),
        ("very.ok.roku.example", ALLOW, "@@||ok.roku.example^"),
        ("below.example", None, ""),
        ("a.below.example", BLOCK, "||*.below.example^"),
        ("exact.example", BLOCK, "exact.example"),
        ("a.exact.example", None, ""),
        ("ads17.example", BLOCK, "/^ads[0-9]+\\./"),
        ("ads.example", None, ""),
        ("example", None, ""),
        ("", None, ""),
    ],
)
def test_a_name_is_matched_as_far_as_its_entry_reaches(tmp_path: Path, name: str, action: object, matched: str) -> None:
    verdict = lists_of(tmp_path, ADBLOCK).match(name)
    assert (verdict and verdict.action, verdict.matched if verdict else "") == (action, matched)


def test_every_list_that_has_a_name_is_named(tmp_path: Path) -> None:
    lists = lists_of(tmp_path, "||a.example^", "0.0.0.0 x.a.example", "@@||x.a.example^", "||b.example^", "/^x\\./")
    verdict = lists.match("x.a.example")
    assert verdict is not None
    assert verdict.lists == ("L3", "L1", "L2", "L5")
    naming = lists.lists_naming("x.a.example")
    assert [(match.title, match.matched) for match in naming] == [
        ("L3", "@@||x.a.example^"),
        ("L2", "x.a.example"),
        ("L1", "||a.example^"),
        ("L5", "/^x\\./"),
    ]
    assert [match.subscription for match in naming] == [3, 2, 1, 5]
    assert lists.lists_naming("c.example") == ()


def test_the_more_specific_entry_is_the_one_that_decides(tmp_path: Path) -> None:
    verdict = lists_of(tmp_path, "||example^\n||a.example^\n||x.a.example^", "x.a.example").match("x.a.example")
    assert verdict is not None
    assert (verdict.matched, verdict.extent) == ("x.a.example", Extent.EXACT)


@pytest.mark.parametrize(
    ("rules", "action", "important"),
    [
        ("||a.example^\n@@||a.example^", ALLOW, False),
        ("||x.a.example^\n@@||a.example^", ALLOW, False),
        ("||a.example^$important\n@@||x.a.example^", BLOCK, True),
        ("||a.example^$important\n@@||a.example^$important", ALLOW, True),
    ],
)
def test_exceptions_win_unless_only_the_block_is_important(
    tmp_path: Path, rules: str, action: object, important: bool
) -> None:
    verdict = lists_of(tmp_path, rules).match("x.a.example")
    assert verdict is not None
    assert (verdict.action, verdict.important) == (action, important)


def test_a_list_that_allows_allows_whatever_it_names(tmp_path: Path) -> None:
    lists, _ = compile_texts(
        tmp_path, ("Block", BLOCK, "||a.example^"), ("Keep", ALLOW, "ok.a.example\n@@||fine.a.example^")
    )
    for name in ("ok.a.example", "fine.a.example"):
        verdict = lists.match(name)
        assert verdict is not None
        assert (verdict.action, verdict.lists) == (ALLOW, ("Keep", "Block"))


def test_a_rule_on_record_types_speaks_of_no_others(tmp_path: Path) -> None:
    lists = lists_of(tmp_path, "||a.example^$dnstype=AAAA|HTTPS\n||b.example^$dnstype=~A\n/^ads/$dnstype=TXT")
    assert [bool(lists.match("a.example", qtype)) for qtype in (QType.A, QType.AAAA, QType.HTTPS)] == [
        False,
        True,
        True,
    ]
    assert [bool(lists.match("b.example", qtype)) for qtype in (QType.A, QType.AAAA)] == [False, True]
    assert [bool(lists.match("ads.c", qtype)) for qtype in (QType.A, QType.TXT)] == [False, True]
    assert lists.types_named == {1, 16, 28, 65}


def test_names_under_denyallow_are_excepted(tmp_path: Path) -> None:
    lists = lists_of(tmp_path, "||a.example^$denyallow=ok.a.example")
    answers = [bool(lists.match(name)) for name in ("a.example", "ok.a.example", "x.ok.a.example", "notok.a.example")]
    assert answers == [True, False, False, True]


def test_names_with_escaped_bytes_are_looked_up_by_their_labels(tmp_path: Path) -> None:
    lists = lists_of(tmp_path, "||a.example^")
    assert key_of("we\\.ird.a.example") == "example.a.we\\.ird."
    assert lists.match("we\\.ird.a.example") is not None
    assert lists.match("x\\.a.example") is None


def test_empty_lists_name_nothing() -> None:
    lists = CompiledLists.empty()
    assert (len(lists), lists.match("a.example"), lists.lists_naming("a.example")) == (0, None, ())


def test_lists_go_on_working_when_their_file_is_replaced(tmp_path: Path) -> None:
    old = lists_of(tmp_path, "||a.example^")
    new = lists_of(tmp_path, "||b.example^")
    assert old.match("a.example") is not None
    assert new.match("a.example") is None


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path: Path) -> None:
    lists_of(tmp_path, ADBLOCK)
    path = tmp_path / "compiled.bin"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(ListError):
            CompiledLists(bytes(damaged))
    for size in (0, 1, 15, 16, 95, 96, 200, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ListError):
            CompiledLists.open(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"TELLLIST" + b"\xff" * 500, b"0.0.0.0 a.example\n" * 99])
def test_another_file_in_its_place_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "compiled.bin"
    path.write_bytes(content)
    with pytest.raises(ListError, match="refresh the lists"):
        CompiledLists.open(path)


def test_a_missing_file_or_a_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="not been compiled yet"):
        CompiledLists.open(tmp_path / "compiled.bin")
    with pytest.raises(ListError, match="cannot be read"):
        CompiledLists.open(tmp_path)
