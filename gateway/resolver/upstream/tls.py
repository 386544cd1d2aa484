"""TLS with a server whose certificate and name are checked, also on a machine that does not know what day it is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import UpstreamError
from gateway.resolver.upstream.clock import Clock
from gateway.resolver.upstream.place import Place

P = TypeVar("P", bound=asyncio.BaseProtocol)

# X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED and X509_V_FLAG_NO_CHECK_TIME (OpenSSL: x509_vfy.h).
_NOT_YET_VALID, _EXPIRED = 9, 10
_NO_CHECK_TIME = 0x200000


class Trust:
    """Certificates that lead to a root of this machine, or of the file `roots`; TLS 1.2 or later.

    Sessions are taken up again for the same name, which saves the server's certificate (RFC 8446 section 2.2).
    """

    def __init__(self, clock: Clock, *, protocols: tuple[str, ...] = (), roots: Path | None = None) -> None:
        self._clock = clock
        self._protocols = protocols
        self._roots = roots
        self._contexts: dict[bool, _Context] = {}
        self._making = asyncio.Lock()

    async def open(self, factory: Callable[[], P], place: Place, name: str) -> P:
        """A connection to the server of this name. Raises OSError, ssl errors included, and UpstreamError."""
        if not self._clock.behind:
            try:
                _, protocol = await self._shake_hands(factory, place, name, dated=True)
            except ssl.SSLCertVerificationError as error:
                at = await self._true_time(error)
                if at is None:
                    raise
            else:
                self._clock.agrees()
                return protocol
        else:
            at = await self._clock.true_time()
        transport, protocol = await self._shake_hands(factory, place, name, dated=False)
        try:
            check_dates(transport.get_extra_info("ssl_object"), at)
        except UpstreamError:
            transport.abort()
            raise
        return protocol

    async def _true_time(self, error: ssl.SSLCertVerificationError) -> float | None:
        """By which to judge a certificate that is too new or too old for our clock: then it may be the clock that is
        wrong. None where it is not. Raises UpstreamError.
        """
        if error.verify_code == _NOT_YET_VALID:
            return await self._clock.true_time()
        return await self._clock.time_before_it_was_set() if error.verify_code == _EXPIRED else None

    async def _shake_hands(
        self, factory: Callable[[], P], place: Place, name: str, *, dated: bool
    ) -> tuple[asyncio.Transport, P]:
        context = await self._context(dated)
        sock = await place.connect()
        try:
            peer = sock.getpeername()[0]
            transport, protocol = await asyncio.get_running_loop().create_connection(
                factory, sock=sock, ssl=context, server_hostname=name
            )
        except BaseException:
            place.failed()
            context.learn(name, None)
            sock.close()
            raise
        context.learn(name, transport.get_extra_info("ssl_object"))
        place.worked(peer)
        return transport, protocol

    async def _context(self, dated: bool) -> _Context:
        async with self._making:
            if dated not in self._contexts:
                # Reading a machine's roots takes a Pi a tenth of a second, which no answer should wait for.
                self._contexts[dated] = await asyncio.to_thread(_make_context, self._protocols, self._roots, dated)
        return self._contexts[dated]


class _Context(ssl.SSLContext):
    """Takes up the last session with a name again; `known` is None where every handshake must show a certificate."""

    known: dict[str, ssl.SSLObject] | None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(
            incoming, outgoing, server_side, server_hostname, session or self._last_with(server_hostname)
        )

    def learn(self, name: str, secured: ssl.SSLObject | None) -> None:
        """The newest handshake with this name went well, or failed (None), and then nothing of it is used again."""
        if self.known is not None:
            # The object and not its session: over TLS 1.3 that comes after the handshake.
            if secured is None:
                self.known.pop(name, None)
            else:
                self.known[name] = secured

    def _last_with(self, name: str | bytes | None) -> ssl.SSLSession | None:
        last = self.known.get(str(name)) if self.known is not None else None
        try:
            return last.session if last is not None else None
        except ValueError:
            # OpenSSL has forgotten it.
            return None


def _make_context(protocols: tuple[str, ...], roots: Path | None, dated: bool) -> _Context:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.known = {} if dated else None
    if roots is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(roots)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if not dated:
        context.verify_flags |= _NO_CHECK_TIME
    return context


def check_dates(secured: Any, at: float) -> None:
    """Raises UpstreamError unless each certificate of the verified chain is valid at `at`, seconds since 1970."""
    # Public only from Python 3.13 on, and there without the dates; the object below has both since 3.10.
    chain = secured._sslobj.get_verified_chain()
    if not chain:
        raise UpstreamError("The upstream showed no certificate whose dates could be checked.")
    for certificate in chain:
        dates = certificate.get_info()
        if at < ssl.cert_time_to_seconds(dates["notBefore"]):
            raise UpstreamError(f"The upstream's certificate is not valid before {dates['notBefore']}.")
        if at > ssl.cert_time_to_seconds(dates["notAfter"]):
            raise UpstreamError(f"The upstream's certificate has expired on {dates['notAfter']}.")
