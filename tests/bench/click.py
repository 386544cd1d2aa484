"""What only ours is asked: how soon a click works while others ask, and how soon a box that starts again answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from gateway.control.client import ControlClient
from tests.support.client import addresses, ask

_BLOCKED = ["0.0.0.0"]
_PATIENCE = 5.0


def clicks(server: tuple[str, int], data: Path, names: Sequence[str]) -> list[float]:
    """For each name the seconds from the click that blocks it to the first answer that says so.

    The name is asked before, so that the answer to be forgotten is known; the rule is removed afterwards. Raises
    RuntimeError when a click has no effect.
    """
    control = ControlClient(data / "control.sock")
    taken = []
    for name in names:
        if addresses(ask(name, "A", server)) == _BLOCKED:
            raise RuntimeError(f"{name} is blocked before the click.")
        began = time.perf_counter()
        rule = control.call("rules.add", action="block", name=name, made_by="bench")
        while addresses(ask(name, "A", server)) != _BLOCKED:
            if time.perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"The click on {name} had no effect within {_PATIENCE:g} s.")
        taken.append(time.perf_counter() - began)
        control.call("rules.remove", id=rule["id"])
    return taken
