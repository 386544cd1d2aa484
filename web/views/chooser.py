"""How much the televisions may tell: the presets as cards, with the one in force marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.catalogue.preset_words import at_home
from gateway.model.rule import PRESET_OFF
from web.rule_index import RuleIndex
from web.views.frame import ask, call

AS_EVERYONE = "as-everyone"


def chooser(rules: RuleIndex, device: str | None = None) -> dict[str, Any]:
    """`choices` (preset, title, stops, costs, here, chosen), the `rule` that chose, and `inherited`, the title of what
    counts for everyone. A device has one choice more: to do as everyone does. No choices while nobody can be asked.
    """
    answer: dict[str, Any] = ask(lambda: call("presets"), {})
    effects: dict[str, Any] = ask(lambda: call("presets.effects"), {})
    figures = effects.get("home", {}) if device is None else effects.get("devices", {}).get(device, {})
    presets: list[dict[str, Any]] = [
        {**each, "here": at_home(figures.get(each["preset"]))} for each in answer.get("presets", ())
    ]
    titles = {each["preset"]: each["title"] for each in presets}
    everyone = _value(rules.preset())
    rule = rules.preset(device)
    chosen = _value(rule)
    if device is not None:
        chosen = chosen if rule else AS_EVERYONE
        inherited = f"{titles.get(everyone, everyone)} is on for everyone."
        if everyone == PRESET_OFF:
            inherited = "No preset is on for everyone."
        if presets:
            presets.insert(0, {"preset": AS_EVERYONE, "title": "As everyone", "stops": inherited, "costs": ""})
    return {
        "device": device,
        "rule": rule,
        "chosen": chosen,
        "choices": [{**each, "chosen": each["preset"] == chosen} for each in presets],
    }


def says_something(rule: Mapping[str, Any]) -> bool:
    """False for the rule that everyone has no preset, for ever: it is as if nobody had chosen."""
    return not (rule.get("preset") == PRESET_OFF and not rule.get("device") and not rule.get("ends"))


def _value(rule: Mapping[str, Any] | None) -> str:
    return str(rule["preset"]) if rule else PRESET_OFF
