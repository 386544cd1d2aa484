"""What the television network shall be: the words between whoever decides and the one process that may change it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from gateway.model.address import Address
from gateway.model.mac import Mac


class Mode(Enum):
    """How televisions come to us."""

    ACCESS_POINT = "access-point"
    """Over Wi-Fi that we make."""
    WIRED = "wired"
    """Over a second wired port."""
    DNS_ONLY = "dns-only"
    """Behind somebody else's router: we answer DNS and touch nothing."""


class Security(Enum):
    """What a device must speak to join the Wi-Fi."""

    WPA2 = "wpa2"
    MIXED = "wpa2+wpa3"
    WPA3 = "wpa3"


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """`country` is an ISO 3166-1 alpha-2 code; `band` is 2.4 or 5 (GHz); `channel` 0 lets the radio choose.

    `ssid` has 1 to 32 bytes in UTF-8, `passphrase` 8 to 63 printable ASCII characters. `isolated` keeps devices from
    reaching each other over the air.
    """

    interface: str
    ssid: str
    passphrase: str
    country: str
    band: float = 2.4
    channel: int = 0
    security: Security = Security.WPA2
    isolated: bool = False


@dataclass(frozen=True, slots=True)
class StaticLease:
    """`name` is a single label, or "" for what the device calls itself."""

    mac: Mac
    address: IPv4Address
    name: str = ""


@dataclass(frozen=True, slots=True)
class TvNetwork:
    """The network behind us. `address` and `address6` are our own there, with the network's length.

    `interface` is the bridge that televisions hang on; `ports` are the links in it (the access point joins by itself).
    `lease_seconds` is how long a DHCP lease lasts, `domain` what the names of leases end in.
    """

    interface: str
    address: IPv4Interface
    address6: IPv6Interface | None
    first: IPv4Address
    last: IPv4Address
    ports: tuple[str, ...] = ()
    lease_seconds: int = 43_200
    domain: str = "tv.lan"
    static: tuple[StaticLease, ...] = ()

    @property
    def mac(self) -> Mac:
        """Ours there. Chosen by nobody else's ports, so that it is known beforehand whom no television may pose as:
        locally administered, with the 40 random bits of our IPv6 network (RFC 4193), or our IPv4 address.
        """
        six = self.address6
        own = six.network.network_address.packed[1:6] if six is not None else b"T" + self.address.ip.packed
        return Mac((b"\x02" + own).hex(":"))

    @property
    def link_local(self) -> IPv6Address:
        """What the kernel makes of our MAC address (RFC 4291, appendix A)."""
        mac = bytes.fromhex(self.mac.replace(":", ""))
        return IPv6Address(b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:])


@dataclass(frozen=True, slots=True)
class Barrier:
    """What the firewall does with those who walk round the resolver.

    `dns_port` is where our resolver listens on the television network. `resolvers` are addresses of known encrypted
    resolvers, refused on every port but 80 while `refuse_encrypted` is on; so is port 853 of everybody. `redirect_time`
    sends NTP to ourselves, which only helps where a time server runs here. `isolate_home` lets televisions reach the
    internet but no other network of the home. `paused` are MAC addresses that reach nothing but our DNS. `filtering`
    False sends DNS straight to `fallback`, for the time our resolver is dead; with no `fallback` it goes on to us, so
    that nobody answers: it fails closed. `keep_apart` lets no device of this network reach another one, casting
    included, but for those that hang on one switch, whose packets never come by here.
    """

    dns_port: int = 53
    web_port: int = 80
    resolvers: tuple[Address, ...] = ()
    refuse_encrypted: bool = True
    redirect_time: bool = False
    isolate_home: bool = True
    paused: tuple[Mac, ...] = ()
    filtering: bool = True
    fallback: tuple[Address, ...] = ()
    keep_apart: bool = False


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """Everything the network process needs; one value, applied whole or not at all. `uplink` leads to the internet.

    `access_point` is set exactly with Mode.ACCESS_POINT, `tv` except with Mode.DNS_ONLY.
    """

    mode: Mode
    uplink: str
    tv: TvNetwork | None = None
    access_point: AccessPoint | None = None
    barrier: Barrier = Barrier()
