"""Mutants that no test can tell from the module itself, each with the reason; `equivalents.toml` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.mutation.mutants import Key

LIST = Path(__file__).with_name("equivalents.toml")


def read(path: Path = LIST) -> Mapping[Key, str]:
    """The reason of each. An entry has module, function, before, after (one or several), maybe nth, and reason.

    Raises ValueError for an entry without a reason, and for one that stands there twice.
    """
    reasons: dict[Key, str] = {}
    for entry in tomllib.loads(path.read_text()).get("equivalent", []):
        reason = entry["reason"].strip()
        if not reason:
            raise ValueError(f"{path.name}: {entry} has no reason.")
        after = entry["after"]
        for each in [after] if isinstance(after, str) else after:
            key = Key(entry["module"], entry["function"], entry["before"], each, entry.get("nth", 1))
            if key in reasons:
                raise ValueError(f"{path.name}: {key} stands there twice.")
            reasons[key] = reason
    return reasons
