"""What the devices of a home are called, and what changes when that does."""

from __future__ import annotations

from ipaddress import ip_address

from gateway.model.device_names import DeviceNames

SALON, KITCHEN = ip_address("10.0.0.1"), ip_address("fd00::2")
BEFORE = DeviceNames("lan", {"salon.lan": (SALON,)}, {SALON: "salon.lan"})


def test_equal_names_differ_in_nothing() -> None:
    assert BEFORE.differences(DeviceNames("lan", {"salon.lan": (SALON,)}, {SALON: "salon.lan"})) == frozenset()


def test_a_new_device_concerns_its_name_its_label_and_its_address() -> None:
    after = DeviceNames("lan", {**BEFORE.names, "kitchen.lan": (KITCHEN,)}, {**BEFORE.owners, KITCHEN: "kitchen.lan"})
    assert BEFORE.differences(after) == {"kitchen.lan", "kitchen", KITCHEN.reverse_pointer}
    assert after.differences(BEFORE) == BEFORE.differences(after)


def test_another_address_of_a_name_concerns_that_name() -> None:
    after = DeviceNames("lan", {"salon.lan": (KITCHEN,)}, {SALON: "salon.lan"})
    assert BEFORE.differences(after) == {"salon.lan", "salon"}


def test_another_domain_may_concern_any_name() -> None:
    assert BEFORE.differences(DeviceNames("tv.lan")) is None
    assert BEFORE.differences(DeviceNames("lan", BEFORE.names, BEFORE.owners, complete=True)) is None
