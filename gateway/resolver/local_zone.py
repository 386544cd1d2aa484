"""What we know ourselves: the dashboard's name, our own addresses, special names, and what is no question for us."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from gateway.model.address import Address
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name, ancestors
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Action, Reason, Verdict
from gateway.resolver.link import Prompt
from gateway.resolver.special import CANARIES, LOCALHOST, RESOLVER_ARPA, ZONES
from gateway.wire.message import address_answer, failure, negative_answer, pointer_answer

_IN = 1
_UNASKABLE = frozenset({251, int(QType.AXFR), int(QType.OPT)})
_TOPS = frozenset(zone.rpartition(".")[2] for zone in (*ZONES, RESOLVER_ARPA, LOCALHOST))
_LOCAL = Verdict(Action.ALLOW, Reason.LOCAL)
_LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class LocalZone(Prompt):
    """`names` maps canonical names to addresses; the reverse of each leads to the first name that has it.

    Names of leases come and go (`name_leases`); they never cover one of `names`.
    """

    def __init__(self, names: Mapping[str, tuple[Address, ...]], *, ttl: int) -> None:
        self._names = {**names, LOCALHOST: _LOOPBACK}
        self._ttl = ttl
        self._reverse: dict[str, str] = {}
        for name, addresses in self._names.items():
            for address in addresses:
                self._reverse.setdefault(address.reverse_pointer, name)
        self._leased: Mapping[str, tuple[Address, ...]] = {}
        self._leased_reverse: dict[str, str] = {}
        self._domain = ""
        self._tops = _TOPS

    def name_leases(self, domain: str, names: Mapping[str, tuple[Address, ...]]) -> None:
        """From now on `names` are the devices of our own network, and `domain` has no other names than these."""
        self._leased, self._domain = dict(names), domain
        self._tops = _TOPS | {domain[domain.rfind(".") + 1 :]}
        self._leased_reverse = {each.reverse_pointer: name for name, held in names.items() for each in held}

    def answer(self, query: Query) -> Response | None:
        if query.edns is not None and query.edns.version:
            return _local(failure(query, Rcode.BADVERS), Rcode.BADVERS)
        if query.qclass != _IN or query.qtype in _UNASKABLE:
            # Never REFUSED, which makes some clients ask again at once and for ever.
            return _local(failure(query, Rcode.NOTIMP), Rcode.NOTIMP)
        name = query.name.text
        addresses = self._names.get(name) or self._leased.get(name)
        if addresses is not None:
            return _local(address_answer(query, addresses, self._ttl), Rcode.NOERROR, self._ttl)
        target = self._reverse.get(name) or self._leased_reverse.get(name)
        if target is not None:
            return _local(pointer_answer(query, Name(target), self._ttl), Rcode.NOERROR, self._ttl)
        if name in CANARIES:
            return self._negative(query, Rcode.NXDOMAIN)
        # Every special name ends in one of a few labels, and nearly no question does.
        return self._special(query, name) if name[name.rfind(".") + 1 :] in self._tops else None

    def _special(self, query: Query, name: str) -> Response | None:
        for parent in ancestors(name):
            if parent in ZONES or (parent == self._domain and parent not in self._names):
                return self._negative(query, Rcode.NOERROR if parent == name else Rcode.NXDOMAIN)
            if parent == RESOLVER_ARPA:
                return self._negative(query, Rcode.NOERROR)
            if parent == LOCALHOST:
                # RFC 6761 section 6.3: everything below localhost is this machine, too.
                return _local(address_answer(query, _LOOPBACK, self._ttl), Rcode.NOERROR, self._ttl)
        return None

    def _negative(self, query: Query, rcode: int) -> Response:
        return _local(negative_answer(query, rcode, self._ttl), rcode, self._ttl)


def _local(wire: bytes, rcode: int, ttl: int = 0) -> Response:
    return Response(wire, rcode, Source.LOCAL, _LOCAL, ttl=ttl)
