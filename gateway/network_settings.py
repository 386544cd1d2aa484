"""The section [network] of settings.toml: how televisions come to us. Unset, Telltale touches no network.

[network] mode = "access-point", "wired" or "dns-only"      uplink = "eth0" (default: where the internet is)
          country = "DE"   ssid = "Telltale TV"   passphrase = "..." (default: this box's own)   interface = "wlan0"
          band = 2.4 or 5  channel = 0            security = "wpa2", "wpa2+wpa3" or "wpa3"       isolation = false
          ports = ["eth1"] bridge = "br-tv"       address = "10.83.7.1/24"   pool = ["10.83.7.50", "10.83.7.250"]
          ipv6 = true      lease_hours = 12       domain = "tv.lan"
          static = [{ mac = "cc:6d:a0:11:22:33", address = "10.83.7.10", name = "salon" }]
          refuse_encrypted = true   redirect_time = false   isolate_home = true
          fail_closed = false       fallback = ["9.9.9.9"]  socket = "/run/telltale-network/network.sock"
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
)
from pathlib import Path
from typing import Any

from gateway.errors import SettingsError
from gateway.files import write_atomically
from gateway.model.address import Address
from gateway.model.mac import Mac
from gateway.model.network import AccessPoint, Barrier, Mode, NetworkPlan, Security, StaticLease, TvNetwork
from gateway.model.special_addresses import Purpose, networks, purpose_of

DEFAULT_SOCKET = "/run/telltale-network/network.sock"
_FALLBACK: tuple[Address, ...] = tuple(ip_address(text) for text in ("9.9.9.9", "149.112.112.112", "2620:fe::fe"))
# Without 0 o 1 l i, and without anything that needs the shift key of a television's on-screen keyboard.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
_NETWORKS = [IPv4Network(f"10.83.{number}.0/24") for number in range(1, 255)]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What the section says; None and "" are for this box to choose. `fallback` is empty when DNS fails closed.
    `isolated` None is for a person to choose on the dashboard.
    """

    mode: Mode = Mode.ACCESS_POINT
    uplink: str = ""
    interface: str = "wlan0"
    ports: tuple[str, ...] = ()
    bridge: str = "br-tv"
    address: IPv4Interface | None = None
    pool: tuple[IPv4Address, IPv4Address] | None = None
    ipv6: bool = True
    lease_seconds: int = 43_200
    domain: str = "tv.lan"
    static: tuple[StaticLease, ...] = ()
    ssid: str = "Telltale TV"
    passphrase: str = ""
    country: str = ""
    band: float = 2.4
    channel: int = 0
    security: Security = Security.WPA2
    isolated: bool | None = None
    refuse_encrypted: bool = True
    redirect_time: bool = False
    isolate_home: bool = True
    fail_closed: bool = False
    fallback: tuple[Address, ...] = _FALLBACK
    socket: str = DEFAULT_SOCKET


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """What one box chose for itself, once: nobody else has its passphrase, nor its networks."""

    passphrase: str
    address: IPv4Interface
    address6: IPv6Interface


def read_network(entries: Mapping[str, Any]) -> NetworkSettings:
    """The section. Raises SettingsError with one sentence that says which key, and what belongs there."""
    settings = NetworkSettings()
    for key, entry in entries.items():
        reader = _READERS.get(key)
        if reader is None:
            raise SettingsError("network-settings.network-no", key=f"{key!r}", join=f"{', '.join(_READERS)}")
        try:
            settings = replace(settings, **reader(entry))
        except (SettingsError, TypeError, ValueError) as error:
            raise SettingsError("network-settings.network", key=key, error=error) from None
    if settings.mode is Mode.ACCESS_POINT and not settings.country:
        raise SettingsError("network-settings.country-network-missing")
    if settings.mode is Mode.WIRED and not settings.ports:
        raise SettingsError("network-settings.ports-network-missing")
    return settings


