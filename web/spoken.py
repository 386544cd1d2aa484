"""Findings arrive as codes; here they get the sentence that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.catalogue.sentences import say


def spoken(found: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as the API shows it: with `says`, and without the arguments that the sentence is made of."""
    shown = {key: value for key, value in found.items() if key != "arguments"}
    return {"says": say(str(found.get("code", "")), found.get("arguments") or {}), **shown}


def spoken_health(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status of which every finding is spoken."""
    health: Iterable[Mapping[str, Any]] = status.get("health") or ()
    return {**status, "health": [spoken(found) for found in health]}
