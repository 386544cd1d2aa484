from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classifier.rule_file import read_rows

_TWO = """# A comment.

one.example.com .two.example.com
three.example.com
  category: acr
  # Another comment.
  paper says: It says: so.

/^a\\d\\.example\\.com$/
\tcategory: time
"""


def test_names_stand_at_the_start_of_a_line_and_statements_below() -> None:
    first, second = read_rows(_TWO)
    assert first.names == ["one.example.com", ".two.example.com", "three.example.com"]
    assert first.values == {"category": "acr"}
    assert first.evidence == {"paper": "It says: so."}
    assert (second.line, second.names, second.values) == (9, [r"/^a\d\.example\.com$/"], {"category": "time"})


def test_a_new_name_begins_a_new_rule_even_without_an_empty_line() -> None:
    assert [row.names for row in read_rows("a.example\n  category: acr\nb.example\n  category: dns\n")] == [
        ["a.example"],
        ["b.example"],
    ]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("  category: acr", "line 1: .* no name stands above it"),
        ("a.example\n  category acr", 'line 2: .* must look like "category: advertising"'),
        ("a.example\n  category: acr\n  category: dns", "line 3: 'category' is said twice"),
        ("a.example\n  paper says: One.\n  paper says: Two.", "line 3: 'paper' is said twice"),
        ("a.example\n  " + "x" * 5000, "line 2: .*…"),
        ("a.example\n  category: acr\n  b.example", "line 3: 'b.example' is indented; a name stands at the start"),
        ("a.example\ncategory: acr", "line 2: 'category: acr' must be indented by two spaces"),
        ("a.example\nneeded by: Hulu", "line 2: 'needed by: Hulu' must be indented by two spaces"),
        ("a.example # why\n  category: acr", "line 1: a comment needs a line of its own"),
    ],
)
def test_a_line_that_is_wrong_is_reported_by_its_number(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        list(read_rows(text))


@pytest.mark.parametrize("indent", ["  ", "\t", "\u00a0\u00a0", " "])
def test_whatever_looks_like_a_space_indents(indent: str) -> None:
    (row,) = read_rows(f"a.example\r\n{indent}category: acr\r\n")
    assert (row.names, row.values) == (["a.example"], {"category": "acr"})


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    refused, rows = "", []
    try:
        rows = list(read_rows(text))
    except ValueError as error:
        refused = str(error)
    assert not refused or refused.startswith("line ")
    assert all(row.names and row.line > 0 for row in rows)
