"""What the scripted upstream knows: records as people write them, answered as a full resolver would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Records: TypeAlias = str | Sequence[str]
_MAX_CHAIN = 12


@dataclass(frozen=True)
class Reply:
    """Records are "NAME TTL TYPE RDATA" lines, put into the answer just as they stand, fitting or not."""

    answer: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    rcode: str = "NOERROR"


Zone: TypeAlias = Mapping[str, Records] | Callable[[str, str], Reply | None]


@dataclass
class Zonefile:
    """`{"www.example.com": "60 A 192.0.2.1"}`, several records as a list, wildcards as "*.example.com".

    CNAMEs are followed inside the zone. What is missing gets a negative answer with the SOA of the closest name that
    has one, else of the top two labels, with `negative_ttl` seconds (RFC 2308).
    """

    records: dict[str, list[str]] = field(default_factory=dict)
    negative_ttl: int = 30

    def add(self, name: str, records: Records) -> None:
        lines = [records] if isinstance(records, str) else list(records)
        self.records[name.lower().rstrip(".")] = lines

    def reply(self, name: str, rtype: str) -> Reply:
        answer: list[str] = []
        current = name.lower().rstrip(".")
        for _ in range(_MAX_CHAIN):
            found = self._at(current)
            if found is None:
                return Reply(tuple(answer), (self._soa(current),), rcode="NXDOMAIN")
            fitting = [line for line in found if rtype in ("ANY", line.split()[1])]
            if fitting:
                return Reply((*answer, *(f"{current}. {line}" for line in fitting)))
            alias = next((line for line in found if line.split()[1] == "CNAME"), None)
            if alias is None:
                return Reply(tuple(answer), (self._soa(current),))
            answer.append(f"{current}. {alias}")
            current = alias.split()[2].lower().rstrip(".")
        return Reply(tuple(answer))

    def _at(self, name: str) -> list[str] | None:
        if name in self.records:
            return self.records[name]
        if any(known.endswith("." + name) for known in self.records):
            return []
        for parent in _parents(name):
            if "*." + parent in self.records:
                return self.records["*." + parent]
        return None

    def _soa(self, name: str) -> str:
        for parent in (name, *_parents(name)):
            for line in self.records.get(parent, ()):
                if line.split()[1] == "SOA":
                    return f"{parent}. {line}"
        apex = ".".join(name.split(".")[-2:])
        if not apex:
            return f". {self.negative_ttl} SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
        return f"{apex}. {self.negative_ttl} SOA ns.{apex}. hostmaster.{apex}. 1 3600 600 86400 {self.negative_ttl}"


def answerer(zone: Zone, negative_ttl: int = 30) -> Callable[[str, str], Reply]:
    """A function (name, type) -> Reply for either kind of zone; a function that gives None means NXDOMAIN."""
    if callable(zone):
        given, nothing = zone, Zonefile(negative_ttl=negative_ttl)
        return lambda name, rtype: given(name, rtype) or nothing.reply(name, rtype)
    zonefile = Zonefile(negative_ttl=negative_ttl)
    for name, records in zone.items():
        zonefile.add(name, records)
    return zonefile.reply


def build(query: dns.message.Message, reply: Reply, extra: Sequence[str] = ()) -> dns.message.Message:
    """The response to `query`, its question spelled as it was asked."""
    response = dns.message.make_response(query, recursion_available=True, our_payload=1232)
    response.set_rcode(dns.rcode.from_text(reply.rcode))
    for section, lines in (
        (response.answer, (*reply.answer, *extra)),
        (response.authority, reply.authority),
        (response.additional, reply.additional),
    ):
        section.extend(rrsets(lines))
    return response


def rrsets(lines: Sequence[str]) -> list[dns.rrset.RRset]:
    """RRsets of "NAME TTL TYPE RDATA" lines, in their order; neighbours of one name and type come together."""
    sets: list[dns.rrset.RRset] = []
    for line in lines:
        owner, ttl, rtype, rdata = line.split(None, 3)
        name = dns.name.from_text(owner)
        kind = dns.rdatatype.from_text(rtype)
        data = dns.rdata.from_text(dns.rdataclass.IN, kind, rdata)
        if sets and sets[-1].name == name and sets[-1].rdtype == kind:
            sets[-1].add(data, int(ttl))
            continue
        rrset = dns.rrset.RRset(name, dns.rdataclass.IN, kind)
        rrset.add(data, int(ttl))
        sets.append(rrset)
    return sets


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name
