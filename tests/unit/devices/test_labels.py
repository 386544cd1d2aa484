from __future__ import annotations

import pytest

from gateway.devices.labels import checked_label
from gateway.errors import Refused


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Living room", "Living room"),
        ("  TV \u00a0 upstairs ", "TV upstairs"),
        ("Fernseher im Flur äöü", "Fernseher im Flur äöü"),
        ("客厅电视", "客厅电视"),
        ("cafe\u0301", "café"),
        ("📺", "📺"),
        ("👨\u200d👩\u200d👧 TV", "👨\u200d👩\u200d👧 TV"),
        ("<script>", "<script>"),
        ("", ""),
    ],
)
def test_what_people_write_is_kept(text: str, kept: str) -> None:
    assert checked_label(text, "name") == kept


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\nb", "\x1b[31mred", "abc\u202edef", "a\u200bb", "\ufeffTV", "\ud800", "a\u2028b", "\u200d"]
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Refused) as error:
        checked_label(text, "host")
    assert error.value.field == "host"
    assert "type it again" in str(error.value)


def test_what_is_too_long_is_refused_with_the_limit() -> None:
    assert len(checked_label("x" * 64, "name")) == 64
    with pytest.raises(Refused, match="has 65 characters; at most 64 fit"):
        checked_label("x" * 65, "name")
