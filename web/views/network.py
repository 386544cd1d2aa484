"""The televisions' network, where this box makes it: how to join, how it stands, what was turned away."""

from __future__ import annotations

from typing import Any

from flask import Response, abort

from gateway.errors import ControlError, Unavailable
from web.spoken import spoken_health
from web.views.frame import call, page, pages

_SAID = {
    "dns_turned": "Questions to other resolvers that Telltale answered",
    "dot_refused": "Tries of DNS over TLS, refused",
    "doq_refused": "Tries of DNS over QUIC, refused",
    "doh_refused": "Tries of DNS over HTTPS, refused",
    "resolver_refused": "Other packets to known resolvers, refused",
    "tunnel_refused": "Packets that hide others inside, refused",
    "foreign_source": "Packets under another's address, refused",
    "ipv6_refused": "Packets over IPv6, which this network does not have, refused",
    "paused_refused": "Packets of a device whose internet you paused, refused",
    "cut_refused": "Packets to what you had just blocked, refused",
    "home_refused": "Packets to the rest of your home, refused",
    "inbound_dropped": "Packets from outside to a television, dropped",
    "uplink_dropped": "Questions from outside your home to this box, dropped",
    "encrypted_noted": "Encrypted questions to other resolvers, let through as you chose",
    "dns_passed": "Questions answered by others while Telltale's DNS was down",
    "time_turned": "Questions to other time servers, answered here",
    "rogue_router": "False announcements of a router, dropped",
    "rogue_dhcp": "False address servers, dropped",
    "rogue_dns": "False resolvers, dropped",
    "forged_claim": "Packets of a device that posed as this box, dropped",
    "tagged_dropped": "Packets that hide below a tag (VLAN), dropped",
    "leases_refused": "Requests for more addresses than one device or port may have, dropped",
    "kept_apart": "Packets from one device to another, dropped as you chose",
}
"""What the counters of the firewall mean to a person. `gateway_refused` is left out: a home's ordinary chatter."""


def network_status() -> dict[str, Any] | None:
    """None where we make no network, or cannot say."""
    try:
        return _status()
    except Unavailable:
        return None


def _status() -> dict[str, Any] | None:
    """None where we make no network. Raises Unavailable when nobody can say."""
    try:
        said: dict[str, Any] = call("network.status")
    except Unavailable:
        raise
    except ControlError:
        return None
    return spoken_health(said)


@pages.get("/network")
def network() -> str:
    unknown = False
    try:
        status = _status()
    except Unavailable:
        status, unknown = None, True
    join: dict[str, Any] = {}
    counters: dict[str, Any] = {}
    if status is not None:
        join, counters = _ask("network.join"), _ask("network.counters")
    seen = counters.get("counters", counters)
    turned = [(words, int(seen[key])) for key, words in _SAID.items() if isinstance(seen.get(key), int) and seen[key]]
    return page("network.html", "network", network=status, unknown=unknown, join=join, turned=turned)


@pages.get("/network/join.svg")
def join_picture() -> Response:
    """The QR code, as a picture of its own so that no page has to trust its text."""
    picture = _ask("network.join").get("svg")
    if not isinstance(picture, str):
        abort(404)
    return Response(picture, mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})


def _ask(verb: str) -> dict[str, Any]:
    try:
        said = call(verb)
    except ControlError:
        return {}
    return said if isinstance(said, dict) else {}
