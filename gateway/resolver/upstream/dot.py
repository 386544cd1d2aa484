"""An upstream over TLS (RFC 7858), strict: an answer comes from the named server or not at all (RFC 8310)."""

from __future__ import annotations

import asyncio

from gateway.resolver.upstream.check import Noise
from gateway.resolver.upstream.connected import TIMEOUT, ConnectedUpstream
from gateway.resolver.upstream.framed import FramedChannel
from gateway.resolver.upstream.place import Place
from gateway.resolver.upstream.tls import Trust

PORT = 853
_IDLE = 20.0


class TlsUpstream(ConnectedUpstream):
    """`name` is what the certificate must be for: a host name or an IP address."""

    def __init__(self, url: str, place: Place, name: str, trust: Trust, *, timeout: float = TIMEOUT) -> None:
        self._noise = Noise()
        self._place = place
        self._name = name
        self._trust = trust
        super().__init__(url, place.address, self._open_tls, padded=True, timeout=timeout)

    async def close(self) -> None:
        await super().close()
        await self._place.close()

    async def _open_tls(self) -> FramedChannel:
        loop = asyncio.get_running_loop()
        return await self._trust.open(lambda: FramedChannel(loop, self._noise, _IDLE), self._place, self._name)
