"""What a person decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from gateway.model.verdict import Action

PRESETS: Final = ("calm", "quiet", "silent")
PRESET_OFF: Final = "off"


class ScopeKind(Enum):
    """What a rule speaks of. EVERYTHING is a pause when it allows, and cuts a device off when it blocks.

    PRESET is a ready-made choice of what a television may contact, weaker than every rule on something named. SERVICE
    is an app with all that belongs to it, TRACKERS only what watches in a service, or at a company.
    """

    NAME = "name"
    SUBTREE = "subtree"
    SERVICE = "service"
    TRACKERS = "trackers"
    COMPANY = "company"
    CATEGORY = "category"
    EVERYTHING = "everything"
    PRESET = "preset"


@dataclass(frozen=True, slots=True)
class Scope:
    """`value` is a canonical name, the name of a service or a company, a category's value, "" for EVERYTHING, or for
    PRESET one of PRESETS; PRESET_OFF, which allows, says that the preset for everyone does not count for this device.
    """

    kind: ScopeKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """`device` is a device id, or None for everyone; `ends` is an aware UTC time, or None for ever.

    `id` is 0 until the rule is stored. `made_by` says who made it ("dashboard", "command line", ...).
    """

    action: Action
    scope: Scope
    made: datetime
    made_by: str
    device: str | None = None
    ends: datetime | None = None
    comment: str = ""
    id: int = 0

    def replaces(self, old: Rule) -> bool:
        """True when both cannot stand: same device, and this newer one speaks of all that the old one speaks of, for as
        long.
        """
        mine, other = self.scope, old.scope
        if self.device != old.device or (self.ends is not None and old.ends is None):
            return False
        if mine.kind is ScopeKind.SUBTREE and other.kind is ScopeKind.NAME:
            return mine.value == other.value
        if mine.kind is other.kind is ScopeKind.PRESET:
            return True
        return mine.kind is other.kind and mine.value.casefold() == other.value.casefold()

    def is_over(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now
