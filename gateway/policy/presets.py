"""What the policy asks about presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gateway.policy.usage import Usage


class Ruling(NamedTuple):
    """What a preset says of a name on one device.

    `needed_by` are the services in use there, or the maker, for whose sake the name is left open although the preset
    stops it elsewhere. `depends` is true where a service that is not in use could be what needs it; `kept` where it is
    not stopped anyway, and something breaks without it on this device.
    """

    blocks: bool
    needed_by: tuple[str, ...] = ()
    depends: bool = False
    kept: bool = False


LEFT_ALONE = Ruling(False)
PresetRules: TypeAlias = Callable[[str, str, str, frozenset[str]], Ruling]
"""(preset, canonical name, maker of the asking device or "", services in use there) -> what the preset says."""


def never_blocks(preset: str, name: str, maker: str, services: frozenset[str]) -> Ruling:
    """For a home without presets."""
    return LEFT_ALONE


@dataclass(frozen=True, slots=True)
class Presets:
    """`rule_on` says what a preset stops, `makers` gives device ids with the makers of these devices, and `usage` knows
    which services are used on them.
    """

    rule_on: PresetRules = never_blocks
    makers: Callable[[], Mapping[str, str]] = dict
    usage: Usage = field(default_factory=Usage)
