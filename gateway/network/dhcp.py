"""A television network to dnsmasq's configuration (dnsmasq(8)): DHCPv4, router advertisements, DHCPv6. Pure.

dnsmasq answers no DNS here (port=0) and reads no file but this one. Both families hear that we are the resolver.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from gateway.errors import NetworkError
from gateway.model.network import StaticLease, TvNetwork
from gateway.network.limits import check_mac

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9_./-]{1,200}", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_SHORTEST, _LONGEST = 120, 31 * 86_400
_MOST_STATIC = 1024
_MOST_LEASES = 4096


def check_tv_network(tv: TvNetwork) -> None:
    """Raises NetworkError with one sentence about the first thing that is wrong."""
    if not _INTERFACE.fullmatch(tv.interface):
        raise NetworkError("network.not-name-network", interface=f"{tv.interface!r:.60}")
    network = tv.address.network
    for end in (tv.first, tv.last):
        if end not in network or end in (network.network_address, network.broadcast_address):
            raise NetworkError("network.addresses-televisions-must", network=network, end=end)
    if tv.first > tv.last:
        raise NetworkError("network.addresses-televisions-begin", first=tv.first, last=tv.last)
    if tv.first <= tv.address.ip <= tv.last:
        raise NetworkError("network.our-own-address", ip=tv.address.ip)
    if tv.address6 is not None and tv.address6.network.prefixlen != 64:
        raise NetworkError("network.ipv-network-televisions")
    if not _SHORTEST <= tv.lease_seconds <= _LONGEST:
        raise NetworkError("network.lease-lasts-minutes")
    if len(tv.domain) > 200 or not all(_LABEL.fullmatch(label) for label in tv.domain.split(".")):
        raise NetworkError("network.not-domain-such", domain=f"{tv.domain!r:.60}")
    if len(tv.static) > _MOST_STATIC:
        raise NetworkError("network.most-devices-can", most_static=_MOST_STATIC)
    for lease in tv.static:
        _check_static(tv, lease)
    for what in ("mac", "address"):
        if len({getattr(lease, what) for lease in tv.static}) < len(tv.static):
            raise NetworkError("network.two-devices-share")


def render(tv: TvNetwork, *, folder: PurePosixPath, hook: PurePosixPath, user: str, time: bool = False) -> str:
    """The file for this network. `folder` is where leases are kept, `hook` the program that hears of each, `user` whom
    dnsmasq runs as; `time` tells devices that a time server is here. Raises NetworkError.
    """
    check_tv_network(tv)
    for path in (folder, hook):
        if not _PATH.fullmatch(str(path)):
            raise NetworkError("network.folder-leases-name")
    if not _USER.fullmatch(user):
        raise NetworkError("network.not-name-user", user=f"{user!r:.40}")
    own, network = tv.address.ip, tv.address.network
    lines = [
        "port=0",
        "no-resolv",
        "no-hosts",
        f"interface={tv.interface}",
        "except-interface=lo",
        # The bridge may come after us, or go and come back.
        "bind-dynamic",
        f"user={user}",
        "log-facility=-",
        "quiet-dhcp",
        "quiet-dhcp6",
        "quiet-ra",
        # We alone give addresses here: a device with an old lease from elsewhere is refused at once.
        "dhcp-authoritative",
        # Asking first whether an address is taken costs a television three seconds of its joining.
        "no-ping",
        # Else a device has an address for each name that it makes up for itself.
        "dhcp-ignore-clid",
        f"dhcp-leasefile={folder}/leases",
        f"dhcp-script={hook}",
        f"dhcp-lease-max={_MOST_LEASES}",
        f"domain={tv.domain}",
        f"dhcp-range={tv.first},{tv.last},{network.netmask},{tv.lease_seconds}",
        f"dhcp-option=option:router,{own}",
        f"dhcp-option=option:dns-server,{own}",
        f"dhcp-option=option:domain-name,{tv.domain}",
    ]
    if time:
        lines.append(f"dhcp-option=option:ntp-server,{own}")
    if tv.address6 is not None:
        lines += [
            f"dhcp-range=::,constructor:{tv.interface},ra-stateless,64,{tv.lease_seconds}",
            "enable-ra",
            # High preference (RFC 4191), so that a rogue router comes second; every 60 s, valid for 1800 s.
            f"ra-param={tv.interface},high,60,1800",
            f"dhcp-option=option6:dns-server,[{tv.address6.ip}]",
            f"dhcp-option=option6:domain-search,{tv.domain}",
        ]
    lines += [",".join(filter(None, (f"dhcp-host={s.mac}", str(s.address), s.name))) for s in tv.static]
    return "\n".join(lines) + "\n"


def _check_static(tv: TvNetwork, lease: StaticLease) -> None:
    check_mac(lease.mac)
    if lease.address not in tv.address.network or lease.address == tv.address.ip:
        raise NetworkError("network.cannot-device-s", address=lease.address, network=tv.address.network)
    if lease.name and not _LABEL.fullmatch(lease.name):
        raise NetworkError("network.not-name-device", name=f"{lease.name!r:.70}")
