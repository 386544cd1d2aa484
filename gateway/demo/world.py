"""What the simulated internet knows: where every name leads to. Pure; addresses only from documentation ranges."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from gateway.demo.packet import Record, address_rdata, https_rdata, soa_rdata
from gateway.errors import SettingsError
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name, ancestors
from gateway.model.special_addresses import Purpose, networks

_FILE = Path(__file__).with_name("internet.toml")
_V4 = tuple(network for network in networks(Purpose.DOCUMENTATION) if network.version == 4)
_V6 = int(ipaddress.ip_address("2001:db8::"))  # RFC 3849
_TTLS = (20, 30, 60, 60, 120, 300)
_NEGATIVE_TTL = 60
_NO_TOP_LEVEL = frozenset({"invalid", "lan", "local", "localhost", "onion", "test", "internal"})
_MAX_CHAIN = 8


@dataclass(frozen=True, slots=True)
class WorldAnswer:
    """One answer: an RCODE and the records of the answer and authority sections; `targets` are the CNAMEs passed."""

    rcode: int
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def ttl(self) -> int:
        return min((record.ttl for record in self.answer or self.authority), default=_NEGATIVE_TTL)


@dataclass(frozen=True, slots=True)
class World:
    """`aliases` are CNAMEs with their TTL; the other tables speak of a name and everything below it.

    A name that no table knows exists nevertheless, with addresses and a TTL that follow from its spelling, so that
    the same name always leads to the same place.
    """

    aliases: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    ttls: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    only_v4: frozenset[str] = frozenset()
    with_https: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: Path = _FILE) -> World:
        """Raises SettingsError, with the place, for a file that cannot be used."""
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            world = cls(
                aliases={_plain(name): _alias(text) for name, text in tables["aliases"].items()},
                ttls={_plain(name): _within(ttl, 1, 86_400) for name, ttl in tables["ttls"].items()},
                counts={_plain(name): _within(count, 1, 16) for name, count in tables["addresses"].items()},
                absent=_names(tables["absent"]),
                only_v4=_names(tables["only_v4"]),
                with_https=_names(tables["with_https"]),
            )
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise SettingsError("demo.simulated-internet-cannot", name=path.name, error=error) from error
        for name in world.aliases:
            world.answer(name, QType.A)
        return world

    def answer(self, name: str, qtype: int) -> WorldAnswer:
        """What a full resolver would learn about a canonical name."""
        chain: list[Record] = []
        targets: list[str] = []
        while (alias := self.aliases.get(name)) is not None and qtype != QType.CNAME:
            ttl, target = alias
            chain.append(Record(name, ttl, QType.CNAME, Name(target).to_wire()))
            targets.append(target)
            if len(chain) > _MAX_CHAIN:
                raise SettingsError("demo.aliases-simulated-internet", target=target)
            name = target
        if self._is_absent(name):
            return WorldAnswer(Rcode.NXDOMAIN, tuple(chain), (_soa(name),), tuple(targets))
        records = self._records(name, qtype)
        if not records:
            return WorldAnswer(Rcode.NOERROR, tuple(chain), (_soa(name),), tuple(targets))
        return WorldAnswer(Rcode.NOERROR, (*chain, *records), (), tuple(targets))

    def _records(self, name: str, qtype: int) -> list[Record]:
        ttl = self._ttl(name)
        if qtype == QType.A:
            return [Record(name, ttl, qtype, address_rdata(address)) for address in self._v4(name)]
        if qtype == QType.AAAA and not self._stands_in(self.only_v4, name):
            address = ipaddress.IPv6Address(_V6 + (_digest(name) & 0xFFFF_FFFF_FFFF))
            return [Record(name, ttl, qtype, address.packed)]
        if qtype == QType.HTTPS and self._stands_in(self.with_https, name):
            return [Record(name, ttl, qtype, https_rdata(alpn=("h3", "h2"), ipv4hint=self._v4(name)[:1]))]
        if qtype == QType.CNAME and name in self.aliases:
            seconds, target = self.aliases[name]
            return [Record(name, seconds, qtype, Name(target).to_wire())]
        return []

    def _v4(self, name: str) -> list[str]:
        digest = _digest(name)
        net = _V4[digest % len(_V4)]
        count = _closest(self.counts, name) or 1
        return [str(net[1 + (digest // 3 + step) % 254]) for step in range(count)]

    def _ttl(self, name: str) -> int:
        return _closest(self.ttls, name) or _TTLS[_digest(name) % len(_TTLS)]

    def _is_absent(self, name: str) -> bool:
        lineage = list(ancestors(name))
        return len(lineage) < 2 or lineage[-1] in _NO_TOP_LEVEL or not self.absent.isdisjoint(lineage)

    @staticmethod
    def _stands_in(names: frozenset[str], name: str) -> bool:
        return any(ancestor in names for ancestor in ancestors(name))


def _closest(table: Mapping[str, int], name: str) -> int | None:
    return next((table[ancestor] for ancestor in ancestors(name) if ancestor in table), None)


def _soa(name: str) -> Record:
    labels = Name(name).labels()
    zone = Name.from_labels(labels[-2:]).text if len(labels) > 1 else ""
    rdata = soa_rdata(zone or "example", _NEGATIVE_TTL)
    return Record(zone, _NEGATIVE_TTL, QType.SOA, rdata)


def _digest(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8"), digest_size=8).digest(), "big")


def _alias(text: str) -> tuple[int, str]:
    ttl, target = text.split()
    return _within(int(ttl), 1, 86_400), _plain(target)


def _within(number: int, low: int, high: int) -> int:
    if not isinstance(number, int) or not low <= number <= high:
        raise ValueError(f"{number!r} is not a whole number from {low} to {high}")
    return number


def _plain(name: str) -> str:
    return Name.parse(name).text


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(_plain(name) for name in names)
