"""DNS messages on a stream, each behind its length (RFC 1035 section 4.2.2, RFC 7766)."""

from __future__ import annotations

import asyncio

from gateway.resolver.upstream.channel import Channel
from gateway.resolver.upstream.check import Noise

_MAX_UNREAD = 4 * 65_537


class FramedChannel(Channel):
    """Replies find their query by its id, in whatever order they come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, noise: Noise, idle: float) -> None:
        super().__init__(loop, idle)
        self._noise = noise
        self._unread = bytearray()

    def _send(self, transport: asyncio.Transport, query: bytes) -> int:
        while (message_id := self._noise.number()) in self._waiting:
            pass
        # One write: a length that travels alone costs a packet, and some servers a misunderstanding.
        transport.write(b"".join((len(query).to_bytes(2), message_id.to_bytes(2), query[2:])))
        return message_id

    def _receive(self, data: bytes) -> None:
        unread = self._unread
        unread += data
        while len(unread) >= 2:
            length = unread[0] << 8 | unread[1]
            if len(unread) < length + 2:
                break
            message = bytes(unread[2 : length + 2])
            del unread[: length + 2]
            if length >= 2:
                self._answer(message[0] << 8 | message[1], b"\0\0" + message[2:])
        if len(unread) > _MAX_UNREAD:
            self.close()
