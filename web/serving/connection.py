"""One connection: a request is read whole and in time, answered, and then perhaps the next (RFC 9112)."""

from __future__ import annotations

import asyncio
import json
import logging
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import h11

from web.limits import MAX_BODY, MAX_HEAD
from web.serving.bell import BELL, HEARTBEAT, Bell
from web.serving.call import Call, ResponseHead
from web.serving.requests import Unfit, check, environ
from web.throttle import client_key

if TYPE_CHECKING:
    from web.serving.server import Server

log = logging.getLogger(__name__)

RECEIVE = 10.0
"""Seconds within which a request must be whole, from the first moment on; also how long a connection may be idle."""
DELIVER = 20.0
"""Seconds within which a client must take 64 KiB, or whatever is the rest."""
LISTEN = 300.0
"""The same for an open page: a telephone sleeps, and comes back."""
LINGER = 2.0
_BUFFER = 64 * 1024
_BUSY = "Too much is asked at once; try again in a few seconds."
_OURS = "Something went wrong inside Telltale; its log says what."
_UNFIT = "This request cannot be understood."


class ClientConnection(asyncio.Protocol):
    """Reads with h11; `engaged` while a thread works for it, or while it is an open page."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._ahead = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: asyncio.Task[None] | None = None
        self._begun = False
        self._bell: Bell | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._peer = self._here = ("", 0)
        self._transport: asyncio.Transport
        self.key = ""
        self.engaged = False
        self.live = False
        self._left = self._deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_BUFFER)
        self._peer = (transport.get_extra_info("peername") or ("", 0))[:2]
        self._here = (transport.get_extra_info("sockname") or ("", 0))[:2]
        self.key = client_key(self._peer[0])
        self._await_request()
        self._server.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._server.leave(self)
        # Whoever works for it is not interrupted, but looks whether anybody is there still.
        self._writable.set()
        if self._bell is not None:
            self._bell.ring()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._answering is not None:
            # Whoever sends the next request before the answer to this one may do so, in measure.
            self._ahead += len(data)
            if self._ahead > MAX_HEAD + MAX_BODY:
                self._transport.abort()
                return
        self._http.receive_data(data)
        self._advance()

    def eof_received(self) -> bool:
        """A client that has said all it wants may still listen; an open page that is left is over."""
        self._left = True
        if self.live or self._deaf:
            return False
        self._http.receive_data(b"")
        self._advance()
        return self._answering is not None

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def hang_up(self) -> asyncio.Task[None] | None:
        """At once, whatever was going on; the work that is still being done for it."""
        self._transport.abort()
        return self._answering

    def finish(self) -> None:
        """Answers what is being answered, and no more."""
        if self._answering is None:
            self._transport.close()

    def _advance(self) -> None:
        while self._answering is None and not self._deaf and not self._transport.is_closing():
            try:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._take(cast(h11.Event, event))
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint, _UNFIT)
            except Unfit as unfit:
                self._refuse(unfit.status, str(unfit))

    def _take(self, event: h11.Event) -> None:
        match event:
            case h11.Request():
                check(event)
                self._request, self._body = event, bytearray()
                if self._http.they_are_waiting_for_100_continue:
                    self._write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            case h11.Data(data=data):
                if len(self._body) + len(data) > MAX_BODY:
                    raise Unfit(413, "This request is too large; 64 KiB are the most.")
                self._body += data
            case h11.EndOfMessage() if self._request is not None:
                variables = environ(self._request, bytes(self._body), self._peer, self._here)
                self._disarm()
                self._ahead = 0
                self._answering = self._loop.create_task(self._answer(variables))
            case _:
                self._transport.close()

    def _await_request(self) -> None:
        self._disarm()
        self._deadline = self._loop.call_later(RECEIVE, self._too_late)

    def _too_late(self) -> None:
        if self._request is not None or self._http.trailing_data[0]:
            self._refuse(408, "The request did not come in time.")
        else:
            self._transport.close()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    async def _answer(self, variables: dict[str, Any]) -> None:
        bell = self._bell = Bell()
        call = Call(self._server.application, {**variables, BELL: bell}, bell)
        try:
            async with self._server.seat(self.key):
                self.engaged = True
                begun = None if self._transport.is_closing() else await self._server.work(call.begin)
            self.engaged = self.live = bell.taken
            if begun is not None and not (self.live and self._left):
                await self._hand_out(*begun, call, bell)
        except (TimeoutError, h11.LocalProtocolError) as error:
            self._give_up(error)
        except Exception as error:
            log.exception("an answer failed")
            self._give_up(error)
        self.engaged = self.live = False
        self._bell = self._answering = None
        self._server.let_go(call.close)
        self._next()

    async def _hand_out(self, head: ResponseHead, piece: bytes | None, call: Call, bell: Bell) -> None:
        fields = [*head.headers, (b"Date", formatdate(usegmt=True).encode())]
        if self._server.stopping:
            fields.append((b"Connection", b"close"))
        self._write(h11.Response(status_code=head.status, headers=fields, reason=_reason(head.status)))
        self._begun = True
        while piece is not None and not self._transport.is_closing():
            if piece:
                self._write(h11.Data(data=piece))
                async with asyncio.timeout(LISTEN if bell.taken else DELIVER):
                    await self._writable.wait()
            elif bell.taken:
                await bell.wait(HEARTBEAT)
            if not self._transport.is_closing():
                piece = await self._server.work(call.more)
        self._write(h11.EndOfMessage())

    def _give_up(self, error: Exception) -> None:
        """One sentence when nothing was said yet; else an end that no client takes for the whole."""
        if self._begun:
            self._transport.abort()
        elif isinstance(error, TimeoutError):
            self._refuse(503, _BUSY)
        else:
            self._refuse(500, _OURS)

    def _next(self) -> None:
        if self._transport.is_closing() or self._deaf:
            return
        if self._server.stopping or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._request, self._begun = None, False
        self._await_request()
        self._advance()

    def _refuse(self, status: int, sentence: str) -> None:
        """Answers without the application, and without h11, which no longer speaks once something went wrong."""
        body = json.dumps({"error": sentence}).encode() + b"\n"
        head = (
            f"HTTP/1.1 {status} {_reason(status).decode()}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nConnection: close\r\n\r\n"
        )
        if not self._transport.is_closing():
            wants_body = self._request is None or self._request.method != b"HEAD"
            self._transport.write(head.encode() + (body if wants_body else b""))
            self._linger()

    def _linger(self) -> None:
        """Says that no more will come, and lets what is still under way run dry: a client that finds its connection
        reset may never see our answer (RFC 9112, section 9.6).
        """
        self._deaf = True
        self._disarm()
        self._transport.write_eof()
        self._deadline = self._loop.call_later(LINGER, self._transport.abort)

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
