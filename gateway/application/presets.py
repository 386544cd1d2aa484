"""Presets between the rooms: the classifier knows what they stop, the policy asks, people read what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.classifier.presets import CERTAIN, SOMETHING_BREAKS, Preset, blocks, describe
from gateway.classifier.service import Classifier
from gateway.model.rule import PRESET_OFF
from gateway.model.tag import Tag
from gateway.policy.presets import PresetRules, Ruling

_OFF = (
    "Off",
    "Stops nothing by itself. Your rules and your lists still count.",
    "Nothing. Everybody whom your televisions contact is reached.",
)


def judge(classifier: Classifier) -> PresetRules:
    """What the policy asks of a name: the tag is made for the device's maker, so that its party is right."""

    def rule_on(preset: str, name: str, maker: str, services: frozenset[str]) -> Ruling:
        chosen = Preset(preset)
        # A guess moves only the preset that stops whatever nobody needs.
        tag = classifier.tag(name, (), maker) if chosen is Preset.SILENT else classifier.sure_tag(name, maker)
        stops = blocks(chosen, tag)
        if not tag.needed_by:
            return Ruling(stops, kept=not stops and tag.need in SOMETHING_BREAKS)
        needers = services | classifier.makers_of(maker)
        needed_by = tuple(each for each in tag.needed_by if each in needers)
        if not stops:
            return Ruling(False, kept=bool(needed_by))
        return Ruling(not needed_by, needed_by, depends=not needed_by)

    return rule_on


def blocking(tag: Tag, behind: Iterable[Tag] = ()) -> list[str]:
    """The presets that block a name with this tag, which leads to names `behind`; the mildest first."""
    watching = [each for each in behind if each.category.tracks and each.confidence >= CERTAIN]
    kept = tag.need in SOMETHING_BREAKS and not tag.needed_by
    tags = [tag] if kept else [tag, *watching]
    return [preset.value for preset in Preset if any(blocks(preset, each) for each in tags)]


def title(preset: str) -> str:
    """What people call it: "Calm"."""
    return _OFF[0] if preset == PRESET_OFF else describe(Preset(preset))[0]


def preset_texts() -> list[dict[str, Any]]:
    """Every choice for a person, "off" first: its title, what it stops and what it costs."""
    said = [(PRESET_OFF, _OFF), *((preset.value, describe(preset)) for preset in Preset)]
    return [{"preset": value, "title": says[0], "stops": says[1], "costs": says[2]} for value, says in said]
