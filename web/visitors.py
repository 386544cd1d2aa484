"""Where a visitor comes from, and whose guesses its guesses are."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app, request

from gateway.model.address import Address
from web.security import is_home_address
from web.sessions import BROWSER_COOKIE, Sessions
from web.throttle import Guesser, LoginAttempt, Throttle

_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


@dataclass(frozen=True, slots=True)
class Televisions:
    """The network that this box makes for televisions: its address ranges, and its link for link-local addresses."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    link: str = ""
    may_log_in: bool = True

    def holds(self, client: str) -> bool:
        """True for a client of that network; False when there is none, as where another router makes the network."""
        text, _, zone = client.partition("%")
        if zone and zone == self.link:
            return True
        try:
            address: Address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks if network.version == address.version)


NO_TELEVISIONS = Televisions()


def televisions() -> Televisions:
    return cast(Televisions, current_app.extensions["telltale.televisions"])


def is_television() -> bool:
    """True when this request comes from the televisions' network."""
    return televisions().holds(request.remote_addr or "")


def is_stranger() -> bool:
    """True when nobody can say that this request comes from the home: from outside, or through a proxy."""
    return not is_home_address(request.remote_addr or "") or any(name in request.headers for name in _PROXY)


@contextmanager
def attempt() -> Iterator[LoginAttempt]:
    """One guess of whoever asks."""
    sessions = cast(Sessions, current_app.extensions["telltale.sessions"])
    throttle = cast(Throttle, current_app.extensions["telltale.throttle"])
    cookie = request.cookies.get(BROWSER_COOKIE)
    who = Guesser(request.remote_addr or "", is_television(), sessions.browser(cookie) if cookie else None)
    with throttle.attempt(who) as made:
        yield made
