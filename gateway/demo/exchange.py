"""What simulated televisions would exchange with whom they looked up: the counts of a kernel that does not exist."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address

from gateway.model.flow import Attempt, Detour, FlowCount, Outcome

# Google's, Cloudflare's and Quad9's resolvers: 68 % of smart televisions ask Google's directly (Ren et al., IMC 2019).
_RESOLVERS = ("8.8.8.8", "1.1.1.1", "9.9.9.9")
_STREAMS_SHARE, _MOST_A_ROUND = 0.1, 6
_SPAN = timedelta(seconds=3)


def pretend_flows(resolved: Mapping[str, Sequence[bytes]], now: datetime, rng: random.Random) -> list[FlowCount]:
    """A few seconds of connections; `resolved` maps a client's address to packed addresses that it was given."""
    flows = []
    for client, addresses in resolved.items():
        for packed in rng.sample(list(addresses), min(len(addresses), rng.randrange(_MOST_A_ROUND))):
            film = rng.random() < _STREAMS_SHARE
            down = rng.randrange(200_000, 4_000_000) if film else rng.randrange(600, 40_000)
            up = down // 50 if film else rng.randrange(400, 8_000)
            flows.append(FlowCount(client, str(ip_address(packed)), "tcp", 443, up, down, 1, now - _SPAN, now))
    return flows


def pretend_attempts(devices: Sequence[str], now: datetime, rng: random.Random) -> list[tuple[str, Attempt]]:
    """The first device asks Google's resolver now and then, as most do; the second tries encrypted DNS."""
    made = []
    if devices and rng.random() < 0.5:
        made.append(
            (devices[0], _attempt(Detour.DNS, "8.8.8.8", "udp", 53, Outcome.ANSWERED, rng.randrange(1, 6), now))
        )
    if len(devices) > 1 and rng.random() < 0.15:
        server = rng.choice(_RESOLVERS)
        made.append((devices[1], _attempt(Detour.DOT, server, "tcp", 853, Outcome.REFUSED, 1, now)))
    return made


def _attempt(
    detour: Detour, server: str, protocol: str, port: int, outcome: Outcome, count: int, now: datetime
) -> Attempt:
    return Attempt(None, detour, server, protocol, port, outcome, count, now - _SPAN, now)
