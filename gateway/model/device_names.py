"""What the devices of a home are called in DNS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.address import Address


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """`names` are canonical, each below `domain`, with the addresses that it leads to; `owners` says to which of them
    the reverse lookup of an address leads. `complete` when `domain` has no other names than these: then it is our own.
    """

    domain: str = ""
    names: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    owners: Mapping[Address, str] = field(default_factory=dict)
    complete: bool = False

    def differences(self, other: DeviceNames) -> frozenset[str] | None:
        """The canonical names whose answers differ, reverse names and first labels too; None: perhaps any."""
        if (self.domain, self.complete) != (other.domain, other.complete):
            return None
        changed = {name for name, _ in self.names.items() ^ other.names.items()}
        labels = {name.partition(".")[0] for name in changed}
        moved = {address.reverse_pointer for address, _ in self.owners.items() ^ other.owners.items()}
        return frozenset(changed | labels | moved)
