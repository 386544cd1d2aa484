"""What a policy does to lookups at the moment, and the name under which DNS itself says so."""

from __future__ import annotations

from enum import Enum
from typing import Final

PROBE: Final = "filtering.telltale.invalid"
"""A TXT record that only a box of ours has. Below .invalid (RFC 6761), so that nobody asks anybody else for it."""


class Effect(Enum):
    """For everyone: a device of its own rules may fare otherwise."""

    BLOCKS = "blocks"
    PAUSED = "paused"
    NOTHING = "nothing"
    """No rule, preset or list is there that could block anything."""
