"""The order of things: one list, each place with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.resolver.cache import Cache
from gateway.resolver.filter import Filter
from gateway.resolver.forward_zones import ForwardZones
from gateway.resolver.forwarder import Forwarder
from gateway.resolver.guard import Guard
from gateway.resolver.link import Handler, Link
from gateway.resolver.local_zone import LocalZone
from gateway.resolver.minimal import Minimal
from gateway.resolver.rebinding import Rebinding
from gateway.resolver.recorder import Recorder
from gateway.resolver.throttle import ClientThrottle


@dataclass(frozen=True, slots=True)
class Links:
    """Every part of the chain, made and ready."""

    recorder: Recorder
    guard: Guard
    local_zone: LocalZone
    policy: Filter
    minimal: Minimal
    rebinding: Rebinding
    cache: Cache
    throttle: ClientThrottle
    forwarder: Forwarder | ForwardZones


def order(links: Links) -> list[Link]:
    """The links from the top; what none of them answers, the forwarder does."""
    return [
        # First, so that whatever happens below is logged, failures too, and nothing below can end the service.
        links.recorder,
        # Above everything that costs or tells anything: a stranger must not even learn which names are local.
        links.guard,
        # Above the policy: nobody may block the dashboard's own name, and special names mean the same on every list.
        links.local_zone,
        # Above the cache: a click needs no flush, and devices differ while the cache is shared. It sees each answer on
        # its way up, from the cache as well, so that a cloaked tracker is caught under today's rules.
        links.policy,
        # Below the policy, so that a blocked name is blocked for every type; above everything that asks somebody.
        links.minimal,
        # Above the cache: what was kept while it was allowed is looked at again, and an exception works at once. Below
        # the policy: an answer that is withheld anyway need not be examined.
        links.rebinding,
        # It keeps what the upstream said and nothing that we made of it.
        links.cache,
        # Last before the network: what the cache knows costs nothing, and is not counted.
        links.throttle,
    ]


def build_chain(links: Links) -> Handler:
    """One call in, one value out: the handler at the top of the chain."""
    handler: Handler = links.forwarder.resolve
    for link in reversed(order(links)):
        handler = partial(link.resolve, below=handler)
    return handler
