"""Files of ours that somebody or something has been at: refused with a sentence, never believed, never a crash."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ListError
from gateway.lists.compiled import CompiledLists, key_of
from gateway.model.book import Book, Subscription
from gateway.model.name import Name
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.book_file import decode_book, encode_book
from tests.support.policy_lists import compile_texts

with tempfile.TemporaryDirectory() as _folder:
    compile_texts(Path(_folder), ("L", Action.BLOCK, "||roku.example^\n@@||ok.roku.example^\n/^ads[0-9]/\n"))
    COMPILED = Path(_folder, "compiled.bin").read_bytes()


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_no_compiled_lists(data: bytes) -> None:
    with pytest.raises(ListError):
        CompiledLists(data)


@given(st.integers(0, len(COMPILED) - 1), st.binary(min_size=1, max_size=40))
def test_overwritten_bytes_are_noticed(position: int, junk: bytes) -> None:
    damaged = COMPILED[:position] + junk + COMPILED[position + len(junk) :]
    if damaged != COMPILED:
        with pytest.raises(ListError):
            CompiledLists(damaged)


@given(st.text(max_size=60))
def test_any_name_can_be_asked_for(text: str) -> None:
    try:
        name = Name.parse(text).text
    except ValueError:
        return
    CompiledLists(COMPILED).match(name)
    assert key_of(name).count(".") >= 1


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=5))
def test_a_name_below_a_listed_one_is_found_whatever_its_labels_hold(labels: list[bytes]) -> None:
    name = Name.from_labels([*labels, b"roku", b"example"]).text
    assert CompiledLists(COMPILED).match(name) is not None


times = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
rules = st.builds(
    Rule,
    st.sampled_from(Action),
    st.builds(Scope, st.sampled_from(ScopeKind), st.text(max_size=20)),
    times,
    st.text(max_size=10),
    st.none() | st.text(max_size=10),
    st.none() | times,
    st.text(max_size=20),
    st.integers(0, 2**40),
)
lists = st.builds(
    Subscription,
    st.integers(0, 99),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(Action),
    times,
    st.booleans(),
)
books = st.builds(
    Book,
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.lists(rules, max_size=4).map(tuple),
    st.lists(lists, max_size=4).map(tuple),
)


@given(books)
def test_every_book_comes_back_as_it_was(book: Book) -> None:
    assert decode_book(encode_book(book)) == book


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_are_no_book(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_book(data)
