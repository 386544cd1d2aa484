"""What Telltale was given: flags first, then `settings.toml` in the data folder, then the defaults.

[dns]   listen = ["127.0.0.1:5335"]   upstreams = ["udp://9.9.9.9"]   names = {"telltale.lan" = "192.0.2.1"}
        rebinding = true              rebinding_exceptions = ["plex.direct"]
        bootstrap = ["9.9.9.9"]       strategy = "strict" or "fastest"
        plain_fallback = false        time_servers = ["162.159.200.1"]
        trust_ad = false              client_rate = 200
        workers = 1
        forward = {"fritz.box" = "192.168.178.1", "192.168.178.0/24" = "192.168.178.1"}
[web]   listen = "127.0.0.1:8080"     hosts = ["telltale.lan"]          login_from_televisions = true
[keep]  lookups_days = 30             rollups_days = 400                megabytes = 1024
[network] is described in network_settings.py.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gateway.control.places import ControlPlaces
from gateway.errors import SettingsError
from gateway.forward_settings import plain_url, read_forward, read_forward_flags
from gateway.model.name import Name
from gateway.network_settings import NetworkSettings, read_network

DEFAULT_DNS = "127.0.0.1:5335"
DEFAULT_WEB = "127.0.0.1:8080"
FALLBACK_UPSTREAMS = ("udp://9.9.9.9", "udp://149.112.112.112")
_RESOLV_CONF = Path("/etc/resolv.conf")
_MOST = 100_000
_MOST_WORKERS = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a port that we listen on."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """From "192.0.2.1:53" or "[2001:db8::1]:53". Raises SettingsError."""
        if not isinstance(text, str):
            raise SettingsError("settings.not-address-port", text=f"{text!r}")
        host, _, port = text.rpartition(":")
        try:
            address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
            number = int(port)
        except ValueError:
            raise SettingsError("settings.not-address-port-like", text=f"{text!r}") from None
        if not 0 <= number <= 65535 or (address.version == 6) != host.startswith("["):
            raise SettingsError("settings.not-address-port-like", text=f"{text!r}")
        return cls(str(address), number)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one run of Telltale is given. `lists` are subscribed to at start: URLs or absolute paths.

    `bootstrap` are plain resolvers that look up the names of encrypted upstreams, `strategy` says whether upstreams are
    asked in order or the two fastest at once, `plain_fallback` lets plain ones be asked when no encrypted one answers,
    and `time_servers` are asked when this machine's clock cannot be right (empty: well-known ones).
    `login_from_televisions` lets people who joined the televisions' network log in at the dashboard.
    `names` maps the dashboard's own names to textual addresses; `rebinding_exceptions` are names under which private
    addresses are fine; `forward` says which upstreams answer for a zone, or for the reverse lookups of a network;
    `trust_ad` believes encrypted and local upstreams that they validated; `client_rate` is how many unknown names a
    second one client may go on asking for, 0 for any number; `private_lists` lets lists come from an address of this
    home; `workers` is how many processes answer DNS. `simulated` marks a demo.
    """

    data: Path
    dns: tuple[Endpoint, ...] = (Endpoint("127.0.0.1", 5335),)
    web: Endpoint = Endpoint("127.0.0.1", 8080)
    upstreams: tuple[str, ...] = ()
    bootstrap: tuple[str, ...] = ()
    strategy: Literal["strict", "fastest"] = "strict"
    plain_fallback: bool = False
    time_servers: tuple[Endpoint, ...] = ()
    lists: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    login_from_televisions: bool = True
    rebinding: bool = True
    rebinding_exceptions: tuple[str, ...] = ()
    forward: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trust_ad: bool = False
    client_rate: int = 200
    workers: int = 1
    lookups_days: int = 30
    rollups_days: int = 400
    megabytes: int = 1024
    private_lists: bool = False
    refresh_hours: int = 24
    simulated: bool = False
    keys: Path | None = None
    network: NetworkSettings | None = None

    @property
    def journal(self) -> Path:
        return self.data / "journal.sqlite"

    @property
    def policy(self) -> Path:
        return self.data / "policy.json"

    @property
    def lists_folder(self) -> Path:
        return self.data / "lists"

    @property
    def control(self) -> ControlPlaces:
        """Where the resolver can be spoken to."""
        return ControlPlaces(self.data)

    @property
    def own_network(self) -> Path:
        """The Wi-Fi's passphrase and the addresses that this box chose for itself."""
        return self.data / "network.json"

    @property
    def auth(self) -> Path:
        return self.keys or self.data / "web.json"


