from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from gateway.devices.inventory import Inventory
from gateway.devices.sources import Sources
from gateway.errors import Refused
from gateway.model.device import Device
from gateway.model.lease import Lease

_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_TV, _PHONE = "cc:6d:a0:11:22:33", "da:a1:19:00:00:01"
_ROKU = ("scribe.logs.roku.com", "api.sr.roku.com", "tvupdate.roku.com")


class Box:
    """A home with a clock, a neighbour table and a store that we can look into."""

    def __init__(self, devices: tuple[Device, ...] = ()) -> None:
        self.time, self.set_by = _NOON.timestamp(), 0.0
        self.table: dict[str, str] = {}
        self.looks = 0
        self.saved: list[Device] = []
        self.announced: list[Device] = []
        self.joined: list[tuple[str, str]] = []
        self.wanted: set[str] = set()
        self.inventory = Inventory(
            sources=Sources(
                neighbours=self.look,
                vendor_of=lambda mac: "Roku, Inc." if mac == _TV else "",
                maker_of=lambda name: "Roku" if name.endswith("roku.com") else None,
            ),
            devices=devices,
            save=self.saved.append,
            on_seen=self.announced.append,
            on_joined=lambda old, new: self.joined.append((old, new)),
            wanted=lambda: self.wanted,
            now=lambda: self.time,
            steady=lambda: self.time - self.set_by,
        )

    def set_clock(self, days: float) -> None:
        """Nothing passes meanwhile."""
        self.time += days * 86_400
        self.set_by += days * 86_400

    def look(self) -> Mapping[str, str]:
        self.looks += 1
        return dict(self.table)


@pytest.fixture
def box() -> Box:
    box = Box()
    box.table["10.42.0.7"] = _TV
    return box


def stored(device_id: str, mac: str | None, *addresses: str, at: datetime = _NOON, name: str = "") -> Device:
    return Device(device_id, mac, addresses, at, at, name=name)


def test_a_new_client_becomes_a_device_by_its_mac_address(box: Box) -> None:
    assert box.inventory.identify("10.42.0.7") == f"mac:{_TV}"
    (device,) = box.inventory.all()
    assert (device.mac, device.addresses, device.vendor) == (_TV, ("10.42.0.7",), "Roku, Inc.")
    assert device.first_seen == _NOON
    assert box.saved == box.announced == [device]


def test_a_known_client_costs_one_look_into_a_table(box: Box) -> None:
    for _ in range(1000):
        box.inventory.identify("10.42.0.7")
    assert box.looks == 1
    assert len(box.saved) == 1


def test_a_client_without_a_known_mac_address_goes_by_its_address(box: Box) -> None:
    assert box.inventory.identify("10.42.0.99") == "ip:10.42.0.99"


def test_both_families_of_one_television_are_one_device(box: Box) -> None:
    box.table["fd00::7"] = _TV
    assert box.inventory.identify("10.42.0.7") == box.inventory.identify("10.42.0.7")
    box.time += 2
    assert box.inventory.identify("fd00::7") == f"mac:{_TV}"
    assert box.inventory.all()[0].addresses == ("fd00::7", "10.42.0.7")


def test_a_link_local_or_mapped_address_is_the_same_address(box: Box) -> None:
    box.table["fe80::7"] = _TV
    assert box.inventory.identify("fe80::7%wlan0") == f"mac:{_TV}"
    assert box.inventory.identify("::ffff:10.42.0.7") == "ip:10.42.0.7"
    box.inventory.refresh()
    assert box.inventory.identify("::ffff:10.42.0.7") == f"mac:{_TV}"
    assert box.inventory.identify("10.42.0.7") == f"mac:{_TV}"


def test_strangers_make_us_look_at_most_once_a_second(box: Box) -> None:
    for number in range(200):
        box.inventory.identify(f"10.42.1.{number}")
    assert box.looks == 1


def test_a_device_known_by_its_address_joins_the_one_with_its_mac(box: Box) -> None:
    del box.table["10.42.0.7"]
    before = box.inventory.identify("10.42.0.7")
    box.inventory.update(before, name="Living room")
    box.time += 100
    box.table["10.42.0.7"] = _TV
    box.inventory.refresh()
    (device,) = box.inventory.all()
    assert (device.id, device.name, device.first_seen) == (f"mac:{_TV}", "Living room", _NOON)
    assert box.inventory.identify("10.42.0.7") == f"mac:{_TV}"
    assert box.inventory.get(before) is None
    assert box.joined == [("ip:10.42.0.7", f"mac:{_TV}")]


