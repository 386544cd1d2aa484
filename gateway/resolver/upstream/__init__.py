"""Whom we ask: one module for each transport."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from gateway.errors import SettingsError
from gateway.model.event import HealthChanged
from gateway.resolver.pending import Future
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.do53 import DatagramUpstream
from gateway.resolver.upstream.dot import PORT as TLS_PORT
from gateway.resolver.upstream.dot import TlsUpstream
from gateway.resolver.upstream.encryption import Encryption, keep_time
from gateway.resolver.upstream.place import Place
from gateway.resolver.upstream.stream import StreamUpstream
from gateway.wire.question import Question

_EXAMPLES = "udp://9.9.9.9, tls://9.9.9.9#dns.quad9.net or https://dns.quad9.net/dns-query"

# At least two labels, and a top level that is no number (RFC 1123 section 2.1).
_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Upstream(Protocol):
    """A resolver that answers for us."""

    @property
    def url(self) -> str: ...

    @property
    def address(self) -> tuple[str, int]: ...

    def ask(self, question: Question) -> Future[bytes]:
        """The whole response to this question, its id and question checked, or UpstreamError in bounded time.

        Never truncated. Must be called on the event loop.
        """
        ...

    async def close(self) -> None:
        """Ends what is under way, with UpstreamError."""
        ...


def open_upstreams(
    urls: Sequence[str],
    *,
    bootstrap: Sequence[str],
    time_servers: Sequence[tuple[str, int]] = (),
    report: Callable[[HealthChanged], None],
) -> list[Upstream]:
    """All upstreams of a home. Those with a host name are looked up at the `bootstrap` resolvers.

    `time_servers` are asked when this machine's clock cannot be right. Raises SettingsError.
    """
    resolvers = [_parse_plain(each) for each in bootstrap]
    encryption = Encryption(Bootstrap(resolvers), keep_time(time_servers, report))
    return [parse_upstream(url, encryption) for url in urls]


def is_encrypted(url: str) -> bool:
    return url.startswith(("tls://", "https://"))


def parse_upstream(url: str, encryption: Encryption | None = None) -> Upstream:
    """The upstream of a URL: udp://9.9.9.9, tcp://[2620:fe::fe]:53, tls://9.9.9.9#dns.quad9.net, tls://dns.quad9.net
    or https://dns.quad9.net/dns-query.

    What follows the # is the name that the certificate must be for, when the upstream is given by address. Raises
    SettingsError, in one sentence.
    """
    parts = _split(url)
    if parts.scheme == "tls":
        return _parse_tls(url, parts, encryption or Encryption())
    if parts.scheme == "https":
        return _parse_https(url, parts, encryption or Encryption())
    return _parse_plain(url)


def host_of(url: str) -> str:
    """The host name or address in an upstream's URL. Raises SettingsError."""
    return _split(url).hostname or ""


def _split(url: str) -> SplitResult:
    # RFC 8484 writes a DoH server as a template for GET; we POST, so its variable is not part of the address.
    url = url.removesuffix("{?dns}")
    try:
        parts = urlsplit(url if "://" in url else f"udp://{url}")
        port = parts.port
    except ValueError:
        raise SettingsError("upstream.no-upstream-written", url=f"{url!r}", examples=_EXAMPLES) from None
    if parts.scheme not in ("udp", "tcp", "tls", "https"):
        raise SettingsError("upstream.no-upstream-write", url=f"{url!r}", examples=_EXAMPLES)
    if port == 0 or parts.query or parts.username is not None:
        raise SettingsError("upstream.no-upstream-write", url=f"{url!r}", examples=_EXAMPLES)
    return parts


def _parse_plain(url: str) -> DatagramUpstream | StreamUpstream:
    parts = _split(url)
    host = parts.hostname or ""
    if parts.scheme not in ("udp", "tcp") or parts.path not in ("", "/") or parts.fragment or not _is_address(host):
        raise SettingsError("upstream.plain-upstream-ip", url=f"{url!r}")
    address = (host, parts.port or 53)
    return DatagramUpstream(*address) if parts.scheme == "udp" else StreamUpstream(*address)


def _parse_tls(url: str, parts: SplitResult, encryption: Encryption) -> TlsUpstream:
    if parts.path not in ("", "/"):
        raise SettingsError("upstream.upstream-over-tls", url=f"{url!r}")
    host, name = _whom(url, parts, encryption)
    place = Place(host, parts.port or TLS_PORT, encryption.bootstrap)
    shown = f"tls://{_bracketed(host)}:{place.address[1]}" + (f"#{name}" if name != host else "")
    return TlsUpstream(shown, place, name, encryption.trust())


def _parse_https(url: str, parts: SplitResult, encryption: Encryption) -> Upstream:
    # Here and not above: a home that does not ask over HTTP is spared its memory.
    from gateway.resolver.upstream.doh import ALPN, PORT, HttpsUpstream

    path = parts.path or "/dns-query"
    if not path.isascii() or any(character <= " " or character in "{}\x7f" for character in path):
        raise SettingsError("upstream.path-not-url", url=f"{url!r}")
    host, name = _whom(url, parts, encryption)
    place = Place(host, parts.port or PORT, encryption.bootstrap)
    port = "" if place.address[1] == PORT else f":{place.address[1]}"
    shown = f"https://{_bracketed(host)}{port}{path}" + (f"#{name}" if name != host else "")
    return HttpsUpstream(shown, place, name, _bracketed(name) + port, path, encryption.trust(ALPN))


def _whom(url: str, parts: SplitResult, encryption: Encryption) -> tuple[str, str]:
    """Where to connect to, and for whom the certificate must be."""
    host = parts.hostname or ""
    name = parts.fragment or host
    for each in {host, name}:
        if not _is_address(each) and not _is_host_name(each):
            raise SettingsError("upstream.no-upstream-neither", url=f"{url!r}", each=f"{each!r}")
    if _is_address(host):
        return host, name.lower()
    if parts.fragment:
        raise SettingsError("upstream.name-behind-belongs", url=f"{url!r}")
    if not encryption.bootstrap:
        raise SettingsError("upstream.name-cannot-looked", url=f"{url!r}")
    return host, host


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def _is_host_name(host: str) -> bool:
    return len(host) <= 253 and _HOST_NAME.fullmatch(host.lower()) is not None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