def plan_network(
    settings: NetworkSettings,
    own: OwnNetwork,
    *,
    uplink: str,
    dns_port: int = 53,
    web_port: int = 80,
    resolvers: Iterable[Address] = (),
    paused: Iterable[Mac] = (),
    isolated: bool = False,
) -> NetworkPlan:
    """The plan these settings ask for; `uplink` is where the internet is, and `isolated` whether televisions are kept
    from each other, when they do not say. Raises SettingsError.
    """
    way_out = settings.uplink or uplink
    if not way_out:
        raise SettingsError("network-settings.uplink-network-missing")
    if settings.mode is Mode.DNS_ONLY:
        return NetworkPlan(settings.mode, way_out)
    isolated = isolated if settings.isolated is None else settings.isolated
    address = settings.address or own.address
    first, last = settings.pool or _pool(address)
    tv = TvNetwork(
        interface=settings.bridge,
        address=address,
        address6=own.address6 if settings.ipv6 else None,
        first=first,
        last=last,
        ports=settings.ports,
        lease_seconds=settings.lease_seconds,
        domain=settings.domain,
        static=settings.static,
    )
    point = AccessPoint(
        settings.interface,
        settings.ssid,
        settings.passphrase or own.passphrase,
        settings.country,
        settings.band,
        settings.channel,
        settings.security,
        isolated,
    )
    barrier = Barrier(
        dns_port=dns_port,
        web_port=web_port,
        resolvers=tuple(resolvers),
        refuse_encrypted=settings.refuse_encrypted,
        redirect_time=settings.redirect_time,
        isolate_home=settings.isolate_home,
        paused=tuple(sorted(paused)),
        fallback=() if settings.fail_closed else settings.fallback,
        keep_apart=isolated,
    )
    return NetworkPlan(settings.mode, way_out, tv, point if settings.mode is Mode.ACCESS_POINT else None, barrier)