def test_an_address_that_moves_on_takes_nothing_of_its_old_device_with_it(box: Box) -> None:
    television = box.inventory.identify("10.42.0.7")
    box.inventory.update(television, name="Living room")
    box.table["10.42.0.7"] = _PHONE
    box.inventory.refresh()
    assert box.inventory.identify("10.42.0.7") == f"mac:{_PHONE}"
    phone, tv = box.inventory.get(f"mac:{_PHONE}"), box.inventory.get(television)
    assert phone is not None
    assert tv is not None
    assert (phone.name, phone.addresses) == ("", ("10.42.0.7",))
    assert (tv.name, tv.addresses) == ("Living room", ())


def test_when_a_device_was_last_seen_is_stored_once_a_minute(box: Box) -> None:
    start = box.time
    for second in range(180):
        box.inventory.device_of("10.42.0.7", start + second)
    assert len(box.saved) == 3
    seen = box.inventory.get(f"mac:{_TV}")
    assert seen is not None
    assert seen.last_seen == _NOON + timedelta(seconds=179)
    assert len(box.announced) == 1


def test_a_late_row_does_not_set_the_clock_back(box: Box) -> None:
    box.inventory.device_of("10.42.0.7", box.time + 50)
    box.inventory.device_of("10.42.0.7", box.time - 500)
    assert box.inventory.all()[0].last_seen == _NOON + timedelta(seconds=50)


def test_stored_devices_are_known_again_after_a_restart() -> None:
    box = Box((stored(f"mac:{_TV}", _TV, "10.42.0.7", name="Living room"),))
    assert box.inventory.device_of("10.42.0.7", box.time).name == "Living room"
    assert box.saved == []


def test_a_stored_address_belongs_to_the_device_that_had_it_last() -> None:
    old = stored("ip:10.42.0.7", None, "10.42.0.7", at=_NOON + timedelta(hours=1))
    first = stored(f"mac:{_PHONE}", _PHONE, "10.42.0.7", at=_NOON - timedelta(days=1))
    box = Box((old, stored(f"mac:{_TV}", _TV, "10.42.0.7"), first))
    assert box.inventory.identify("10.42.0.7") == f"mac:{_TV}"
    assert {d.id for d in box.inventory.all()} == {f"mac:{_TV}", f"mac:{_PHONE}"}
    assert box.joined == [("ip:10.42.0.7", f"mac:{_TV}")]


def test_a_device_that_only_lost_its_address_has_joined_nobody(box: Box) -> None:
    box.inventory.identify("10.42.0.7")
    box.table["10.42.0.7"] = _PHONE
    box.inventory.refresh()
    assert box.joined == []


def test_a_person_names_a_device(box: Box) -> None:
    device = box.inventory.update(box.inventory.identify("10.42.0.7"), name=" Living  room ", kind="television")
    assert (device.name, device.kind, device.label) == ("Living room", "television", "Living room")
    assert box.saved[-1] == device
    assert box.announced[-1] == device


def test_saying_the_same_again_stores_nothing(box: Box) -> None:
    device = box.inventory.identify("10.42.0.7")
    box.inventory.update(device, name="TV")
    count = len(box.saved)
    box.inventory.update(device, name="TV")
    assert len(box.saved) == count


def test_an_unknown_device_or_a_hostile_name_is_refused(box: Box) -> None:
    with pytest.raises(Refused, match="not known here") as unknown:
        box.inventory.update("mac:00:00:00:00:00:00", name="TV")
    assert unknown.value.field == "id"
    with pytest.raises(Refused, match="cannot be shown") as hostile:
        box.inventory.update(box.inventory.identify("10.42.0.7"), name="a\x1b[2Jb")
    assert hostile.value.field == "name"
    assert box.inventory.all()[0].name == ""


def test_what_a_device_calls_itself_is_shown_until_a_person_names_it(box: Box) -> None:
    device = box.inventory.take_lease(Lease(_TV, ip_address("10.42.0.7"), "roku-ultra"))
    assert device is not None
    assert device.label == "roku-ultra"
    assert box.inventory.update(device.id, name="Kitchen").label == "Kitchen"


