"""What the control socket can be asked: each verb is a method, its arguments are strangers' JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway import __version__
from gateway.application.box import Box
from gateway.application.cadence import MOST_TIMES
from gateway.application.explanation import MOST_TARGETS, explain, own_names
from gateway.application.presets import preset_texts
from gateway.classifier.known_resolvers import known_resolvers
from gateway.control.codec import action_from_json, device_to_json, rule_to_json, scope_from_json, time_to_json
from gateway.control.server import Handler
from gateway.errors import Refused
from gateway.lists.known import KNOWN_LISTS
from gateway.model.book import Subscription
from gateway.model.name import Name
from gateway.model.rule import Rule, ScopeKind
from gateway.model.tag import Category
from gateway.model.verdict import Action

Arguments = Mapping[str, Any]
_MOST_SERVERS = 1_000


class Verbs:
    """The verbs over one house. Every method takes the arguments' object and returns a JSON value."""

    def __init__(self, house: Box) -> None:
        self._house = house

    def table(self) -> dict[str, Handler]:
        """Verb to method."""
        return {
            "status": self.status,
            "rules.list": self.rules_list,
            "rules.add": self.rules_add,
            "rules.remove": self.rules_remove,
            "pause": self.pause,
            "presets": self.presets,
            "explain": self.explain,
            "devices.list": self.devices_list,
            "devices.update": self.devices_update,
            "lists.list": self.lists_list,
            "lists.add": self.lists_add,
            "lists.remove": self.lists_remove,
            "lists.refresh": self.lists_refresh,
            "company": self.company,
            "categories": self.categories,
            "resolvers.whose": self.resolvers_whose,
        }

    def status(self, _: Arguments) -> dict[str, Any]:
        house = self._house
        journal = {f"journal_{name}": count for name, count in house.writer.counters().items()}
        accounts = {
            f"network_{name}": count for name, count in (house.accounts.counters if house.accounts else {}).items()
        }
        answered: dict[str, Any] = house.resolver.counters()
        latency: dict[str, Any] = house.resolver.latencies()
        if house.workers is not None:
            answered = {**house.workers.add_counters(answered), "workers": house.workers.at_work}
            latency = house.workers.add_latencies(latency)
        pauses = [
            rule
            for rule in house.policy.rules()
            if rule.scope.kind is ScopeKind.EVERYTHING and rule.action is Action.ALLOW
        ]
        return {
            "version": __version__,
            "started": time_to_json(house.started),
            "uptime_s": round((datetime.now(UTC) - house.started).total_seconds(), 1),
            "now": time.time(),
            "dns": house.listening,
            "simulated": house.settings.simulated,
            "generation": house.policy.policy.generation,
            "listed_names": house.policy.listed_names,
            "blocking": house.policy.blocks,
            "pauses": [{"device": rule.device, "ends": time_to_json(rule.ends)} for rule in pauses],
            "health": [{"part": h.part, "healthy": h.healthy, "says": h.says} for h in house.health.parts()],
            "upstreams": [asdict(state) for state in house.resolver.upstreams()],
            "counters": {**answered, **journal, **accounts},
            "latency": latency,
        }

    def rules_list(self, _: Arguments) -> dict[str, Any]:
        return {"rules": [rule_to_json(rule) for rule in self._house.policy.rules()]}

    async def rules_add(self, arguments: Arguments) -> dict[str, Any]:
        value = dict(arguments)
        scope = scope_from_json(value)
        if scope.kind is ScopeKind.EVERYTHING and value.get("action") != "block":
            raise Refused("To allow everything for a while, pause filtering.", "everything")
        rule = await self._house.policy.add_rule(
            action_from_json(value.get("action")),
            scope,
            device=self._device(value.get("device")),
            seconds=_seconds(value.get("seconds")),
            made_by=_text(value, "made_by", 64) or "dashboard",
            comment=_text(value, "comment", 500),
        )
        await self._house.settled()
        return rule_to_json(rule)

    async def rules_remove(self, arguments: Arguments) -> dict[str, Any]:
        rule = await self._house.policy.remove_rule(_number(arguments.get("id"), "id"))
        await self._house.settled()
        return rule_to_json(rule)

    async def pause(self, arguments: Arguments) -> dict[str, Any] | None:
        seconds = arguments.get("seconds")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
            raise Refused("seconds is a whole number; 0 ends the pause.", "seconds")
        device = self._device(arguments.get("device"))
        made_by = _text(dict(arguments), "made_by", 64) or "dashboard"
        rule: Rule | None = await self._house.policy.pause(device, seconds, made_by=made_by)
        await self._house.settled()
        return rule_to_json(rule) if rule else None

    def presets(self, _: Arguments) -> dict[str, Any]:
        return {"presets": preset_texts()}

    def explain(self, arguments: Arguments) -> dict[str, Any]:
        """`targets` are the names that the name led to when it was looked up last; `times` are its last look-ups, in
        seconds since 1970, by how many `devices`.
        """
        name = _name(arguments.get("name"))
        device = self._device(arguments.get("device"))
        known = self._house.inventory.get(device) if device else None
        maker = known.maker if known else ""
        targets = _targets(arguments.get("targets"))
        times = _times(arguments.get("times"))
        devices = max(1, _number(arguments.get("devices", 1), "devices"))
        house, own = self._house, own_names(self._house.settings)
        return explain(name, device, maker, house.classifier, house.policy, targets, times, devices, own)

    def devices_list(self, _: Arguments) -> dict[str, Any]:
        return {"devices": [device_to_json(device) for device in self._house.inventory.all()]}

    def devices_update(self, arguments: Arguments) -> dict[str, Any]:
        changes = {key: arguments[key] for key in ("name", "kind", "maker") if arguments.get(key) is not None}
        for key, value in changes.items():
            if not isinstance(value, str):
                raise Refused(f"{key} is a text.", key)
        device = self._device(arguments.get("id"))
        if device is None:
            raise Refused("Say which device: its id.", "id")
        return device_to_json(self._house.inventory.update(device, **changes))

    def lists_list(self, _: Arguments) -> dict[str, Any]:
        details = self._house.lists.details()
        lists = [_list_to_json(each, details.get(str(each.id), {})) for each in self._house.policy.book.lists]
        known = [asdict(each) for each in KNOWN_LISTS]
        return {"lists": lists, "refreshing": self._house.lists.refreshing, "known": known}

    async def lists_add(self, arguments: Arguments) -> dict[str, Any]:
        source = _text(dict(arguments), "source", 2000)
        added = await self._house.policy.add_list(
            source,
            title=_text(dict(arguments), "title", 200),
            action=action_from_json(arguments.get("action", "block")),
            comment=_text(dict(arguments), "comment", 500),
        )
        self._house.lists.want()
        return _list_to_json(added, {})

    async def lists_remove(self, arguments: Arguments) -> dict[str, Any]:
        removed = await self._house.policy.remove_list(_number(arguments.get("id"), "id"))
        self._house.lists.want()
        return _list_to_json(removed, {})

    def lists_refresh(self, _: Arguments) -> dict[str, Any]:
        self._house.lists.want(fetch=True)
        return {"started": True}

    def company(self, arguments: Arguments) -> dict[str, Any] | None:
        name = _text(dict(arguments), "name", 200)
        company = self._house.classifier.company(name)
        return asdict(company) if company else None

    def resolvers_whose(self, arguments: Arguments) -> dict[str, str]:
        """Who runs these resolvers, by address or name; of those that nobody knows nothing."""
        servers = arguments.get("servers")
        if not isinstance(servers, list) or len(servers) > _MOST_SERVERS:
            raise Refused(f"servers are at most {_MOST_SERVERS} texts.", "servers")
        operators = known_resolvers().operators
        return {each: operators[each] for each in servers if isinstance(each, str) and each in operators}

    def categories(self, _: Arguments) -> list[str]:
        return [category.value for category in Category]

    def _device(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or self._house.inventory.get(value) is None:
            raise Refused("There is no such device; `telltale devices` lists them.", "device")
        return value


def _list_to_json(each: Subscription, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": each.id,
        "source": each.source,
        "title": each.title or str(detail.get("title") or "") or each.source,
        "action": each.action.value,
        "enabled": each.enabled,
        "comment": each.comment,
        "added": time_to_json(each.added),
        "syntax": detail.get("syntax"),
        "entries": detail.get("entries", 0),
        "skipped": detail.get("skipped", {}),
        "fetched": detail.get("fetched"),
        "error": detail.get("error"),
    }


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1024:
        raise Refused("Say a domain name.", "name")
    try:
        return Name.typed(value).text
    except ValueError as error:
        raise Refused(str(error), "name") from None


def _targets(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_TARGETS:
        raise Refused(f"targets are at most {MOST_TARGETS} domain names.", "targets")
    return tuple(_name(each) for each in value)


def _times(value: Any) -> tuple[float, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_TIMES:
        raise Refused(f"times are at most {MOST_TIMES} numbers.", "times")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        raise Refused("times are numbers: seconds since 1970.", "times")
    return tuple(value)


def _number(value: Any, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"{key} is a whole number.", key)
    return value


def _seconds(value: Any) -> int | None:
    return None if value is None else _number(value, "seconds")


def _text(arguments: dict[str, Any], key: str, most: int) -> str:
    value = arguments.get(key) or ""
    if not isinstance(value, str) or len(value) > most:
        raise Refused(f"{key} is a text of at most {most} characters.", key)
    return value.strip()
