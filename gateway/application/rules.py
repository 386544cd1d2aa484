"""The rules' part: what people decide, and the presets they may choose."""

from __future__ import annotations

from typing import Any

from gateway.application.arguments import Arguments, known_device
from gateway.application.core import Core
from gateway.application.presets import preset_texts
from gateway.application.registry import Registry
from gateway.control.codec import rule_to_json
from gateway.errors import Refused
from gateway.model.rule import Scope, ScopeKind
from gateway.model.tag import Category
from gateway.schema.checking import checked
from gateway.schema.requests import AddRule, Numbered, Pause


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs on rules, presets and categories."""
    verbs = RuleVerbs(core, registry)
    registry.add_verbs(
        {
            "rules.list": verbs.list,
            "rules.add": checked(AddRule, verbs.add),
            "rules.remove": checked(Numbered, verbs.remove),
            "pause": checked(Pause, verbs.pause),
            "presets": lambda _: {"presets": preset_texts()},
            "categories": lambda _: [category.value for category in Category],
        }
    )
    registry.add_end(core.policy.settle)


class RuleVerbs:
    """An answer comes when everybody who answers DNS follows the rule."""

    def __init__(self, core: Core, registry: Registry) -> None:
        self._policy, self._inventory, self._settled = core.policy, core.inventory, registry.settled
        self._services = {each.name.casefold(): each.name for each in core.classifier.services()}

    def list(self, _: Arguments) -> dict[str, Any]:
        return {"rules": [rule_to_json(rule) for rule in self._policy.rules()]}

    async def add(self, asked: AddRule) -> dict[str, Any]:
        rule = await self._policy.add_rule(
            asked.action,
            self._known(asked.scope),
            device=known_device(self._inventory, asked.device),
            seconds=asked.seconds,
            made_by=asked.made_by,
            comment=asked.comment or "",
        )
        await self._settled()
        return rule_to_json(rule)

    def _known(self, scope: Scope) -> Scope:
        """A rule on an app that nobody knows would stop nothing, and say that it does. A company may be known to nobody
        but a list that comes later.
        """
        if scope.kind is not ScopeKind.SERVICE:
            return scope
        name = self._services.get(scope.value.casefold())
        if name is None:
            raise Refused("rules.no-such-service", "service")
        return Scope(scope.kind, name)

    async def remove(self, asked: Numbered) -> dict[str, Any]:
        rule = await self._policy.remove_rule(asked.id)
        await self._settled()
        return rule_to_json(rule)

    async def pause(self, asked: Pause) -> dict[str, Any] | None:
        device = known_device(self._inventory, asked.device)
        rule = await self._policy.pause(device, asked.seconds, made_by=asked.made_by)
        await self._settled()
        return rule_to_json(rule) if rule else None
