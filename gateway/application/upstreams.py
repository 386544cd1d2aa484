"""Whom every process that answers DNS asks itself."""

from __future__ import annotations

from collections.abc import Callable

from gateway.model.event import HealthChanged
from gateway.model.reverse_zone import zones_of
from gateway.resolver.upstream import Upstream, open_upstreams
from gateway.settings import Settings


def open_all_upstreams(
    settings: Settings, report: Callable[[HealthChanged], None]
) -> tuple[list[Upstream], dict[str, list[Upstream]]]:
    """Whom to ask about everything, and whom about each forward zone. Raises SettingsError."""
    opened: dict[tuple[str, ...], list[Upstream]] = {}

    def resolvers(urls: tuple[str, ...]) -> list[Upstream]:
        if urls not in opened:
            opened[urls] = open_upstreams(
                urls,
                bootstrap=settings.bootstrap,
                time_servers=[(each.host, each.port) for each in settings.time_servers],
                report=report,
            )
        return opened[urls]

    zones = {zone: resolvers(urls) for given, urls in settings.forward.items() for zone in zones_of(given)}
    return resolvers(settings.upstreams), zones
