"""The lists' part: which ones people subscribed to, and that those in force are fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from gateway.application.answering import mapped_owners
from gateway.application.arguments import Arguments
from gateway.application.core import Core, utc_now
from gateway.application.list_job import OWNER_SYNTAX, shrinking_of
from gateway.application.list_runner import ListRunner
from gateway.application.registry import Registry
from gateway.catalogue.sentences import Notice
from gateway.control.codec import time_to_json
from gateway.errors import Refused, TelltaleError
from gateway.lists.compiled import CompiledLists
from gateway.lists.known import KNOWN_LISTS, known_at
from gateway.model.book import Subscription
from gateway.model.event import HealthChanged
from gateway.schema.checking import checked
from gateway.schema.requests import AddList, Numbered

_LOOK_EVERY = 30.0


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs on lists, and the tasks that fetch and compile them."""
    runner = ListRunner(core.settings, lambda: core.policy.book, partial(_in_force, core), partial(_report, core))
    verbs = ListVerbs(core, runner)
    registry.add_verbs(
        {
            "lists.list": verbs.list,
            "lists.add": checked(AddList, verbs.add),
            "lists.remove": checked(Numbered, verbs.remove),
            "lists.accept": checked(Numbered, verbs.accept),
            "lists.refresh": verbs.refresh,
        }
    )
    registry.add_task("lists", partial(_serve, core, runner))
    registry.add_task("list ages", partial(_look, core, runner))


async def _serve(core: Core, runner: ListRunner) -> None:
    subscribed = {each.source for each in core.policy.book.lists}
    for source in core.settings.lists:
        if source not in subscribed:
            try:
                await core.policy.add_list(source, title="", comment="given at start")
            except TelltaleError as error:
                _report(core, False, error.notice)
    runner.want()
    await runner.run()


async def _look(core: Core, runner: ListRunner) -> None:
    max_age = timedelta(hours=core.settings.refresh_hours)
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        runner.look(utc_now(), max_age)


def _in_force(core: Core, compiled: CompiledLists) -> None:
    if core.classifier.heed(mapped_owners(core.settings)):
        core.recording.writer.learn_anew()
    core.events.lists_compiled()
    core.policy.swap_lists(compiled)


def _report(core: Core, healthy: bool, notice: Notice) -> None:
    core.health.report(HealthChanged("lists", healthy, notice))


class ListVerbs:
    """An answer comes when the subscription is stored; its names are in force after the next run."""

    def __init__(self, core: Core, runner: ListRunner) -> None:
        self._policy, self._runner = core.policy, runner

    def list(self, _: Arguments) -> dict[str, Any]:
        details = self._runner.details()
        lists = [_to_json(each, details.get(str(each.id), {})) for each in self._policy.book.lists]
        known = [asdict(each) for each in KNOWN_LISTS]
        return {"lists": lists, "refreshing": self._runner.refreshing, "known": known}

    async def add(self, asked: AddList) -> dict[str, Any]:
        added = await self._policy.add_list(asked.source, title=asked.title, action=asked.action, comment=asked.comment)
        self._runner.want()
        return _to_json(added, {})

    async def remove(self, asked: Numbered) -> dict[str, Any]:
        removed = await self._policy.remove_list(asked.id)
        self._runner.want()
        return _to_json(removed, {})

    async def accept(self, asked: Numbered) -> dict[str, Any]:
        """Takes a list that fell to a fraction of itself. Raises Refused when none of this id waits."""
        found = next((each for each in self._policy.book.lists if each.id == asked.id), None)
        if found is None:
            raise Refused("rules.no-such-list", "id")
        try:
            taken = await self._runner.take_held(asked.id)
        except OSError as error:
            raise Refused("lists.list-cannot-stored", "id", strerror=error.strerror or error) from error
        if not taken:
            raise Refused("lists.list-not-shrunken", "id")
        return _to_json(found, self._runner.details().get(str(found.id), {}))

    def refresh(self, _: Arguments) -> dict[str, Any]:
        self._runner.want(fetch=True)
        return {"started": True}


def _to_json(each: Subscription, detail: Mapping[str, Any]) -> dict[str, Any]:
    known = known_at(each.source)
    return {
        "id": each.id,
        "source": each.source,
        "title": each.title or str(detail.get("title") or "") or each.source,
        "action": each.action.value,
        "enabled": each.enabled,
        "comment": each.comment,
        "added": time_to_json(each.added),
        "kind": "owners" if detail.get("syntax") == OWNER_SYNTAX or (known and known.suits == "owners") else "names",
        "licence": known.licence if known and known.licence else None,
        "syntax": detail.get("syntax"),
        "entries": detail.get("entries", 0),
        "skipped": detail.get("skipped", {}),
        "fetched": detail.get("fetched"),
        "error": detail.get("error"),
        "shrinking": shrinking_of(detail),
    }
