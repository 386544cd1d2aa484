"""Which resolver is asked for which name: forward zones as the owner set them, and names of the home in the home alone.

A name of one label, or of a zone like lan or home.arpa, or the reverse of a private address, means something in the
home only: no public resolver is asked for it (RFC 6303, 8375).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address

from gateway.errors import UpstreamError
from gateway.model.dns import QType
from gateway.model.event import HealthChanged
from gateway.model.name import ancestors
from gateway.model.query import Query
from gateway.model.special_addresses import is_home
from gateway.resolver.answer import Answer
from gateway.resolver.forwarder import Forwarder, Waiter, settle
from gateway.resolver.options import ResolverOptions
from gateway.resolver.pending import Pending
from gateway.resolver.special import HOME_ZONES
from gateway.resolver.upstream import Upstream
from gateway.resolver.upstream.member import Member, UpstreamState

_TOPS = frozenset(zone.rpartition(".")[2] for zone in HOME_ZONES)
# What is asked about a zone itself, by who validates: a top level answers that, and no device of a home has it.
_OF_ZONES = frozenset({int(QType.NS), int(QType.SOA), int(QType.DS), int(QType.RRSIG), 47, int(QType.DNSKEY), 51})


def is_single_label(query: Query) -> bool:
    """True for a QNAME of one label; the root has none."""
    key = query.key
    return key[0] > 0 and not key[key[0] + 1]


def is_at_home(host: str) -> bool:
    """True for a resolver that stands in the home, as its router does. This machine is none: what it runs may ask
    anybody.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return is_home(address) and not address.is_loopback


class ForwardZones:
    """Stands where a forwarder does. `zones` are canonical; of several that fit a name, the longest counts. `home` asks
    resolvers in the home only; None when there is none. `is_top_level` knows the labels of the public DNS's top levels.
    """

    def __init__(
        self,
        usual: Forwarder,
        zones: Mapping[str, Forwarder],
        home: Forwarder | None,
        *,
        is_top_level: Callable[[str], bool],
    ) -> None:
        self._usual = usual
        self._zones = dict(zones)
        self._home = home
        self._is_top_level = is_top_level
        self._listed = list(dict.fromkeys((usual, *self._zones.values())))
        self._all = list(dict.fromkeys((*self._listed, *([home] if home else []))))
        # This machine asks us for itself, too, whatever else answers DNS on it.
        self._addresses = {
            each: {member.upstream.address[0] for member in each.members} - {"127.0.0.1", "::1"} for each in self._all
        }
        self.tops = _TOPS | {zone.rpartition(".")[2] for zone in self._zones}

    def simplest(self) -> Forwarder | ForwardZones:
        """The usual forwarder itself where every name that may be asked for goes there: no name is looked at twice."""
        return self._usual if self._all == [self._usual] else self

    def is_set(self, name: str) -> bool:
        """True when the owner said whom to ask for this canonical name."""
        return any(parent in self._zones for parent in ancestors(name))

    def is_home_name(self, query: Query) -> bool:
        """True when the name means something in the home only, as far as anybody can see."""
        return is_single_label(query) or any(parent in HOME_ZONES for parent in ancestors(query.name.text))

    def is_top_level(self, name: str) -> bool:
        return self._is_top_level(name)

    def choose(self, query: Query) -> Forwarder | None:
        """Whom to ask; None when nobody may be asked, because no resolver in the home is known."""
        name = query.name.text
        for parent in ancestors(name):
            if parent in self._zones:
                return self._zones[parent]
        if not self.is_home_name(query):
            return self._usual
        if is_single_label(query) and query.qtype in _OF_ZONES and self._is_top_level(name):
            return self._usual
        return self._home

    def is_circle(self, query: Query, chosen: Forwarder) -> bool:
        """True when whoever is to be asked is the one that asks: a router sends us what it does not know itself."""
        return query.client in self._addresses[chosen] and (chosen is not self._usual or self.is_home_name(query))

    def ask(self, query: Query, waiter: Waiter) -> None:
        """As `Forwarder.ask`."""
        name = query.name.text
        if name[name.rfind(".") + 1 :] not in self.tops and not is_single_label(query):
            self._usual.ask(query, waiter)
        elif (chosen := self.choose(query)) is not None:
            chosen.ask(query, waiter)
        else:
            waiter(None, UpstreamError("This name is known to no resolver in the home, and nobody outside is asked."))

    async def resolve(self, query: Query) -> Answer:
        pending: Pending[Answer] = Pending()
        self.ask(query, partial(settle, pending))
        return await pending

    def is_under_way(self, key: bytes) -> bool:
        return any(each.is_under_way(key) for each in self._all)

    def states(self) -> list[UpstreamState]:
        """Of every upstream that the owner gave, each once."""
        return [state for each in self._listed for state in each.states()]

    @property
    def members(self) -> list[Member]:
        return [member for each in self._all for member in each.members]

    @property
    def reachable(self) -> bool:
        return self._usual.reachable

    @property
    def asked(self) -> int:
        return sum(each.asked for each in self._all)

    @property
    def errors(self) -> int:
        return sum(each.errors for each in self._all)

    @property
    def forged(self) -> int:
        upstreams = {id(member.upstream): member.upstream for member in self.members}
        return sum(getattr(upstream, "forged", 0) for upstream in upstreams.values())

    @property
    def is_crowded(self) -> bool:
        return self._usual.is_crowded

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._all))


def open_forward_zones(
    upstreams: Sequence[Upstream],
    options: ResolverOptions,
    on_health: Callable[[HealthChanged], None],
    holder_of: Callable[[str], str] = str,
) -> ForwardZones:
    """For the `upstreams` of everything, and those of each zone; zones with the same upstreams share a forwarder."""
    zones = options.forward_zones
    usual = Forwarder(
        upstreams,
        on_health,
        strategy=options.strategy,
        plain_fallback=options.plain_fallback,
        trust_ad=options.trust_ad,
        holder_of=holder_of,
    )
    there = [upstream for upstream in upstreams if is_at_home(upstream.address[0])]
    home = usual if len(there) == len(upstreams) else Forwarder(there, lambda change: None, partial=True)
    shared: dict[tuple[int, ...], Forwarder] = {}
    for asked in zones.values():
        key = tuple(map(id, asked))
        if key not in shared:
            shared[key] = Forwarder(asked, on_health, trust_ad=options.trust_ad, partial=True)
    forwarders = {zone: shared[tuple(map(id, asked))] for zone, asked in zones.items()}
    return ForwardZones(usual, forwarders, home if there else None, is_top_level=options.is_top_level)
