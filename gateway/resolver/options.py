"""What can be set about the resolver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from gateway.linux import mmsg
from gateway.model.address import Address
from gateway.model.special_addresses import HOME
from gateway.resolver.upstream import Upstream

Network = IPv4Network | IPv6Network

# Public names that lead home on purpose: Plex's certificates for servers at home, and the router's own page (AVM).
LEADS_HOME = ("plex.direct", "fritz.box")


@dataclass(frozen=True, slots=True)
class ResolverOptions:
    """Times are in seconds, sizes in entries or bytes as named.

    `local_names` maps canonical names to our own addresses; nobody can block them. `block_mode` "null" answers
    0.0.0.0 and ::, "nxdomain" says that the name does not exist. `rebinding_exceptions` are canonical names; each
    covers its subtree. `is_top_level` knows the labels of the public DNS's top levels; `forward_zones` are canonical,
    with whom to ask about each. `allowed_networks` are the
    clients that get answers at all: others would make us an open resolver. `trust_ad` lets the AD bit through from
    upstreams that are encrypted or on this machine; for `strategy` and `plain_fallback` see `Forwarder`. `client_rate`
    (0: no limit) and its like say how many names that nobody knows yet one client may ask for: see `ClientThrottle`.
    """

    local_names: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    block_mode: Literal["null", "nxdomain"] = "null"
    block_ttl: int = 10
    local_ttl: int = 60
    cache_entries: int = 10_000
    cache_bytes: int = 8 * 1024 * 1024
    max_stale: int = 86_400
    memo_entries: int = 8_192
    rebinding_protection: bool = True
    rebinding_exceptions: tuple[str, ...] = LEADS_HOME
    is_top_level: Callable[[str], bool] = lambda label: False
    forward_zones: Mapping[str, Sequence[Upstream]] = field(default_factory=dict)
    allowed_networks: tuple[Network, ...] = HOME
    trust_ad: bool = False
    strategy: Literal["strict", "fastest"] = "strict"
    plain_fallback: bool = False
    max_in_flight: int = 4_096
    client_rate: float = 200.0
    client_burst: int = 2_000
    client_patience: float = 1.0
    client_slip: int = 0
    batched: bool = mmsg.AVAILABLE
    tcp_connections: int = 150
    tcp_connections_per_device: int = 30
    tcp_in_flight: int = 32
    tcp_idle: float = 10.0
