"""Rows of the journal as the API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.model.verdict import Action
from tests.support.dashboard import lookup
from web.api.shapes import to_json


@dataclass(frozen=True)
class Inner:
    when: datetime
    action: Action


@dataclass(frozen=True)
class Row:
    name: str
    count: int
    inner: Inner
    many: tuple[Inner, ...]


WHEN = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
SHOWN = {"when": "2026-03-04T05:06:07.890Z", "action": "block"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (WHEN, SHOWN["when"]),
        (Action.ALLOW, "allow"),
        (Inner(WHEN, Action.BLOCK), SHOWN),
        (Row("a", 2, Inner(WHEN, Action.BLOCK), (Inner(WHEN, Action.BLOCK),)),
         {"name": "a", "count": 2, "inner": SHOWN, "many": [SHOWN]}),
        ([Action.ALLOW, None, 1.5], ["allow", None, 1.5]),
        ((), []),
        ({"is": "JSON"}, {"is": "JSON"}),
        ("text", "text"),
        (None, None),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_json(value: Any, shown: Any) -> None:
    made = to_json(value)
    assert made == shown
    assert type(made) is type(shown)


def test_a_lookup_is_shown_as_every_page_shows_it() -> None:
    shown = to_json([lookup(3)])
    assert shown[0]["name"] == "ads.samsung.com"
    assert shown[0]["id"] == 3
