"""No name of the internet may lead to a machine at home (DNS rebinding; RFC 1918 section 5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from ipaddress import ip_address

from gateway.model.dns import Ede, Rcode
from gateway.model.name import ancestors
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.special_addresses import HOME, IPNetwork, Purpose, networks, translated
from gateway.model.verdict import Action, Reason, Verdict
from gateway.resolver.answer import peek_of
from gateway.resolver.forward_zones import is_single_label
from gateway.resolver.link import Prompt
from gateway.resolver.special import HOME_ZONES
from gateway.wire.message import negative_answer

_AT_HOME = (*HOME, *networks(Purpose.UNSPECIFIED))
_OURS = frozenset({Source.ERROR, Source.LOCAL})


def _first_bytes(network: IPNetwork) -> range:
    return range(network[0].packed[0], network[-1].packed[0] + 1)


# Every address at home, of either family and dressed up or not, begins with one of these bytes; few others do.
_SUSPECT = frozenset(first for network in (*_AT_HOME, *networks(Purpose.TRANSLATED)) for first in _first_bytes(network))
# An upstream that filters says so with the unspecified address and one of these (forged, blocked, censored, filtered).
_SAYS_IT_FILTERS = frozenset({4, 15, 16, 17})


class Rebinding(Prompt):
    """Answers NODATA in place of private addresses, in A, AAAA and the hints of HTTPS and SVCB records.

    `pardons` says that a person allowed this very name: their click works here, too.
    """

    def __init__(self, *, enabled: bool, exceptions: Iterable[str], ttl: int, pardons: Callable[[Query], bool]) -> None:
        self._enabled = enabled
        self._pardons = pardons
        # Names of the home are asked of resolvers in the home only.
        self._exceptions = HOME_ZONES.union(exceptions)
        self._ttl = ttl
        self._judged: dict[bytes, bool] = {}

    def look(self, query: Query, response: Response) -> Response:
        if not self._enabled or response.source in _OURS:
            return response
        peek = peek_of(response)
        for found in peek.addresses:
            if found[0] in _SUSPECT and self._at_home(found):
                break
        else:
            return response
        if is_single_label(query) or not self._exceptions.isdisjoint(ancestors(query.name.text)):
            return response
        if self._pardons(query) or (not any(found) and peek.ede in _SAYS_IT_FILTERS):
            return response
        verdict = Verdict(Action.BLOCK, Reason.REBINDING, matched=str(ip_address(found)))
        wire = negative_answer(query, Rcode.NOERROR, self._ttl)
        blocked = Response(wire, Rcode.NOERROR, Source.POLICY, verdict, ede=Ede.BLOCKED, ttl=self._ttl)
        return dataclasses.replace(blocked, targets=response.targets)

    def _at_home(self, packed: bytes) -> bool:
        judged = self._judged.get(packed)
        if judged is None:
            if len(self._judged) >= 4_096:
                self._judged.clear()
            judged = self._judged[packed] = leads_home(packed)
        return judged


def leads_home(packed: bytes) -> bool:
    """True for an address, 4 or 16 bytes, that no name of the public DNS has a good reason to carry.

    Shared address space (100.64.0.0/10) is not among them: providers name their own services there.
    """
    address = translated(ip_address(packed))
    return any(address in network for network in _AT_HOME)
