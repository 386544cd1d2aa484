"""Bytes per device and server, as the kernel's connection tracking counts them. No payload, no packet in Python.

The kernel tells of flows that end with their final counts, and holds them back while we are slow; a dump tells how far
the others are. Of each flow that goes on, the last count is remembered, so a byte is counted once. Bytes are those of
IP packets, headers included, on the televisions' side of the address translation: what the device asked for, not what
it was turned into. What is not ours to count is left out: flows that end here, such as DNS that was turned to us.

Connections that began at different moments are distinguished: an address that is shared means one name now and
another one a second later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from gateway.model.flow import FlowCount
from gateway.network.conntrack import Connection, ConntrackSocket, Tuple5
from gateway.network.phrases import Network

PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}
MOST_REMEMBERED: Final = 1 << 17
_DUMPS_TO_FORGET: Final = 30
_MOST_ROUNDS: Final = 100
_A_MOMENT: Final = 10_000_000
"""Nanoseconds: connections to one server and port that begin within as many are one, as a page opens several."""

_Key = tuple[int, int, Tuple5]
_Place = tuple[str, str, int, int, int]


@dataclass(slots=True)
class _Going:
    up: int
    down: int
    round: int


@dataclass(slots=True)
class _Sum:
    up: int = 0
    down: int = 0
    connections: int = 0
    started: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(slots=True)
class FlowLedger:
    """The arithmetic, without a kernel. `networks` are the televisions'; `since` is when it last looked."""

    networks: Sequence[Network]
    since: datetime
    _going: dict[_Key, _Going] = field(default_factory=dict)
    _round: int = 0

    def begin(self, going: Iterable[Connection]) -> None:
        """What goes on already was counted before, by whoever counted then."""
        for connection in going:
            if self.is_counted(connection):
                self._going[_key(connection)] = _Going(connection.up, connection.down, self._round)

    def measure(self, ended: Iterable[Connection], going: Iterable[Connection], now: datetime) -> list[FlowCount]:
        """What is new. `ended` and `going` may hold a flow twice; `going` must have been read after `ended`."""
        self._round += 1
        sums: dict[_Place, _Sum] = {}
        gone: set[_Key] = set()
        for connection in ended:
            key = _key(connection)
            if key in gone or not self.is_counted(connection):
                continue
            gone.add(key)
            self._add(sums, connection, self._going.pop(key, None), now)
        for connection in going:
            key = _key(connection)
            if key in gone or not self.is_counted(connection):
                continue
            known = self._going.get(key)
            if known is None and len(self._going) >= MOST_REMEMBERED:
                continue  # It is counted when it ends.
            self._add(sums, connection, known, now)
            self._going[key] = _Going(connection.up, connection.down, self._round)
        if self._round % _DUMPS_TO_FORGET == 0:
            oldest = self._round - _DUMPS_TO_FORGET
            self._going = {key: flow for key, flow in self._going.items() if flow.round > oldest}
        counts = [_count(key, total, self.since, now) for key, total in sums.items()]
        self.since = now
        return counts

    def is_counted(self, connection: Connection) -> bool:
        """Begun by a television, towards something beyond the televisions' network and beyond this box."""
        source, target = ip_address(connection.original.source), ip_address(connection.original.target)
        if not any(source in network for network in self.networks) or target.is_multicast:
            return False
        answerer = ip_address(connection.reply.source)
        if answerer.is_link_local or answerer.is_loopback:
            return False
        return not any(target in network or answerer in network for network in self.networks)

    def _add(
        self,
        sums: dict[_Place, _Sum],
        connection: Connection,
        known: _Going | None,
        now: datetime,
    ) -> None:
        up, down = connection.up, connection.down
        if known is not None and up >= known.up and down >= known.down:
            up, down = up - known.up, down - known.down
        if known is not None and not up and not down:
            return
        asked = connection.original
        port = 0 if asked.protocol in (1, 58) else asked.target_port
        moment = connection.started // _A_MOMENT
        total = sums.setdefault((asked.source, asked.target, asked.protocol, port, moment), _Sum())
        total.up += up
        total.down += down
        total.connections += known is None
        total.started = min(connection.started, total.started or connection.started)
        first = self._moment(connection.started, self.since, now) if known is None else self.since
        last = self._moment(connection.stopped, now, now) if connection.ended else now
        total.first = min(first, total.first or first)
        total.last = max(last, total.last or last)

    def _moment(self, nanoseconds: int, otherwise: datetime, now: datetime) -> datetime:
        """The kernel's time, kept inside the span that this look covers: its clock may have jumped."""
        if not nanoseconds:
            return otherwise
        try:
            return min(now, max(self.since, datetime.fromtimestamp(nanoseconds / 1e9, UTC)))
        except (OverflowError, OSError, ValueError):
            return otherwise


def _key(connection: Connection) -> _Key:
    return connection.id, connection.started, connection.original


def _count(key: _Place, total: _Sum, since: datetime, now: datetime) -> FlowCount:
    client, server, protocol, port, _moment = key
    return FlowCount(
        client,
        server,
        PROTOCOLS.get(protocol, str(protocol)),
        port,
        total.up,
        total.down,
        total.connections,
        total.first or since,
        total.last or now,
        _time_of(total.started),
    )


def _time_of(nanoseconds: int) -> datetime | None:
    """The kernel's own time (64 bits, so until the year 2554), None when it keeps none."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC) if nanoseconds else None


class FlowMeter:
    """Reads the kernel and keeps the ledger. Look at least every few seconds: flows that end wait in the kernel."""

    def __init__(self, networks: Sequence[Network], now: datetime) -> None:
        """Raises NetworkError."""
        self._ends = ConntrackSocket(hears_ends=True)
        try:
            self._dumps = ConntrackSocket()
        except BaseException:
            self._ends.close()
            raise
        self._ledger = FlowLedger(tuple(networks), now)
        self._ended: list[Connection] = []
        try:
            going = self._dumps.dump()
            self._ends.ends()
            self._ledger.begin(going)
        except BaseException:
            self.close()
            raise

    def watch(self, networks: Sequence[Network]) -> None:
        """Other networks from now on."""
        self._ledger.networks = tuple(networks)

    def measure(self, now: datetime) -> list[FlowCount]:
        """What devices and servers exchanged since the last look. Raises NetworkError; then nothing is lost."""
        for _ in range(_MOST_ROUNDS):
            more, held = self._ends.ends()
            self._ended += more
            if not held:
                break
        going = self._dumps.dump()
        ended, self._ended = self._ended, []
        return self._ledger.measure(ended, going, now)

    def close(self) -> None:
        self._ends.close()
        self._dumps.close()
