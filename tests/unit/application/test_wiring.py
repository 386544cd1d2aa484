"""The rooms of the resolver's process, wired together but without sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.application import core as core_module
from gateway.application.core import NO_SOCKETS, Core, open_core
from gateway.application.parts import register_all
from gateway.application.registry import Registry
from gateway.errors import Refused
from gateway.model.lookup import Facts
from gateway.model.response import Source
from gateway.model.rule import Scope, ScopeKind
from gateway.model.verdict import ALLOWED, Action
from gateway.settings import Settings
from tests.support.waiting import wait_until_async

TV = "10.42.0.7"
MAC = "cc:6d:a0:11:22:33"
ADS = Scope(ScopeKind.NAME, "ads.example")


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    table: dict[str, str] = {}
    monkeypatch.setattr(core_module, "read_neighbours", lambda: dict(table))
    return table


def wire(data: Path) -> tuple[Core, Registry]:
    core = open_core(Settings(data=data), NO_SOCKETS, asyncio.get_running_loop())
    registry = register_all(core)
    core.recording.start(core.inventory)
    return core, registry


async def close(core: Core) -> None:
    await core.policy.settle()
    await asyncio.to_thread(core.recording.close)


def test_a_rule_for_one_device_goes_on_when_its_network_card_becomes_known(
    tmp_path: Path, neighbours: dict[str, str]
) -> None:
    async def story() -> None:
        core, _ = wire(tmp_path)
        old = core.inventory.identify(TV)
        await core.policy.add_rule(Action.BLOCK, ADS, device=old, made_by="dashboard")
        neighbours[TV] = MAC
        await asyncio.to_thread(core.inventory.refresh)
        device = core.inventory.identify(TV)
        assert (old, device) == (f"ip:{TV}", f"mac:{MAC}")
        await wait_until_async(lambda: core.policy.policy.decide("ads.example", device).blocked)
        await close(core)

    asyncio.run(story())


def test_a_rule_follows_a_device_that_joined_before_the_restart(tmp_path: Path, neighbours: dict[str, str]) -> None:
    async def before() -> None:
        core, _ = wire(tmp_path)
        old = core.inventory.identify(TV)
        neighbours[TV] = MAC
        core.inventory.refresh()
        await asyncio.sleep(0)
        await core.policy.add_rule(Action.BLOCK, ADS, device=old, made_by="dashboard")
        await close(core)

    async def after() -> None:
        core, _ = wire(tmp_path)
        await wait_until_async(lambda: core.policy.policy.decide("ads.example", f"mac:{MAC}").blocked)
        await close(core)

    asyncio.run(before())
    asyncio.run(after())


def test_a_device_is_known_by_the_names_that_it_asks_for_as_soon_as_they_are_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        core, _ = wire(tmp_path)
        for number, name in enumerate(("scribe.logs.roku.com", "api.sr.roku.com", "www.netflix.com", "n1.example")):
            core.resolver.record([(float(number), TV, Facts(name, 1, 0, Source.UPSTREAM, ALLOWED), 0.01)], ())
        await wait_until_async(lambda: core.recording.writer.counters()["recorded"] == 4)
        (television,) = core.inventory.all()
        assert television.maker == "", "two of a maker's names are what an app on a telephone asks for"
        core.resolver.record([(9.0, TV, Facts("tvupdate.roku.com", 1, 0, Source.UPSTREAM, ALLOWED), 0.01)], ())
        await wait_until_async(lambda: core.inventory.all()[0].maker == "Roku")
        await close(core)

    asyncio.run(story())


def test_a_pause_says_who_made_it_and_a_name_with_a_space_is_a_slip(tmp_path: Path) -> None:
    async def story() -> None:
        core, registry = wire(tmp_path)
        rule = await registry.verbs["pause"]({"seconds": 60, "made_by": "command line"})
        assert rule is not None
        assert rule["made_by"] == "command line"
        with pytest.raises(Refused, match="no spaces") as refusal:
            registry.verbs["explain"]({"name": "a b.example"})
        assert refusal.value.field == "name"
        assert registry.verbs["explain"]({"name": "a\\032b.example"})["name"] == "a\\032b.example"
        await close(core)

    asyncio.run(story())


def health_of(core: Core, part: str) -> list[tuple[bool, str]]:
    return [(each.healthy, each.says) for each in core.health.parts() if each.part == part]


@pytest.mark.parametrize("lost", ["missing", "empty"])
def test_a_history_that_is_lost_is_said_so_and_a_new_one_begins(
    tmp_path: Path, neighbours: dict[str, str], lost: str
) -> None:
    async def story() -> None:
        core, _ = wire(tmp_path)
        await core.policy.add_rule(Action.BLOCK, ADS, made_by="dashboard")
        await close(core)
        assert health_of(core, "journal") == [], "a new box has lost nothing"
        for each in tmp_path.glob("journal.sqlite*"):
            each.unlink()
        if lost == "empty":
            (tmp_path / "journal.sqlite").touch()
        core, _ = wire(tmp_path)
        [(healthy, says)] = await wait_until_async(lambda: health_of(core, "journal"))
        assert healthy
        assert lost in says
        assert "in your backups only" in says
        assert core.policy.policy.decide("ads.example", None).blocked
        await close(core)

    asyncio.run(story())


@pytest.mark.parametrize(
    "with_copy",
    [True, pytest.param(False, marks=pytest.mark.expects_log("the devices of earlier days are not known"))],
)
def test_what_is_in_force_is_said_when_the_rules_cannot_be_read(
    tmp_path: Path, neighbours: dict[str, str], with_copy: bool
) -> None:
    async def story() -> None:
        core, _ = wire(tmp_path)
        await core.policy.add_rule(Action.BLOCK, ADS, made_by="dashboard")
        await close(core)
        (tmp_path / "policy.json").write_bytes(b"{")
        if not with_copy:
            (tmp_path / "journal.sqlite").write_bytes(b"junk" * 2000)
        core, _ = wire(tmp_path)
        [(healthy, says)] = health_of(core, "rules")
        assert healthy is with_copy is core.policy.policy.decide("ads.example", None).blocked
        assert ("The copy in the history is in force." in says) is with_copy
        assert ("none of your rules is in force" in says) is not with_copy
        assert ("The rules in the journal cannot be read" in says) is not with_copy
        await core.policy.add_rule(Action.BLOCK, ADS, made_by="dashboard")
        assert core.policy.problems == [], "the file is whole again"
        await close(core)

    asyncio.run(story())


@pytest.mark.expects_log("the devices of earlier days are not known")
def test_a_damaged_copy_of_the_rules_takes_nothing_away(tmp_path: Path, neighbours: dict[str, str]) -> None:
    async def story() -> None:
        core, _ = wire(tmp_path)
        await core.policy.add_rule(Action.BLOCK, ADS, made_by="dashboard")
        await close(core)
        (tmp_path / "journal.sqlite").write_bytes(b"junk" * 2000)
        core, _ = wire(tmp_path)
        [(healthy, says)] = health_of(core, "rules")
        assert healthy
        assert says.endswith("Those in policy.json are in force.")
        assert core.policy.policy.decide("ads.example", None).blocked
        await close(core)

    asyncio.run(story())
