"""What we know ourselves: the dashboard's name, our own addresses, special names, and what is no question for us."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from gateway.model.address import Address
from gateway.model.device_names import DeviceNames
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name, ancestors
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Action, Reason, Verdict
from gateway.resolver.forward_zones import ForwardZones, is_single_label
from gateway.resolver.link import Prompt
from gateway.resolver.special import CANARIES, HOME_ZONES, LOCALHOST, RESOLVER_ARPA, ZONES
from gateway.wire.message import address_answer, failure, negative_answer, pointer_answer

_IN = 1
_UNASKABLE = frozenset({251, int(QType.AXFR), int(QType.OPT)})
_TOPS = frozenset(zone.rpartition(".")[2] for zone in (*ZONES, RESOLVER_ARPA, LOCALHOST))
_LOCAL = Verdict(Action.ALLOW, Reason.LOCAL)
_LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class LocalZone(Prompt):
    """`names` maps canonical names to addresses; the reverse of each leads to the first name that has it.

    Names of devices come and go (`name_devices`); they never cover one of `names`. A device, and what `names` has below
    a zone of the home, goes by its first label, too. Other names of the home are left to those whom `forwards` knows to
    ask, and do not exist where it knows nobody.
    """

    def __init__(self, names: Mapping[str, tuple[Address, ...]], *, ttl: int, forwards: ForwardZones) -> None:
        self._names = {**names, LOCALHOST: _LOOPBACK}
        self._ttl = ttl
        self._forwards = forwards
        self._reverse: dict[str, str] = {}
        for name, addresses in self._names.items():
            for address in addresses:
                self._reverse.setdefault(address.reverse_pointer, name)
        self._short = {name.partition(".")[0]: name for name in names if name.partition(".")[2] in HOME_ZONES}
        self._devices = DeviceNames()
        self._device_reverse: dict[str, str] = {}
        self._above: set[str] = set()
        self._own = frozenset((*self._names, *self._reverse, *CANARIES))
        self._tops = _TOPS | forwards.tops

    def name_devices(self, devices: DeviceNames) -> None:
        """From now on these are the names of the home's devices."""
        self._devices, domain = devices, devices.domain
        self._tops = _TOPS | self._forwards.tops | {domain[domain.rfind(".") + 1 :]}
        self._device_reverse = {address.reverse_pointer: name for address, name in devices.owners.items()}
        self._own = frozenset((*self._names, *devices.names, *self._reverse, *self._device_reverse, *CANARIES))
        # A name above one that exists does so itself, if without records (RFC 8020).
        self._above = {parent for name in (*devices.names, *self._device_reverse) for parent in ancestors(name)}

    def answer(self, query: Query) -> Response | None:
        if query.edns is not None and query.edns.version:
            return _local(failure(query, Rcode.BADVERS), Rcode.BADVERS)
        if query.qclass != _IN or query.qtype in _UNASKABLE:
            # Never REFUSED, which makes some clients ask again at once and for ever.
            return _local(failure(query, Rcode.NOTIMP), Rcode.NOTIMP)
        name = query.name.text
        if name in self._own and (known := self._known(query, name)) is not None:
            return known
        # Every special name ends in one of a few labels, or has but one, and nearly no question does.
        if name[name.rfind(".") + 1 :] in self._tops or is_single_label(query):
            return self._special(query, name)
        return None

    def _known(self, query: Query, name: str) -> Response | None:
        addresses = self._names.get(name) or self._devices.names.get(name)
        if addresses is not None:
            return _local(address_answer(query, addresses, self._ttl), Rcode.NOERROR, self._ttl)
        target = self._reverse.get(name) or self._device_reverse.get(name)
        if target is not None:
            return _local(pointer_answer(query, Name(target), self._ttl), Rcode.NOERROR, self._ttl)
        if name in CANARIES:
            return self._negative(query, Rcode.NXDOMAIN)
        return None

    def _special(self, query: Query, name: str) -> Response | None:
        for parent in ancestors(name):
            if parent == RESOLVER_ARPA:
                return self._negative(query, Rcode.NOERROR)
            if parent == LOCALHOST:
                # RFC 6761 section 6.3: everything below localhost is this machine, too.
                return _local(address_answer(query, _LOOPBACK, self._ttl), Rcode.NOERROR, self._ttl)
        if not self._forwards.is_set(name):
            for parent in ancestors(name):
                ends_here = parent in ZONES and parent not in HOME_ZONES
                if ends_here or (self._is_ours(parent) and parent not in self._names):
                    return self._negative(query, Rcode.NOERROR if parent == name else Rcode.NXDOMAIN)
            if is_single_label(query) and (addresses := self._by_first_label(name)):
                return _local(address_answer(query, addresses, self._ttl), Rcode.NOERROR, self._ttl)
        chosen = self._forwards.choose(query)
        if chosen is None:
            return self._negative(query, self._rcode_of(name))
        if not self._forwards.is_circle(query, chosen):
            return None
        # No `Source.LOCAL`: that would be prepared for others, who are to have an answer from there.
        rcode = self._rcode_of(name)
        return Response(negative_answer(query, rcode, self._ttl), rcode, Source.ERROR, _LOCAL)

    def _is_ours(self, name: str) -> bool:
        return self._devices.complete and name == self._devices.domain

    def _by_first_label(self, label: str) -> tuple[Address, ...]:
        devices = self._devices
        return self._names.get(self._short.get(label, "")) or devices.names.get(f"{label}.{devices.domain}") or ()

    def _rcode_of(self, name: str) -> int:
        exists = name in HOME_ZONES or name in self._above or self._forwards.is_top_level(name)
        return Rcode.NOERROR if exists else Rcode.NXDOMAIN

    def _negative(self, query: Query, rcode: int) -> Response:
        return _local(negative_answer(query, rcode, self._ttl), rcode, self._ttl)


def _local(wire: bytes, rcode: int, ttl: int = 0) -> Response:
    return Response(wire, rcode, Source.LOCAL, _LOCAL, ttl=ttl)
