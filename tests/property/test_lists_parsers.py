"""Whatever a server sends as a list: either entries, or one ListError, never anything else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ListError
from gateway.lists.automaton import Automaton
from gateway.lists.parsers import Syntax, parse_list
from gateway.lists.regex import Unsupported
from gateway.model.name import Name

MARKS = "|| | @@ ^ $ / * . , = ~ # ## ! ; : - _ \\ ( ) [ ] { } ? + \\d {1,9} (^|\\.) <html> ü \u2024 \xad \ud7ff"
SAYINGS = (
    "ads.example roku.com x 999 h4g3z1-x 0.0.0.0 127.0.0.1 :: fe80::1%lo0 important dnstype A|AAAA denyallow badfilter "
    "address= server= local= local-zone: local-data: always_null CNAME rpz-passthru. $TTL $ORIGIN SOA IN 60"
)
WORDS = st.sampled_from(MARKS.split(" ") + SAYINGS.split(" ")) | st.sampled_from(
    [" ", "\n", "\r\n", "\0", "\ufeff", "\u2028"]
)
TEXTS = st.lists(WORDS, max_size=40).map("".join)


def read(data: bytes, syntax: Syntax | None, pieces: int) -> None:
    chunks = [data[start : start + pieces] for start in range(0, len(data), pieces)]
    try:
        entries = list(parse_list(chunks, syntax=syntax).entries)
    except ListError:
        return
    for entry in entries:
        assert bool(entry.name) != bool(entry.regex)
        assert Name.parse(entry.name).text == entry.name
        assert entry.text


@given(st.binary(max_size=3000), st.none() | st.sampled_from(Syntax), st.integers(1, 4000))
def test_arbitrary_bytes_are_a_list_or_a_list_error(data: bytes, syntax: Syntax | None, pieces: int) -> None:
    read(data, syntax, pieces)


@given(TEXTS, st.none() | st.sampled_from(Syntax), st.integers(1, 200))
def test_lines_made_of_list_words_are_a_list_or_a_list_error(text: str, syntax: Syntax | None, pieces: int) -> None:
    read(text.encode(), syntax, pieces)


@given(TEXTS, st.integers(1, 50))
def test_where_the_network_cuts_the_bytes_does_not_matter(text: str, pieces: int) -> None:
    data = ("ads.example\n" * 100 + text).encode()

    def read_in(size: int) -> object:
        parsed = parse_list([data[start : start + size] for start in range(0, len(data), size)], syntax=Syntax.PLAIN)
        return list(parsed.entries), parsed.skipped

    try:
        whole = read_in(len(data))
    except ListError:
        return
    assert read_in(pieces) == whole


ATOMS = st.sampled_from(["a", "b", ".", r"\.", "[ab]", "[^a]", "[a-c]", r"\d", "1", "-", "^", "$"])
REGEXES = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})")
        | st.tuples(inner.filter(lambda r: r[-1] not in "^$"), st.sampled_from(["*", "+", "?", "{2}", "{1,3}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        )
    ),
    max_leaves=6,
)


@given(REGEXES, st.lists(st.text("ab.1-c", max_size=8), max_size=6))
def test_expressions_mean_what_python_means_by_them(regex: str, texts: list[str]) -> None:
    try:
        automaton = Automaton([regex])
    except Unsupported:
        return
    expected = re.compile(regex.replace("$", r"\Z"))
    for text in texts:
        assert bool(automaton.match(text)) == bool(expected.search(text)), (regex, text)
