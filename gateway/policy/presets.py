"""What the policy asks about presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.policy.snapshot import PresetBlocks, never_blocks


@dataclass(frozen=True, slots=True)
class Presets:
    """`preset_blocks` says what a preset stops, `makers` gives device ids with the makers of these devices."""

    preset_blocks: PresetBlocks = never_blocks
    makers: Callable[[], Mapping[str, str]] = dict
