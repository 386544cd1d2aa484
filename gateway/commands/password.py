"""`telltale password`: a link with which the dashboard's password can be chosen, once."""

from __future__ import annotations

import argparse
import getpass
import ipaddress
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

from gateway.errors import SettingsError
from gateway.model.network import Mode
from gateway.settings import Settings
from web.auth import AuthStore, Damaged

# Documentation addresses (RFC 5737, RFC 3849): nothing is sent to them, only the way there is looked up.
_AFAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def run_password(arguments: argparse.Namespace, settings: Settings) -> int:
    """Raises TelltaleError."""
    settings.auth.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    if arguments.show:
        if link := first_link(settings):
            print(f"Telltale: choose the password of its dashboard at {link}")
        return 0
    store = _open_anew(settings.auth)
    if arguments.type:
        # Typed without an echo at a terminal; a program pipes one line in.
        new = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        store.set_password(new)
        print("The password is set. Everybody who was logged in has to log in again.")
        return 0
    code = store.new_code()
    print(f"Set up  {setup_link(settings, code)}")
    holds = "once, within an hour" if store.has_password else "once"
    print(f"Whoever opens this address chooses the dashboard's password. It works {holds}.")
    return 0


def first_link(settings: Settings) -> str | None:
    """The link with which the first password is chosen; None when there is one. Raises SettingsError."""
    store = AuthStore(settings.auth)
    return None if store.has_password or store.code is None else setup_link(settings, store.code)


def setup_link(settings: Settings, code: str) -> str:
    return f"http://{dashboard_place(settings)}/setup?code={code}"


def dashboard_place(settings: Settings) -> str:
    """Address and port at which people at home reach the dashboard: never that of the televisions' network, from which
    no password can be chosen.
    """
    web = settings.web
    makes_network = settings.network is not None and settings.network.mode is not Mode.DNS_ONLY
    if makes_network or ipaddress.ip_address(web.host).is_unspecified:
        web = replace(web, host=_own_address() or web.host)
    return str(web).removesuffix(":80") if web.port == 80 else str(web)


def _own_address() -> str | None:
    for family, far in _AFAR:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((far, 9))
            except OSError:
                continue
            return str(probe.getsockname()[0])
    return None


def _open_anew(path: Path) -> AuthStore:
    """The keys; damaged ones are set aside, and new ones begun."""
    try:
        return AuthStore(path)
    except Damaged:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            os.replace(path, aside)
        except OSError as error:
            raise SettingsError("command.damaged-cannot-moved", path=path, strerror=error.strerror) from None
        print(
            f"{path} was damaged; it lies in {aside.name} now. Tokens of programs have to be made anew.",
            file=sys.stderr,
        )
        return AuthStore(path)