def default_data(environment: Mapping[str, str] = os.environ) -> Path:
    """The platform's folder for a user's data (XDG Base Directory Specification)."""
    base = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME") or "/") / ".local" / "share")
    return Path(base) / "telltale"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that every process of ours understands; `from_arguments` reads them."""
    parser.add_argument("--data", metavar="DIR", help="where everything is kept (default: your user data folder)")
    parser.add_argument("--dns", metavar="ADDR:PORT", action="append", help=f"answer DNS here (default {DEFAULT_DNS})")
    parser.add_argument("--web", metavar="ADDR:PORT", help=f"show the dashboard here (default {DEFAULT_WEB})")
    parser.add_argument(
        "--upstream",
        metavar="URL",
        action="append",
        help="ask this resolver, like udp://9.9.9.9, tls://9.9.9.9#dns.quad9.net or https://dns.quad9.net/dns-query; "
        "several in order (default: those of this machine)",
    )
    parser.add_argument(
        "--forward",
        metavar="ZONE=ADDRESS",
        action="append",
        help="ask this resolver, your router for one, about a zone (fritz.box=192.168.178.1) or about the names of a "
        "network's addresses (192.168.178.0/24=192.168.178.1)",
    )
    parser.add_argument(
        "--list", metavar="PATH_OR_URL", action="append", help="subscribe to this block list", dest="lists"
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="answer DNS with so many processes, on a machine with cores to spare"
    )
    parser.add_argument("--no-rebinding-protection", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--keys", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--simulated", action="store_true", help=argparse.SUPPRESS)


def data_of(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder of this run; nothing is read."""
    return Path(arguments.data).expanduser().absolute() if arguments.data else default_data(environment)


