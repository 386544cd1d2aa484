"""The services that people use, as pages list them: those of a company, and those of a device."""

from __future__ import annotations

from typing import Any

from web.views.frame import ask, call

KINDS = {"television": "Television", "music": "Music", "games": "Games", "social": "Social life"}


def all_services() -> list[dict[str, Any]]:
    """Every service by name, with the devices that use it; none while nobody can be asked."""
    answer: dict[str, Any] = ask(lambda: call("services"), {})
    return list(answer.get("services", ()))


def services_on(device: str) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """(those in use on the device, the others by their kind in words)."""
    used: list[dict[str, Any]] = []
    others: dict[str, list[dict[str, Any]]] = {words: [] for words in KINDS.values()}
    for each in all_services():
        if device in each["devices"]:
            used.append(each)
        else:
            others.setdefault(KINDS.get(each["kind"], "Others"), []).append(each)
    return used, {kind: found for kind, found in others.items() if found}
