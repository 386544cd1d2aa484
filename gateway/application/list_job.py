"""What the resolver and the process that compiles lists say to each other. Without what only the latter needs: the
resolver stays in memory for months.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from gateway.model.verdict import Action
from gateway.settings import Settings

OWNER_SYNTAX = "owners"
"""What a report has for the syntax of a list that says whose names are."""


@dataclass(frozen=True, slots=True)
class Job:
    """`lists` are (id, source, title, action) of each enabled subscription; `fetch` is for those that have a copy, too.

    As JSON `{"lists": [{"id", "source", "title", "action"}], "fetch": bool}`.
    """

    lists: tuple[tuple[int, str, str, Action], ...]
    fetch: bool

    def to_json(self) -> dict[str, Any]:
        lists = [{"id": i, "source": s, "title": t, "action": a.value} for i, s, t, a in self.lists]
        return {"lists": lists, "fetch": self.fetch}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Job:
        lists = [(int(x["id"]), str(x["source"]), str(x["title"]), Action(x["action"])) for x in value["lists"]]
        return cls(tuple(lists), bool(value["fetch"]))


class JobEnd(IntEnum):
    """How a job ended, as its exit status. Unless it is done, the lists that were in force stay in force."""

    DONE = 0
    FAILED = 1
    """The last line on standard error says why."""
    WRONG = 2
    """As FAILED, for what we should never do."""
    TOO_MUCH_MEMORY = 3
    """The lists asked for more than the job may have."""
    NO_MEMORY = 4
    """The machine had none left."""
    ENDED = 5
    """By a signal; the last line on standard error is its name."""


def read_report(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the last run said, by subscription id; empty when there was none."""
    path: Path = settings.lists_folder / "report.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}


def shrinking_of(entry: Mapping[str, Any]) -> dict[str, int] | None:
    """`{"before", "entries"}` of a list that fell to a fraction and waits for a person; None for any other."""
    copy, held = entry.get("copy"), entry.get("held")
    try:
        return {"before": int(copy["entries"]), "entries": int(held["entries"])} if copy and held else None
    except (KeyError, TypeError, ValueError):
        return None
