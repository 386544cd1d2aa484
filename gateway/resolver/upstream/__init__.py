"""Whom we ask: one module for each transport."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Protocol
from urllib.parse import urlsplit

from gateway.errors import SettingsError
from gateway.resolver.upstream.do53 import DatagramUpstream
from gateway.resolver.upstream.stream import StreamUpstream
from gateway.wire.question import Question


class Upstream(Protocol):
    """A resolver that answers for us."""

    @property
    def url(self) -> str: ...

    @property
    def address(self) -> tuple[str, int]: ...

    def ask(self, question: Question) -> asyncio.Future[bytes]:
        """The whole response to this question, its id and question checked, or UpstreamError in bounded time.

        Never truncated. Must be called on the event loop.
        """
        ...

    async def close(self) -> None:
        """Ends what is under way, with UpstreamError."""
        ...


def parse_upstream(url: str) -> Upstream:
    """The upstream of a URL like udp://9.9.9.9, udp://[2620:fe::fe]:53 or tcp://192.0.2.1:5353.

    Raises SettingsError, in one sentence.
    """
    try:
        parts = urlsplit(url if "://" in url else f"udp://{url}")
    except ValueError:
        raise SettingsError(
            f"{url!r} is no URL; an IPv6 address stands in brackets, like udp://[2620:fe::fe]."
        ) from None
    if parts.scheme in ("tls", "https", "quic", "h3"):
        raise SettingsError(f"{url!r}: this build speaks udp:// and tcp:// to its upstreams, not {parts.scheme}://.")
    if parts.scheme not in ("udp", "tcp"):
        raise SettingsError(f"{url!r} is no upstream; write it like udp://9.9.9.9 or tcp://[2620:fe::fe]:53.")
    try:
        host, port = parts.hostname or "", parts.port
        ipaddress.ip_address(host)
    except ValueError:
        raise SettingsError(
            f"{url!r}: an upstream is an IP address with an optional port, like udp://9.9.9.9:53; "
            "a name could not be looked up without it."
        ) from None
    if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise SettingsError(f"{url!r}: an upstream is an IP address with an optional port and nothing else.")
    address = (host, 53 if port is None else port)
    return DatagramUpstream(*address) if parts.scheme == "udp" else StreamUpstream(*address)
