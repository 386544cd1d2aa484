"""What the resolver and the process that compiles lists say to each other. Without what only the latter needs: the
resolver stays in memory for months.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model.verdict import Action
from gateway.settings import Settings


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


def read_report(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the last run said, by subscription id; empty when there was none."""
    path: Path = settings.lists_folder / "report.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}
