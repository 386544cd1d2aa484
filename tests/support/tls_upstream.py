"""The scripted upstream behind TLS: DNS on the stream (RFC 7858), or over HTTP/2 (RFC 8484)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.support.upstream import Upstream


@dataclass
class TlsUpstream(Upstream):
    """Answers queries of one connection side by side, so that a delayed one is overtaken.

    What comes to its port over UDP is noted as "udp" and answered: nobody who should speak TLS may be seen there.
    `indications` are the names (SNI) that were asked for, `resumed` the handshakes that took up an earlier session.
    """

    certificate: Path = Path()
    http: bool = False
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    indications: list[str | None] = field(default_factory=list)
    resumed: int = 0
    mute: set[asyncio.StreamWriter] = field(default_factory=set)
    requests: list[dict[str, str]] = field(default_factory=list)
    status: str = "200"
    media_type: str = "application/dns-message"
    body: bytes | None = None
    goaway_after: int | None = None
    reset: bool = False

    @property
    def url(self) -> str:
        path = "/dns-query" if self.http else ""
        return f"{'https' if self.http else 'tls'}://{self.host}:{self.port}{path}"

    def fall_silent(self) -> None:
        """Every connection that is open now stays open, and nothing comes from it any more."""
        self.mute.update(self.connections)

    def hang_up(self) -> None:
        """Closes every connection that is open now."""
        assert self._loop is not None
        for writer in self.connections:
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self.oldest
        context.maximum_version = self.newest
        context.load_cert_chain(self.certificate)
        if self.http:
            context.set_alpn_protocols(["h2"])
        context.sni_callback = lambda secured, name, _: self.indications.append(name)
        return context

    async def _accept(self) -> None:
        assert self._tcp is not None
        with contextlib.suppress(ssl.SSLError):
            server = await asyncio.start_server(self._serve, sock=self._tcp, ssl=self._context())
        try:
            await asyncio.Event().wait()
        finally:
            for writer in self.connections:
                writer.transport.abort()
            with contextlib.suppress(ValueError):
                # The socket is closed already.
                server.close()
            await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        self.resumed += bool(writer.get_extra_info("ssl_object").session_reused)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, ProtocolError):
                await (self._serve_http(reader, writer) if self.http else self._serve_stream(reader, writer))
        finally:
            writer.transport.abort()

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            self._spawn(self._reply(wire, writer))

    async def _reply(self, wire: bytes, writer: asyncio.StreamWriter) -> None:
        for answer in await self._say(wire, "tls", writer):
            writer.write(len(answer).to_bytes(2, "big") + answer)

    async def _say(self, wire: bytes, transport: str, writer: asyncio.StreamWriter) -> list[bytes]:
        query = self._note(wire, transport, writer.get_extra_info("peername"))
        if query is None or writer in self.mute:
            return []
        fault = self._fault_of(query, transport)
        await fault.hold_up()
        if fault.close_tcp:
            writer.transport.abort()
        if fault.close_tcp or fault.drop or writer in self.mute:
            return []
        return [self._spoilt(query, wire, fault, 65_535)] * (2 if fault.twice else 1)

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        http.initiate_connection()
        writer.write(http.data_to_send())
        bodies: dict[int, bytes] = {}
        while data := await reader.read(65_536):
            for event in http.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.requests.append({str(key): str(value) for key, value in event.headers})
                    bodies[event.stream_id] = b""
                elif isinstance(event, DataReceived):
                    http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    bodies[event.stream_id] += event.data
                elif isinstance(event, StreamEnded):
                    self._spawn(self._respond(http, event.stream_id, bodies.pop(event.stream_id), writer))
            writer.write(http.data_to_send())

    async def _respond(self, http: H2Connection, stream: int, wire: bytes, writer: asyncio.StreamWriter) -> None:
        answers = await self._say(wire, "https", writer)
        if self.goaway_after is not None and len(self.asked) > self.goaway_after:
            self.goaway_after = None
            http.close_connection(last_stream_id=0)
            writer.write(http.data_to_send())
            return
        with contextlib.suppress(ProtocolError):
            if self.reset:
                http.reset_stream(stream)
            elif answers:
                body = answers[0] if self.body is None else self.body
                http.send_headers(stream, [(":status", self.status), ("content-type", self.media_type)])
                while body:
                    room = min(http.local_flow_control_window(stream), http.max_outbound_frame_size, len(body))
                    if not room:
                        await asyncio.sleep(0.005)
                        continue
                    http.send_data(stream, body[:room])
                    body = body[room:]
                    writer.write(http.data_to_send())
                http.end_stream(stream)
        writer.write(http.data_to_send())


class TimeServer:
    """An SNTP server on loopback, of which a test says what it answers."""

    def __init__(self, at: float, *, host: str = "127.0.0.1") -> None:
        self.at = at
        self.spoil = lambda reply: reply
        self.asked = 0
        self._host = host

    async def __aenter__(self) -> TimeServer:
        server = self

        class Answering(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                server.asked += 1
                seconds = int(server.at + 2_208_988_800) % (1 << 32)
                reply = bytes((0x24, 2)) + bytes(22) + data[40:48] + bytes(8) + seconds.to_bytes(4, "big") + bytes(4)
                self.transport.sendto(server.spoil(reply), addr)  # type: ignore[attr-defined]

        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(Answering, local_addr=(self._host, 0))
        self.address: tuple[str, int] = self._transport.get_extra_info("sockname")[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
