"""An upstream over HTTPS (RFC 8484): POST over HTTP/2 (RFC 9113), with the id 0."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from gateway.errors import UpstreamError
from gateway.resolver.upstream.channel import Channel
from gateway.resolver.upstream.connected import TIMEOUT, ConnectedUpstream
from gateway.resolver.upstream.place import Place
from gateway.resolver.upstream.tls import Trust

PORT = 443
ALPN = ("h2",)
_IDLE = 60.0
_MAX_BODY = 65_535
_MAX_HEADERS = 16_384
_MAX_STREAMS = 100
# Stream numbers of one connection are used up one day (RFC 9113 section 5.1.1); long before, a new one is opened.
_LAST_STREAM = 1 << 30
_MEDIA_TYPE = "application/dns-message"


class HttpsUpstream(ConnectedUpstream):
    """`name` is what the certificate must be for; `authority` and `path` are those of the URL."""

    def __init__(
        self, url: str, place: Place, name: str, authority: str, path: str, trust: Trust, *, timeout: float = TIMEOUT
    ) -> None:
        self._place = place
        self._name = name
        self._authority = authority
        self._path = path
        self._trust = trust
        super().__init__(url, place.address, self._open_http, padded=True, timeout=timeout)

    async def close(self) -> None:
        await super().close()
        await self._place.close()

    async def _open_http(self) -> HttpChannel:
        loop = asyncio.get_running_loop()
        channel = await self._trust.open(
            lambda: HttpChannel(loop, self._authority, self._path), self._place, self._name
        )
        if not channel.usable:
            raise UpstreamError(f"{self.url} does not speak HTTP/2.")
        return channel


@dataclass(slots=True)
class _Reply:
    accepted: bool = False
    body: bytearray = field(default_factory=bytearray)


class HttpChannel(Channel):
    """One HTTP/2 connection; each question is a stream of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, authority: str, path: str) -> None:
        super().__init__(loop, _IDLE)
        self.capacity = _MAX_STREAMS
        self._headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", authority),
            (":path", path),
            ("accept", _MEDIA_TYPE),
            ("content-type", _MEDIA_TYPE),
        ]
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._replies: dict[int, _Reply] = {}

    def _greet(self, transport: asyncio.Transport) -> None:
        secured = transport.get_extra_info("ssl_object")
        if secured is None or secured.selected_alpn_protocol() != "h2":
            self.close()
            return
        self._http.local_settings.update({SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: _MAX_HEADERS})
        self._http.initiate_connection()
        transport.write(self._http.data_to_send())

    def _send(self, transport: asyncio.Transport, query: bytes) -> int:
        http = self._http
        try:
            stream = http.get_next_available_stream_id()
            http.send_headers(stream, [*self._headers, ("content-length", str(len(query)))])
            http.send_data(stream, query, end_stream=True)
        except ProtocolError as error:
            self.close()
            raise ConnectionResetError(f"HTTP/2: {error}") from error
        self._replies[stream] = _Reply()
        if stream > _LAST_STREAM:
            self.usable = False
        transport.write(http.data_to_send())
        return stream

    def _receive(self, data: bytes) -> None:
        try:
            for event in self._http.receive_data(data):
                self._handle(event)
            self.capacity = min(_MAX_STREAMS, self._http.remote_settings.max_concurrent_streams)
        except (ProtocolError, UnicodeError, ValueError):
            self.close()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._http.data_to_send())

    def _handle(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            # Whatever the server has not answered yet is asked again on a new connection: a question may be repeated.
            self.close()
        elif isinstance(event, DataReceived):
            self._http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            self._take(event.stream_id, event.data or b"")
        elif isinstance(event, ResponseReceived):
            self._judge(event.stream_id, {_text(key): _text(value) for key, value in event.headers or ()})
        elif isinstance(event, StreamEnded):
            reply = self._replies.pop(event.stream_id, None)
            if reply is not None and reply.accepted:
                self._answer(event.stream_id, bytes(reply.body))
        elif isinstance(event, StreamReset):
            self._replies.pop(event.stream_id, None)
            self._refuse(event.stream_id, UpstreamError("The upstream broke off its HTTP answer."))

    def _judge(self, stream: int, headers: dict[str, str]) -> None:
        status = headers.get(":status", "")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if status != "200":
            self._reject(stream, f"The upstream answered with HTTP status {status[:3]} instead of DNS.")
        elif kind != _MEDIA_TYPE:
            self._reject(stream, f"The upstream answered with {kind[:40] or 'no media type'} instead of DNS.")
        elif stream in self._replies:
            self._replies[stream].accepted = True

    def _take(self, stream: int, data: bytes) -> None:
        reply = self._replies.get(stream)
        if reply is None or not reply.accepted:
            return
        reply.body += data
        if len(reply.body) > _MAX_BODY:
            self._reject(stream, "The upstream's HTTP answer is longer than a DNS message can be.")

    def _reject(self, stream: int, says: str) -> None:
        self._refuse(stream, UpstreamError(says))
        self._forsake(stream)

    def _forsake(self, key: int) -> None:
        if self._replies.pop(key, None) is not None:
            with suppress(ProtocolError):
                self._http.reset_stream(key, ErrorCodes.CANCEL)
                if self._transport is not None and not self._transport.is_closing():
                    self._transport.write(self._http.data_to_send())


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