def from_arguments(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this run. Raises SettingsError."""
    settings = _from_file(data_of(arguments, environment))
    if arguments.dns:
        settings = replace(settings, dns=tuple(Endpoint.parse(text) for text in arguments.dns))
    if arguments.web:
        settings = replace(settings, web=Endpoint.parse(arguments.web))
    if arguments.upstream:
        settings = replace(settings, upstreams=tuple(arguments.upstream))
    if arguments.forward:
        settings = replace(settings, forward=read_forward_flags(arguments.forward))
    if arguments.lists:
        settings = replace(settings, lists=tuple(list_source(text) for text in arguments.lists))
    if arguments.workers is not None:
        settings = replace(settings, workers=_workers(arguments.workers))
    if arguments.no_rebinding_protection:
        settings = replace(settings, rebinding=False)
    if not settings.upstreams:
        settings = replace(settings, upstreams=_machine_upstreams(settings.dns))
    settings = replace(settings, bootstrap=_bootstrap(settings))
    # On an appliance the dashboard's user keeps the keys; whoever names another folder means the keys in it.
    keys = arguments.keys or (not arguments.data and environment.get("TELLTALE_KEYS"))
    return replace(settings, simulated=arguments.simulated, keys=Path(keys).absolute() if keys else None)


def to_arguments(settings: Settings) -> list[str]:
    """Flags that make another process of ours read the same settings."""
    flags = ["--data", str(settings.data), "--web", str(settings.web)]
    for address in settings.dns:
        flags += ["--dns", str(address)]
    for upstream in settings.upstreams:
        flags += ["--upstream", upstream]
    for zone, resolvers in settings.forward.items():
        for resolver in resolvers:
            flags += ["--forward", f"{zone}={resolver}"]
    for source in settings.lists:
        flags += ["--list", source]
    if settings.workers != 1:
        flags += ["--workers", str(settings.workers)]
    if not settings.rebinding:
        flags.append("--no-rebinding-protection")
    if settings.keys:
        flags += ["--keys", str(settings.keys)]
    if settings.simulated:
        flags.append("--simulated")
    return flags


def list_source(text: str) -> str:
    """What a person names as a block list: a URL, or a file, whose path becomes absolute. Raises SettingsError."""
    if text.startswith(("http://", "https://")):
        return text
    path = Path(text).expanduser().absolute()
    if "://" in text or not path.is_file():
        raise SettingsError("settings.neither-file-nor", text=f"{text!r}")
    return str(path)


def _bootstrap(settings: Settings) -> tuple[str, ...]:
    """Those given, else the plain upstreams, else the resolvers of this machine; ourselves are refused."""
    own = {f"{scheme}{address}" for address in settings.dns for scheme in ("", "udp://", "tcp://")}
    for each in settings.bootstrap:
        if each in own or (f"{each}:53" in own):
            raise SettingsError("settings.bootstrap-telltale-itself", each=each)
    plain = tuple(url for url in settings.upstreams if not url.startswith(("tls://", "https://")))
    return settings.bootstrap or plain or _machine_upstreams(settings.dns)


def _machine_upstreams(dns: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """The resolvers this machine uses itself, so that a first run needs no decision; never ourselves."""
    try:
        lines = _RESOLV_CONF.read_text(errors="replace").splitlines()[:100]
    except OSError:
        return FALLBACK_UPSTREAMS
    found = []
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                address = ipaddress.ip_address(words[1])
            except ValueError:
                continue
            ourselves = Endpoint(str(address), 53) in dns or (
                address.is_loopback
                and any(own.port == 53 and ipaddress.ip_address(own.host).is_unspecified for own in dns)
            )
            if not ourselves:
                found.append(plain_url(words[1]))
    return tuple(found) or FALLBACK_UPSTREAMS


def _from_file(data: Path) -> Settings:
    path = data / "settings.toml"
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(data)
    except PermissionError:
        raise SettingsError("settings.may-not-read", path=path) from None
    except (OSError, ValueError) as error:
        raise SettingsError("settings.cannot-read", path=path, error=error) from None
    settings = Settings(data)
    for section, entries in value.items():
        if section == "network" and isinstance(entries, dict):
            try:
                settings = replace(settings, network=read_network(entries))
            except SettingsError as error:
                raise SettingsError("settings.failed", path=path, error=error) from None
            continue
        if not isinstance(entries, dict) or section not in _READERS:
            raise SettingsError("settings.not-section-dns", path=path, section=section)
        for key, entry in entries.items():
            reader = _READERS[section].get(key)
            if reader is None:
                known = ", ".join(_READERS[section])
                raise SettingsError("settings.no", path=path, section=section, key=f"{key!r}", known=known)
            try:
                settings = replace(settings, **reader(entry))
            except (SettingsError, TypeError, ValueError) as error:
                raise SettingsError("settings.failed-270", path=path, key=key, section=section, error=error) from None
    return settings


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError("settings.list-texts")
    return tuple(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError("settings.true-false")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
        raise SettingsError("settings.whole-number", most=_MOST)
    return value


def _workers(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_WORKERS:
        raise SettingsError("settings.workers-whole-number", most_workers=_MOST_WORKERS, cpu_count=f"{os.cpu_count()}")
    return value


def _strategy(value: Any) -> Literal["strict", "fastest"]:
    if value == "strict":
        return "strict"
    if value == "fastest":
        return "fastest"
    raise SettingsError("settings.strict-fastest")


def _time_server(text: str) -> Endpoint:
    try:
        return Endpoint(str(ipaddress.ip_address(text)), 123)
    except ValueError:
        return Endpoint.parse(text)


def _names(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise SettingsError("settings.table-like-telltale")
    return {Name.parse(name).text: str(ipaddress.ip_address(address)) for name, address in value.items()}


_READERS: dict[str, dict[str, Callable[[Any], dict[str, Any]]]] = {
    "dns": {
        "listen": lambda value: {"dns": tuple(Endpoint.parse(text) for text in _texts(value))},
        "upstreams": lambda value: {"upstreams": _texts(value)},
        "bootstrap": lambda value: {"bootstrap": _texts(value)},
        "strategy": lambda value: {"strategy": _strategy(value)},
        "plain_fallback": lambda value: {"plain_fallback": _boolean(value)},
        "time_servers": lambda value: {"time_servers": tuple(_time_server(text) for text in _texts(value))},
        "names": lambda value: {"names": _names(value)},
        "rebinding": lambda value: {"rebinding": _boolean(value)},
        "rebinding_exceptions": lambda value: {
            "rebinding_exceptions": tuple(Name.parse(text).text for text in _texts(value))
        },
        "forward": lambda value: {"forward": read_forward(value)},
        "client_rate": lambda value: {"client_rate": 0 if value == 0 else _count(value)},
        "trust_ad": lambda value: {"trust_ad": _boolean(value)},
        "workers": lambda value: {"workers": _workers(value)},
    },
    "web": {
        "listen": lambda value: {"web": Endpoint.parse(value)},
        "hosts": lambda value: {"hosts": _texts(value)},
        "login_from_televisions": lambda value: {"login_from_televisions": _boolean(value)},
    },
    "lists": {
        "private_addresses": lambda value: {"private_lists": _boolean(value)},
        "refresh_hours": lambda value: {"refresh_hours": _count(value)},
    },
    "keep": {
        "lookups_days": lambda value: {"lookups_days": _count(value)},
        "rollups_days": lambda value: {"rollups_days": _count(value)},
        "megabytes": lambda value: {"megabytes": _count(value)},
    },
}
