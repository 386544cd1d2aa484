"""Who may ask at all."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from gateway.errors import WireError
from gateway.model.query import Query
from gateway.model.response import Response
from gateway.resolver.link import Prompt
from gateway.resolver.options import Network

_LIMIT = 4_096


class Guard(Prompt):
    """Meets clients from outside with silence: whoever forges a victim's address must get nothing sent there."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._judged: dict[str, bool] = {}
        self.dropped = 0

    def allows(self, client: str) -> bool:
        judged = self._judged.get(client)
        if judged is None:
            if len(self._judged) >= _LIMIT:
                self._judged.clear()
            address = ip_address(client)
            judged = self._judged[client] = any(address in network for network in self._networks)
        return judged

    def answer(self, query: Query) -> Response | None:
        if not self._judged.get(query.client) and not self.allows(query.client):
            self.dropped += 1
            raise WireError("This client is outside the networks that get answers.")
        return None