def test_three_names_of_its_maker_tell_what_a_device_is(box: Box) -> None:
    for name in ("www.netflix.com", *_ROKU[:2], _ROKU[0]):
        box.inventory.learn("10.42.0.7", name)
    assert box.inventory.all()[0].maker == ""
    box.inventory.learn("10.42.0.7", _ROKU[2])
    device = box.inventory.all()[0]
    assert (device.maker, device.kind) == ("Roku", "television")
    assert box.announced[-1] == device


def test_what_a_person_said_is_not_overruled_by_names(box: Box) -> None:
    box.inventory.update(box.inventory.identify("10.42.0.7"), maker="TCL", kind="projector")
    for name in _ROKU:
        box.inventory.learn("10.42.0.7", name)
    device = box.inventory.all()[0]
    assert (device.maker, device.kind) == ("TCL", "projector")


def test_a_kind_that_a_person_gave_stays(box: Box) -> None:
    box.inventory.update(box.inventory.identify("10.42.0.7"), kind="streaming stick")
    for name in _ROKU:
        box.inventory.learn("10.42.0.7", name)
    assert (box.inventory.all()[0].maker, box.inventory.all()[0].kind) == ("Roku", "streaming stick")


def test_invented_addresses_cannot_fill_the_memory(box: Box) -> None:
    for number in range(6000):
        box.inventory.identify(f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}")
    assert len(box.inventory.all()) == 4096
    assert len(box.inventory._ids) == 4096
    beyond = box.inventory.device_of("10.250.0.1", box.time)
    assert beyond.id == "ip:10.250.0.1"
    box.inventory.learn("10.250.0.1", _ROKU[0])


def fill(box: Box) -> None:
    for number in range(4096):
        box.time += 0.001
        box.inventory.identify(f"10.0.{number >> 8}.{number & 255}")


def test_a_clock_that_goes_back_hides_no_new_television(box: Box) -> None:
    box.inventory.identify("10.42.0.9")
    box.set_clock(-365)
    box.time += 2
    assert box.inventory.identify("10.42.0.7") == f"mac:{_TV}"


def test_what_a_clock_saw_on_a_day_to_come_is_corrected_when_it_is_right_again(box: Box) -> None:
    box.set_clock(3_652)
    device = box.inventory.device_of("10.42.0.7", box.time)
    box.inventory.device_of("10.42.0.7", box.time + 60)
    box.set_clock(-3_652)
    box.time += 120
    box.inventory.device_of("10.42.0.7", box.time)
    box.inventory.device_of("10.42.0.7", box.time - 30)
    seen = box.inventory.get(device.id)
    assert seen is not None
    assert seen.last_seen == datetime.fromtimestamp(box.time, UTC), "a row that comes late changes nothing"
    assert box.saved[-1].last_seen == seen.last_seen


def test_a_new_television_gets_the_place_of_an_invented_address(box: Box) -> None:
    fill(box)
    for name in ("10.0.0.0", "10.0.0.1"):
        box.inventory.update(f"ip:{name}", name="Kitchen")
    box.wanted = {"ip:10.0.0.2"}
    box.inventory.device_of("10.0.0.3", box.time + 1)
    box.time += 2
    television = box.inventory.identify("10.42.0.7")
    assert box.inventory.update(television, name="Living room").id == f"mac:{_TV}"
    for kept in ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"):
        assert box.inventory.get(f"ip:{kept}") is not None, kept
    assert box.inventory.get("ip:10.0.0.4") is None
    assert len(box.inventory.all()) == len(box.inventory._ids) == len(box.inventory._seen) <= 4096


def test_a_flood_of_invented_addresses_drives_out_no_more_than_a_few_a_minute(box: Box) -> None:
    fill(box)
    for number in range(3000):
        box.inventory.identify(f"10.9.{number >> 8}.{number & 255}")
    left = sum(box.inventory.get(f"ip:10.0.{n >> 8}.{n & 255}") is not None for n in range(4096))
    assert left == 4096 - 64


def test_a_device_joins_its_network_card_even_when_every_place_is_taken(box: Box) -> None:
    fill(box)
    box.table["10.0.0.0"] = _PHONE
    box.inventory.refresh()
    assert box.joined == [("ip:10.0.0.0", f"mac:{_PHONE}")]
    assert box.inventory.identify("10.0.0.0") == f"mac:{_PHONE}"


