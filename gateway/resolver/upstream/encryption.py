"""What encrypted upstreams lean on: somebody who knows where they are, the time, and whom to trust."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model.event import HealthChanged
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.clock import TIME_SERVERS, Clock
from gateway.resolver.upstream.tls import Trust

_NTP = 123


def _ignore(change: HealthChanged) -> None:
    """Nobody wants to know."""


def time_servers(given: Sequence[tuple[str, int]] = ()) -> Sequence[tuple[str, int]]:
    """Whom to ask for the time: those that the settings name, else well-known ones."""
    return given or tuple((server, _NTP) for server in TIME_SERVERS)


def keep_time(servers: Sequence[tuple[str, int]] = (), report: Callable[[HealthChanged], None] = _ignore) -> Clock:
    """A clock that asks these time servers, or well-known ones when there are none."""
    return Clock(time_servers(servers), report)


@dataclass(slots=True)
class Encryption:
    """Shared by all encrypted upstreams; `roots` is a file of certificates instead of the machine's own."""

    bootstrap: Bootstrap = field(default_factory=lambda: Bootstrap(()))
    clock: Clock = field(default_factory=keep_time)
    roots: Path | None = None
    _trusts: dict[tuple[str, ...], Trust] = field(default_factory=dict)

    def trust(self, protocols: tuple[str, ...] = ()) -> Trust:
        """Whom to believe who speaks one of these protocols (ALPN, RFC 7301)."""
        if protocols not in self._trusts:
            self._trusts[protocols] = Trust(self.clock, protocols=protocols, roots=self.roots)
        return self._trusts[protocols]
