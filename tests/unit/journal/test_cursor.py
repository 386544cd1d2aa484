from __future__ import annotations

import pytest

from gateway.errors import JournalError
from gateway.journal import cursor


@pytest.mark.parametrize("before", [0, 1, 12_345, cursor.MAX_ID])
def test_a_cursor_comes_back_as_it_went_out(before: int) -> None:
    assert cursor.decode(cursor.encode(before)) == before


@pytest.mark.parametrize("text", ["", "1", "é", "AQAAAAAAAMZ", "AQAAAAAAAMY=", "AgAAAAAAAMY", "A" * 5000, "' OR 1=1"])
def test_a_made_up_cursor_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(JournalError, match="not a place in the journal"):
        cursor.decode(text)
