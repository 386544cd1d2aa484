"""What devices are called in DNS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import MethodType

import pytest

from gateway.application import naming
from gateway.application.naming import device_names, host_label
from gateway.model.address import Address
from gateway.model.device import Device
from gateway.model.device_names import DeviceNames
from tests.support.waiting import wait_until_async
from tests.unit.application.test_wiring import close, wire

NOW = datetime(2026, 11, 28, 20, 15, tzinfo=UTC)


def device(mac: str, *addresses: str, name: str = "", host: str = "", age: int = 0) -> Device:
    seen = NOW - timedelta(days=age)
    return Device(f"mac:{mac}", mac, addresses, seen, NOW, name=name, host=host)  # type: ignore[arg-type]


def a(text: str) -> Address:
    return ip_address(text)


@pytest.mark.parametrize(
    ("called", "label"),
    [
        ("Living room TV", "living-room-tv"),
        ("Küche, 2. Stock", "kuche-2-stock"),
        ("Straße", "strasse"),
        ("Télé du salon", "tele-du-salon"),
        ("телевизор", "xn--b1aesbkg4av"),
        ("TV!!!", "tv"),
        ("--", ""),
        ("", ""),
        ("localhost", ""),
        ("WPAD", ""),
        ("x" * 70, "x" * 63),
        ("a.b", "a-b"),
    ],
)
def test_a_label_for_what_people_call_a_device(called: str, label: str) -> None:
    assert host_label(called) == label or (label.startswith("xn--") and host_label(called).startswith("xn--"))


def test_a_name_leads_to_what_the_device_used_last_and_each_address_leads_back() -> None:
    tv = device("cc:6d:a0:11:22:33", "192.168.7.20", "fd00::20", "fe80::1", "192.168.7.9", name="Salon TV")
    named = device_names("lan", {}, [tv])
    assert named == DeviceNames(
        "lan",
        {"salon-tv.lan": (a("192.168.7.20"), a("fd00::20"))},
        {a(each): "salon-tv.lan" for each in ("192.168.7.20", "fd00::20", "fe80::1", "192.168.7.9")},
    )


def test_of_two_with_one_name_the_later_has_the_end_of_its_card_behind_it() -> None:
    one = device("cc:6d:a0:11:22:33", "192.168.7.20", host="roku", age=9)
    two = device("cc:6d:a0:44:55:66", "192.168.7.21", host="Roku", age=1)
    three = device("cc:6d:a0:77:55:66", "192.168.7.22", host="ROKU")
    names = device_names("lan", {}, [three, two, one]).names
    assert names == {"roku.lan": (a("192.168.7.20"),), "roku-5566.lan": (a("192.168.7.21"),)}


def test_what_a_person_says_counts_before_the_lease_and_both_lead_there() -> None:
    tv = device("cc:6d:a0:11:22:33", "10.83.7.20", name="Salon", host="roku")
    named = device_names("tv.lan", {"roku.tv.lan": (a("10.83.7.20"),)}, [tv], complete=True)
    assert named.names == {"roku.tv.lan": (a("10.83.7.20"),), "salon.tv.lan": (a("10.83.7.20"),)}
    assert named.owners == {a("10.83.7.20"): "salon.tv.lan"}
    unnamed = device("cc:6d:a0:11:22:33", "10.83.7.20", "fd00::20", host="roku")
    named = device_names("tv.lan", {"roku.tv.lan": (a("10.83.7.20"),)}, [unnamed], complete=True)
    assert named.names == {"roku.tv.lan": (a("10.83.7.20"), a("fd00::20"))}
    assert set(named.owners.values()) == {"roku.tv.lan"}


def test_devices_without_a_name_have_none() -> None:
    nameless = device("cc:6d:a0:11:22:33", "192.168.7.20")
    nowhere = device("cc:6d:a0:11:22:34", name="Salon")
    assert device_names("lan", {}, [nameless, nowhere]) == DeviceNames("lan")


def test_names_follow_what_people_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "_SETTLES", 0.01)

    async def story() -> None:
        core, registry = wire(tmp_path)
        said: list[DeviceNames] = []
        core.events.devices_named.listen(said.append)
        known = core.inventory.identify("192.168.7.20")
        core.inventory.update(known, name="Salon")
        await wait_until_async(lambda: bool(said) and "salon.lan" in said[-1].names)
        count = len(said)
        core.inventory.device_of("192.168.7.20", NOW.timestamp() + 1_000)
        await asyncio.sleep(0.1)
        assert len(said) == count, "that it was seen again changes no name"
        core.events.leases_named("tv.lan", {"roku.tv.lan": (a("10.83.7.9"),)})
        assert (said[-1].domain, said[-1].complete) == ("tv.lan", True)
        assert set(said[-1].names) == {"roku.tv.lan", "salon.tv.lan"}
        core.inventory.update(known, name="")
        await wait_until_async(lambda: set(said[-1].names) == {"roku.tv.lan"})
        await asyncio.gather(*(start() for start in registry.starts if isinstance(start, MethodType)))
        await close(core)

    asyncio.run(story())
