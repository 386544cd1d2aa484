"""What was in use before a box ended is known before it answers again, which no journal keeps it from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.application import dns, usage
from gateway.application.core import Core
from gateway.application.parts import PARTS
from gateway.application.usage import Remembering
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.usage import Usage

TV = "mac:aa:bb:cc:dd:ee:ff"
CALM = Rule(Action.BLOCK, Scope(ScopeKind.PRESET, "calm"), datetime(2026, 11, 29, tzinfo=UTC), "dashboard", id=1)


def look(monkeypatch: pytest.MonkeyPatch, read: Callable[[Any], Any], *rules: Rule) -> dict[str, list[str]]:
    """What is known to be in use when DNS begins to answer."""
    core = SimpleNamespace(usage=Usage(), policy=SimpleNamespace(rules=lambda: rules))
    monkeypatch.setattr(Remembering, "_read", read)
    asyncio.run(Remembering(cast(Core, core)).look_first())
    return core.usage.table()


def test_it_comes_before_the_first_answer() -> None:
    assert PARTS.index(usage.register) < PARTS.index(dns.register)


def test_what_was_in_use_is_known_where_a_preset_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: Any) -> dict[str, dict[str, float]]:
        return {TV: {"Player": 60.0}}

    assert look(monkeypatch, read, CALM) == {TV: ["Player"]}
    assert look(monkeypatch, read) == {}


def test_a_journal_that_cannot_be_read_or_takes_long_keeps_dns_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise OverflowError("a time that no calendar has")

    assert look(monkeypatch, broken, CALM) == {}
    monkeypatch.setattr(usage, "_AT_START", 0.05)
    went_on = threading.Event()

    def slow(_: Any) -> Any:
        assert went_on.wait(20)
        return {}

    async def story() -> None:
        core = SimpleNamespace(usage=Usage(), policy=SimpleNamespace(rules=lambda: [CALM]))
        await Remembering(cast(Core, core)).look_first()
        went_on.set()

    monkeypatch.setattr(Remembering, "_read", slow)
    asyncio.run(story())
    assert went_on.is_set()
