"""What went through the gateway, as the kernel counted it: never what was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.mac import Mac


@dataclass(frozen=True, slots=True)
class FlowCount:
    """What one device and one server exchanged since the last count: bytes up (from the device) and down, of new or
    going connections on one server port. Addresses are textual; `client` is the device's, `protocol` "tcp", "udp", ...

    `connections` counts those that began in this span. `first` and `last` are aware UTC, and so is `began`: when these
    connections, all within a hundredth of a second, began; None where the kernel does not say.
    """

    client: str
    server: str
    protocol: str
    port: int
    up: int
    down: int
    connections: int
    first: datetime
    last: datetime
    began: datetime | None = None


class Detour(Enum):
    """A way round the resolver."""

    DNS = "plain DNS to another resolver"
    DOT = "DNS over TLS"
    DOQ = "DNS over QUIC"
    DOH_ADDRESS = "DNS over HTTPS, by address"
    DOH_NAME = "DNS over HTTPS, by name"
    TIME = "another time server"
    UNEXPLAINED = "an address that no answer of ours explains"


class Outcome(Enum):
    """What we did about it."""

    ANSWERED = "answered by us"
    REFUSED = "refused"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often one device tried one detour to one server since the last count. `mac` is None where it is not known.

    `server` is a textual address, or a name for DOH_NAME; `count` is datagrams, connections or lookups; `bytes` only
    where known. Times are aware UTC.
    """

    mac: Mac | None
    detour: Detour
    server: str
    protocol: str
    port: int
    outcome: Outcome
    count: int
    first: datetime
    last: datetime
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Bytes that a device and one name, or with None somebody whom no answer explains, exchanged within the hour that
    `when` (aware UTC) lies in. `device` is a device id, `name` canonical.
    """

    device: str
    name: str | None
    when: datetime
    up: int
    down: int
    connections: int
