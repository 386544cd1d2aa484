"""Names that mean something to the DNS itself, and are never asked of anybody else."""

from __future__ import annotations

from collections.abc import Collection

from gateway.model.name import ancestors
from gateway.model.reverse_zone import reverse_zones
from gateway.model.special_addresses import Purpose, networks

# Whoever switches on encrypted DNS by itself asks here first whether the network minds. It does: people chose us.
# https://support.mozilla.org/kb/canary-domain-use-application-dnsnet
# https://developer.apple.com/icloud/prepare-your-network-for-icloud-private-relay/
CANARIES = frozenset({"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"})

# RFC 9462 section 6.4: discovery of designated resolvers; we designate none.
RESOLVER_ARPA = "resolver.arpa"

LOCALHOST = "localhost"

# RFC 6761 (test, invalid), 6762 (local: multicast only), 7686 (onion), 9476 (alt).
_NOWHERE = ("test", "invalid", "local", "onion", "alt")
# What routers call the network behind them: RFC 8375 (home.arpa), RFC 6762 appendix G; ICANN keeps internal, home and
# corp out of the public DNS.
_HOMES = ("home.arpa", "lan", "home", "internal", "intranet", "private", "corp", "localdomain")


def _reverse(*purposes: Purpose) -> tuple[str, ...]:
    return tuple(zone for network in networks(*purposes) for zone in reverse_zones(network))


# RFC 6303, RFC 7793: the reverse of addresses that mean nothing to the public DNS; a home has names for some.
HOME_ZONES = frozenset((*_HOMES, *_reverse(Purpose.PRIVATE, Purpose.LINK_LOCAL)))
# Every name at or below one of these ends here, and at or below one of the home's unless the home itself knows it.
ZONES = HOME_ZONES.union(
    _NOWHERE,
    _reverse(Purpose.UNSPECIFIED, Purpose.LOOPBACK, Purpose.SHARED, Purpose.BROADCAST, Purpose.DOCUMENTATION),
)

_CANARY_WHY = {
    "use-application-dns.net": (
        "Firefox asks for it to learn whether it may look up names by itself, past this box. Telltale answers that "
        "there is no such name, so Firefox keeps asking Telltale."
    ),
    "mask.icloud.com": (
        "iPhones, iPads and Macs ask for it before they use iCloud Private Relay, which would go past this box. "
        "Telltale answers that there is no such name, so the relay stays off in this network."
    ),
}
_CANARY_WHY["mask-h2.icloud.com"] = _CANARY_WHY["mask.icloud.com"]


def tell_special(
    name: str, own: Collection[str] = (), forwarded: Collection[str] = (), *, router: bool = False
) -> str | None:
    """Why the box answers this canonical name by itself, whatever rules and lists say, in words for a person; None for
    a name that is asked of others. `own` are the names of the box, `forwarded` the zones that somebody else is asked
    about; `router` when one in the home is asked about the home's names.
    """
    if name in own:
        return "It is the name of this box: it leads to this dashboard, and nobody outside is asked."
    if name in CANARIES:
        return _CANARY_WHY[name]
    for parent in ancestors(name):
        if parent == LOCALHOST:
            return "It always means the device that asks. Telltale answers it, and nobody outside is asked."
        if parent == RESOLVER_ARPA:
            return (
                "Devices ask for it to find encrypted DNS. Telltale answers that there is none to find, so that they "
                "keep asking Telltale."
            )
        if parent in forwarded:
            return None
    for parent in ancestors(name):
        if parent in HOME_ZONES and router:
            return None
        if parent in ZONES:
            return (
                "It asks which name an address in your home has. Telltale answers it, and nobody outside is asked."
                if parent.endswith(".arpa") and parent != "home.arpa"
                else f"Names that end in .{parent} exist in no public DNS, so nobody outside is asked."
            )
    if name and "." not in name and not router:
        return "It has no dot in it, so it is a name of your home. Telltale answers it, and nobody outside is asked."
    return None