def televisions_networks(settings: NetworkSettings | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Where a client of the televisions' network has its address, as far as the settings alone tell; all networks that
    a box may choose when they do not say which one it is. Empty where another router makes the network.
    """
    if settings is None or settings.mode is Mode.DNS_ONLY:
        return ()
    own = settings.address.network if settings.address else _NETWORKS[0].supernet(new_prefix=16)
    return own, *(each for each in networks(Purpose.PRIVATE) if isinstance(each, IPv6Network))


def own_network(path: Path, taken: Iterable[IPv4Network] = ()) -> OwnNetwork:
    """What this box chose at its first start, from `path` (mode 0600). `taken` are the networks it stands in already:
    an address of ours among them is chosen anew. Raises SettingsError when it can be neither read nor written.
    """
    known, busy = _stored(path), list(taken)
    if known is not None and not any(known.address.network.overlaps(each) for each in busy):
        return known
    free = [network for network in _NETWORKS if not any(network.overlaps(each) for each in busy)]
    if not free:
        raise SettingsError("network-settings.address-network-missing")
    chosen = OwnNetwork(
        known.passphrase if known else new_passphrase(),
        IPv4Interface((secrets.choice(free)[1], 24)),
        known.address6 if known else _new_address6(),
    )
    text = {"passphrase": chosen.passphrase, "address": str(chosen.address), "address6": str(chosen.address6)}
    try:
        write_atomically(path, [json.dumps(text).encode()], 0o600)
    except OSError as error:
        raise SettingsError("network-settings.cannot-written-wi", path=path, strerror=error.strerror) from None
    return chosen


def new_passphrase() -> str:
    """Four groups of five signs, 99 bits. A join can be recorded on the street and guessed at leisure with thousands of
    graphics cards, so it has more than the 80 bits that are out of their reach; and it is typed with a remote control.
    """
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(4))


def _new_address6() -> IPv6Interface:
    """A network of our own (RFC 4193 section 3.2: 40 random bits), the first /64 of it, the first address in that."""
    prefix = (0xFD << 120) | (int.from_bytes(os.urandom(5), "big") << 80)
    return IPv6Interface((prefix | 1, 64))


def _stored(path: Path) -> OwnNetwork | None:
    try:
        said = json.loads(path.read_bytes())
        return OwnNetwork(str(said["passphrase"]), IPv4Interface(said["address"]), IPv6Interface(said["address6"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError("network-settings.cannot-read", path=path, strerror=error.strerror) from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError("network-settings.damaged-delete-wi", path=path) from None


def _pool(address: IPv4Interface) -> tuple[IPv4Address, IPv4Address]:
    """All but the lowest fifty, where the network has so many: those are for fixed addresses."""
    network = address.network
    low = network[50] if network.num_addresses > 100 else network[2]
    return low, network[-2]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError("network-settings.text-quotes")
    return value


def _interface(value: Any) -> str:
    if not _INTERFACE.fullmatch(_text(value)):
        raise SettingsError("network-settings.not-name-link", value=f"{value!r:.60}")
    return str(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError("network-settings.true-false")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SettingsError("network-settings.list-brackets")
    return value


def _mode(value: Any) -> Mode:
    if value not in [each.value for each in Mode]:
        raise SettingsError("network-settings.access-point-wired")
    return Mode(value)


def _security(value: Any) -> Security:
    if value not in [each.value for each in Security]:
        raise SettingsError("network-settings.wpa-wpa-wpa")
    return Security(value)


def _country(value: Any) -> str:
    country = _text(value).upper()
    if not re.fullmatch(r"[A-Z]{2}", country, re.ASCII):
        raise SettingsError("network-settings.country-s-two")
    return country


def _ssid(value: Any) -> str:
    if len(_text(value).encode()) > 32:
        raise SettingsError("network-settings.name-wi-fi")
    return str(value)


def _passphrase(value: Any) -> str:
    if not re.fullmatch(r"[\x20-\x7e]{8,63}", _text(value), re.ASCII):
        raise SettingsError("network-settings.passphrase-letters-digits")
    return str(value)


def _band(value: Any) -> float:
    if isinstance(value, bool) or value not in (2.4, 5):
        raise SettingsError("network-settings.failed")
    return float(value)


def _channel(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 177:
        raise SettingsError("network-settings.number-channel-lets")
    return value


def _hours(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.05 <= value <= 744:
        raise SettingsError("network-settings.number-hours")
    return int(value * 3600)


def _own_address(value: Any) -> IPv4Interface:
    try:
        address = ip_interface(_text(value))
    except ValueError:
        address = None
    if not isinstance(address, IPv4Interface) or not 16 <= address.network.prefixlen <= 29:
        raise SettingsError("network-settings.our-address-length")
    if purpose_of(address.ip) is not Purpose.PRIVATE or address.ip in (address.network[0], address.network[-1]):
        raise SettingsError("network-settings.no-private-address", address=address)
    return address


def _two(value: Any) -> tuple[IPv4Address, IPv4Address]:
    first, last = (IPv4Address(each) for each in _list(value))
    return first, last


def _static(value: Any) -> StaticLease:
    if not isinstance(value, dict) or not {"mac", "address"} <= set(value) <= {"mac", "address", "name"}:
        raise SettingsError("network-settings.each-like-mac")
    try:
        mac = Mac(_text(value["mac"]))
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return StaticLease(mac, IPv4Address(value["address"]), str(value.get("name", "")).lower())


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "mode": lambda value: {"mode": _mode(value)},
    "uplink": lambda value: {"uplink": _interface(value)},
    "interface": lambda value: {"interface": _interface(value)},
    "ports": lambda value: {"ports": tuple(_interface(each) for each in _list(value))},
    "bridge": lambda value: {"bridge": _interface(value)},
    "address": lambda value: {"address": _own_address(value)},
    "pool": lambda value: {"pool": _two(value)},
    "ipv6": lambda value: {"ipv6": _boolean(value)},
    "lease_hours": lambda value: {"lease_seconds": _hours(value)},
    "domain": lambda value: {"domain": _text(value).lower().rstrip(".")},
    "static": lambda value: {"static": tuple(_static(each) for each in _list(value))},
    "ssid": lambda value: {"ssid": _ssid(value)},
    "passphrase": lambda value: {"passphrase": _passphrase(value)},
    "country": lambda value: {"country": _country(value)},
    "band": lambda value: {"band": _band(value)},
    "channel": lambda value: {"channel": _channel(value)},
    "security": lambda value: {"security": _security(value)},
    "isolation": lambda value: {"isolated": _boolean(value)},
    "refuse_encrypted": lambda value: {"refuse_encrypted": _boolean(value)},
    "redirect_time": lambda value: {"redirect_time": _boolean(value)},
    "isolate_home": lambda value: {"isolate_home": _boolean(value)},
    "fail_closed": lambda value: {"fail_closed": _boolean(value)},
    "fallback": lambda value: {"fallback": tuple(ip_address(_text(each)) for each in _list(value))},
    "socket": lambda value: {"socket": _text(value)},
}
