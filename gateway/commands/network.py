"""`telltale network`: how the televisions' network is, what is planned for it, and putting that in force or away."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gateway.catalogue.sentences import say
from gateway.control.client import ControlClient
from gateway.errors import SettingsError, Unavailable
from gateway.model.network import Mode
from gateway.network.host import look_at_links
from gateway.network_settings import own_network, plan_network
from gateway.schema.values import to_json
from gateway.settings import Settings


def run_network(arguments: argparse.Namespace, settings: Settings) -> int:
    """Raises TelltaleError."""
    if settings.network is None:
        raise SettingsError("command.telltale-makes-no", data=settings.data)
    if settings.network.mode is Mode.DNS_ONLY and arguments.what != "plan":
        print("Another router makes the network here; Telltale answers DNS and touches nothing else.")
        return 0
    client = ControlClient(settings.control, 60)
    if arguments.what == "plan":
        print(json.dumps(_plan(settings), indent=2, ensure_ascii=False))
    elif arguments.what == "status":
        _tell(client)
    elif arguments.what == "apply":
        said = client.call("network.apply", dry_run=arguments.dry_run)
        print(said["text"] if arguments.dry_run else "The network for televisions stands.")
    elif arguments.dry_run:
        print("The access point, DHCP, the firewall and the bridge for televisions would be taken away.")
    else:
        try:
            client.call("network.clear")
        except Unavailable:
            ControlClient(Path(settings.network.socket), 60, "The network process").call("clear")
        print("The network for televisions is taken away; `telltale network apply` brings it back.")
    return 0


def _plan(settings: Settings) -> dict[str, Any]:
    """From the settings alone, whoever runs; the passphrase stays where it is."""
    assert settings.network is not None
    uplink = next((link.name for link in look_at_links() if link.uplink), "")
    plan: dict[str, Any] = to_json(plan_network(settings.network, own_network(settings.own_network), uplink=uplink))
    if plan["access_point"]:
        plan["access_point"] |= {"passphrase": "(hidden)"}
    return plan


def _tell(client: ControlClient) -> None:
    said = client.call("network.status")
    if not said["reached"]:
        print("The network process does not answer; televisions keep the network they had.", file=sys.stderr)
        return
    leases = "1 lease" if said["leases"] == 1 else f"{said['leases']} leases"
    print(f"{said['mode'] or 'no network'}, {leases}, filtering {'on' if said['filtering'] else 'OFF'}")
    for part in said["health"]:
        print(f"  {'ok ' if part['healthy'] else 'BAD'} {say(part['code'], part['arguments'])}")
    for note in said["notes"]:
        print(f"  note {note}")
