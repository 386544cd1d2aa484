"""The internet of the round of ways: every resolver there tells the truth, and notes who asked for what."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.netns.servers import Serving

Zone = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Name (without the final dot) to type to records as text."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it came: to which of the addresses, on which port, from whom."""

    name: str
    type: str
    server: str
    port: int
    client: str
    transport: str = field(default="udp")


class Outside(Serving):
    """Answers over UDP and TCP at each of these places; whatever is no DNS message is sent back as it came."""

    def __init__(self, zone: Zone, places: Iterable[tuple[str, int]]) -> None:
        super().__init__()
        self.zone = zone
        self.asked: list[Asked] = []
        for address, port in places:
            self.listen(address, port, socket.SOCK_DGRAM, self._datagram)
            self.listen(address, port, socket.SOCK_STREAM, self._stream)

    def _answer(self, wire: bytes, here: Any, client: Any, transport: str) -> bytes:
        try:
            question = dns.message.from_wire(wire)
            asked = question.question[0]
        except Exception:
            return wire
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append(Asked(name, kind, here[0], here[1], client[0], transport))
        answer = dns.message.make_response(question)
        known: Mapping[str, tuple[str, ...]] | None = self._lookup(name)
        owner = asked.name
        while known is not None and "CNAME" in known and kind != "CNAME":
            answer.answer.append(dns.rrset.from_text(owner, 60, "IN", "CNAME", *known["CNAME"]))
            owner = dns.name.from_text(known["CNAME"][0])
            known = self._lookup(owner.to_text(omit_final_dot=True))
        for each in [kind] if kind != "ANY" else list(known or ()):
            if known and each in known:
                answer.answer.append(dns.rrset.from_text(owner, 60, "IN", each, *known[each]))
        if known is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    def _lookup(self, name: str) -> Mapping[str, tuple[str, ...]] | None:
        return self.zone.get(name)

    def _datagram(self, listener: socket.socket, data: bytes, client: Any) -> None:
        listener.sendto(self._answer(data, listener.getsockname(), client, "udp"), client)

    def _stream(self, connection: socket.socket) -> None:
        here, client = connection.getsockname(), connection.getpeername()
        with connection.makefile("rb") as reader:
            while head := reader.read(2):
                answer = self._answer(reader.read(int.from_bytes(head, "big")), here, client, "tcp")
                connection.sendall(len(answer).to_bytes(2, "big") + answer)
