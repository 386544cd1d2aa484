"""The rules' part: what people decide, and the presets they may choose."""

from __future__ import annotations

from typing import Any

from gateway.application.arguments import Arguments, known_device, number, text
from gateway.application.core import Core
from gateway.application.presets import preset_texts
from gateway.application.registry import Registry
from gateway.control.codec import action_from_json, rule_to_json, scope_from_json
from gateway.errors import Refused
from gateway.model.rule import ScopeKind
from gateway.model.tag import Category


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs on rules, presets and categories."""
    verbs = RuleVerbs(core, registry)
    registry.add_verbs(
        {
            "rules.list": verbs.list,
            "rules.add": verbs.add,
            "rules.remove": verbs.remove,
            "pause": verbs.pause,
            "presets": lambda _: {"presets": preset_texts()},
            "categories": lambda _: [category.value for category in Category],
        }
    )
    registry.add_end(core.policy.settle)


class RuleVerbs:
    """An answer comes when everybody who answers DNS follows the rule."""

    def __init__(self, core: Core, registry: Registry) -> None:
        self._policy, self._inventory, self._settled = core.policy, core.inventory, registry.settled

    def list(self, _: Arguments) -> dict[str, Any]:
        return {"rules": [rule_to_json(rule) for rule in self._policy.rules()]}

    async def add(self, arguments: Arguments) -> dict[str, Any]:
        value, seconds = dict(arguments), arguments.get("seconds")
        scope = scope_from_json(value)
        if scope.kind is ScopeKind.EVERYTHING and value.get("action") != "block":
            raise Refused("To allow everything for a while, pause filtering.", "everything")
        rule = await self._policy.add_rule(
            action_from_json(value.get("action")),
            scope,
            device=known_device(self._inventory, value.get("device")),
            seconds=None if seconds is None else number(seconds, "seconds"),
            made_by=text(arguments, "made_by", 64) or "dashboard",
            comment=text(arguments, "comment", 500),
        )
        await self._settled()
        return rule_to_json(rule)

    async def remove(self, arguments: Arguments) -> dict[str, Any]:
        rule = await self._policy.remove_rule(number(arguments.get("id"), "id"))
        await self._settled()
        return rule_to_json(rule)

    async def pause(self, arguments: Arguments) -> dict[str, Any] | None:
        seconds = arguments.get("seconds")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
            raise Refused("seconds is a whole number; 0 ends the pause.", "seconds")
        device = known_device(self._inventory, arguments.get("device"))
        rule = await self._policy.pause(device, seconds, made_by=text(arguments, "made_by", 64) or "dashboard")
        await self._settled()
        return rule_to_json(rule) if rule else None
