"""A thing that stands on the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.mac import Mac


@dataclass(frozen=True, slots=True)
class Device:
    """`id` is "mac:aa:bb:cc:dd:ee:ff", or "ip:192.0.2.7" while no MAC is known.

    `name` is what the person calls it, else `host` (what it calls itself), else empty. `maker` is the company whose
    device it is, as the knowledge base spells it; `kind` is "television", "phone", ... or "". Addresses are textual.
    """

    id: str
    mac: Mac | None
    addresses: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    name: str = ""
    host: str = ""
    vendor: str = ""
    maker: str = ""
    kind: str = ""
    simulated: bool = False

    @property
    def label(self) -> str:
        """What the dashboard calls it: never empty."""
        return self.name or self.host or self.vendor or (self.addresses[0] if self.addresses else self.id)
