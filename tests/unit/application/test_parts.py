"""Adding a part to a box is a module of its own and a line in the list of parts."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from gateway.application.core import NO_SOCKETS, Core, open_core
from gateway.application.parts import PARTS, register_all
from gateway.application.registry import Registry
from gateway.application.running import run
from gateway.catalogue.sentences import Notice
from gateway.control.caller import Caller
from gateway.errors import ControlError
from gateway.model.event import HealthChanged
from gateway.settings import Settings
from tests.support.waiting import wait_until_async

# What the module of a new part would hold.


class DoorBell:
    """Rings at every change of the policy, answers how often, and complains when nobody pressed it for a while."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.rung = 0

    def ring(self, *_: object) -> None:
        self.rung += 1

    def how_often(self, _: object) -> dict[str, int]:
        return {"rung": self.rung}

    async def watch(self) -> None:
        self._core.health.report(HealthChanged("bell", False, Notice("bell.silent")))
        await asyncio.Event().wait()


def register(core: Core, registry: Registry) -> None:
    bell = DoorBell(core)
    registry.add_verbs({"bell": bell.how_often})
    registry.add_task("bell", bell.watch)
    core.events.policy_changed.listen(bell.ring)


def test_a_new_part_works_over_the_control_socket(tmp_path: Path) -> None:
    async def story() -> None:
        core = open_core(Settings(data=tmp_path), NO_SOCKETS, asyncio.get_running_loop())
        stop = asyncio.Event()
        running = asyncio.create_task(run(core, register_all(core, [*PARTS, register]), stop))
        call = partial(Caller(core.settings.control.note, "The resolver").call)

        async def says_so() -> bool:
            return any(each["part"] == "bell" for each in (await call("status"))["health"])

        await wait_until_async(says_so, ignoring=(ControlError, OSError))
        before = (await call("bell"))["rung"]
        await call("rules.add", action="block", name="ads.example")
        assert await call("bell") == {"rung": before + 1}
        health = {each["part"]: each for each in (await call("status"))["health"]}
        assert (health["bell"]["code"], health["bell"]["healthy"]) == ("bell.silent", False)
        stop.set()
        await running

    asyncio.run(story())


def test_two_parts_cannot_bring_one_verb(tmp_path: Path) -> None:
    async def story() -> None:
        core = open_core(Settings(data=tmp_path), NO_SOCKETS, asyncio.get_running_loop())
        with pytest.raises(ValueError, match="two parts bring the verb bell"):
            register_all(core, [register, register])

    asyncio.run(story())
