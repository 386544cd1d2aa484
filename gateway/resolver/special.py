"""Names that mean something to the DNS itself, and are never asked of anybody else."""

from __future__ import annotations

# Whoever turns on encrypted DNS by itself asks here first whether the network minds. It does: the household chose us.
# https://support.mozilla.org/kb/canary-domain-use-application-dnsnet
# https://developer.apple.com/icloud/prepare-your-network-for-icloud-private-relay/
CANARIES = frozenset({"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"})

# RFC 9462 section 6.4: discovery of designated resolvers; we designate none.
RESOLVER_ARPA = "resolver.arpa"

LOCALHOST = "localhost"

# RFC 6761 (test, invalid), 6762 (local: multicast only), 7686 (onion), 8375 (home.arpa), 9476 (alt).
_NOWHERE = ("test", "invalid", "local", "onion", "home.arpa", "alt")

# RFC 6303 sections 4.2 to 4.6, RFC 7793: the reverse of addresses that only mean something at home.
_REVERSE_4 = (
    "10",
    *(f"{n}.172" for n in range(16, 32)),
    "168.192",
    "0",
    "127",
    "254.169",
    "2.0.192",
    "100.51.198",
    "113.0.203",
    "255.255.255.255",
    *(f"{n}.100" for n in range(64, 128)),
)
_REVERSE_6 = (
    ".".join("0" * 32),
    "1." + ".".join("0" * 31),
    "c.f",
    "d.f",
    "8.e.f",
    "9.e.f",
    "a.e.f",
    "b.e.f",
    "8.b.d.0.1.0.0.2",
)

# Every name at or below one of these ends here.
ZONES = frozenset(
    (
        *_NOWHERE,
        *(f"{zone}.in-addr.arpa" for zone in _REVERSE_4),
        *(f"{zone}.ip6.arpa" for zone in _REVERSE_6),
    )
)
