"""An upstream over TCP (RFC 7766)."""

from __future__ import annotations

import asyncio

from gateway.resolver.upstream.check import Noise
from gateway.resolver.upstream.connected import TIMEOUT, ConnectedUpstream
from gateway.resolver.upstream.framed import FramedChannel

_IDLE = 8.0


class StreamUpstream(ConnectedUpstream):
    """Plain DNS over a few shared connections."""

    def __init__(self, host: str, port: int = 53, *, timeout: float = TIMEOUT) -> None:
        url = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        self._noise = Noise()
        super().__init__(url, (host, port), self._open_tcp, timeout=timeout)

    async def _open_tcp(self) -> FramedChannel:
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(lambda: FramedChannel(loop, self._noise, _IDLE), *self.address)
        return channel