def test_one_device_keeps_its_sixteen_newest_addresses(box: Box) -> None:
    for number in range(40):
        address = f"fd00::{number:x}"
        box.table[address] = _TV
        box.time += 2
        box.inventory.identify(address)
    device = box.inventory.all()[0]
    assert len(device.addresses) == 16
    assert device.addresses[0] == "fd00::27"
    assert len(box.inventory._ids) == 16


def test_a_neighbour_table_that_cannot_be_read_stops_nothing() -> None:
    def broken() -> Mapping[str, str]:
        raise OSError(1, "not permitted")

    inventory = Inventory(sources=Sources(neighbours=broken))
    assert inventory.identify("10.42.0.7") == "ip:10.42.0.7"
    inventory.refresh()


def test_the_loop_and_the_writer_use_it_at_the_same_time(box: Box) -> None:
    mistakes: list[BaseException] = []

    def run(step: int) -> None:
        try:
            for number in range(3000):
                client = f"10.42.{number % 4}.{number % 50}"
                box.inventory.device_of(client, box.time + number)
                box.inventory.learn(client, f"{number}.{_ROKU[number % 3]}")
                if number % 100 == step:
                    box.table[client] = f"cc:6d:a0:00:{step:02x}:{number % 50:02x}"
                    box.inventory.refresh()
                    box.inventory.all()
        except BaseException as error:
            mistakes.append(error)

    threads = [threading.Thread(target=run, args=(step,)) for step in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mistakes == []
    for device in box.inventory.all():
        for address in device.addresses:
            assert box.inventory.identify(address) in {d.id for d in box.inventory.all()}


def test_a_device_that_only_the_firewall_has_met_is_noted_down() -> None:
    inventory = Inventory(sources=Sources(vendor_of=lambda mac: "Roku, Inc."))
    met = inventory.meet_card("cc:6d:a0:11:22:33")
    assert met == inventory.meet_card("cc:6d:a0:11:22:33") == "mac:cc:6d:a0:11:22:33"
    (device,) = inventory.all()
    assert (device.vendor, device.addresses, device.label) == ("Roku, Inc.", (), "Roku, Inc.")


def test_this_machine_is_called_so_once_it_looks_something_up() -> None:
    inventory = Inventory(sources=Sources(is_ours=lambda address: address in ("127.0.0.1", "10.42.0.1")))
    assert inventory.identify("::ffff:127.0.0.1") == "ip:127.0.0.1"
    assert inventory.all() == (), "a part of ours that only asks whether another is alive is no device of the home"
    labels = [inventory.device_of(client, 1.0).label for client in ("127.0.0.1", "10.42.0.1", "10.42.0.9")]
    assert labels == ["this machine", "this machine", "10.42.0.9"]
    device = inventory.take_lease(Lease(_PHONE, ip_address("10.42.0.1")))
    assert device is not None
    assert device.host == "", "the address is somebody else's now"


def test_a_lease_says_at_once_whose_address_it_is(box: Box) -> None:
    lease = Lease(_PHONE, ip_address("10.42.0.9"), "pixel", "android-dhcp-14", (1, 3, 6))
    device = box.inventory.take_lease(lease)
    assert device is not None
    assert (device.id, device.host, device.addresses) == (f"mac:{_PHONE}", "pixel", ("10.42.0.9",))
    assert box.looks == 0
    assert box.inventory.identify("10.42.0.9") == device.id


def test_a_lease_moves_an_address_and_joins_a_device_without_a_card(box: Box) -> None:
    old = box.inventory.identify("10.42.0.8")
    assert old == "ip:10.42.0.8"
    box.inventory.take_lease(Lease(_PHONE, ip_address("10.42.0.8"), "pixel"))
    assert box.joined == [(old, f"mac:{_PHONE}")]
    box.inventory.take_lease(Lease(_TV, ip_address("10.42.0.8")))
    assert box.inventory.identify("10.42.0.8") == f"mac:{_TV}"
    # A lease without a name leaves the name that is known.
    box.inventory.take_lease(Lease(_PHONE, ip_address("10.42.0.30")))
    phone = box.inventory.get(f"mac:{_PHONE}")
    assert phone is not None
    assert (phone.host, phone.addresses) == ("pixel", ("10.42.0.30",))
