from __future__ import annotations

import errno
import importlib
import sys
from ipaddress import ip_address
from types import ModuleType

import pytest

from gateway.devices import own_addresses as adapter
from gateway.devices.own_addresses import own_addresses, watch_own_addresses


@pytest.fixture(params=["netifaces", "the kernel"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way that an address is found: with the package, and without."""
    if request.param == "netifaces":
        pytest.importorskip("netifaces", reason="netifaces is not installed")
    else:
        monkeypatch.setattr(adapter, "netifaces", None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_the_loopback_address_is_ours() -> None:
    assert "127.0.0.1" in own_addresses()


@pytest.mark.usefixtures("way")
def test_every_address_is_bare_text() -> None:
    for address in own_addresses():
        assert str(ip_address(address)) == address


def test_both_ways_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("netifaces", reason="netifaces is not installed")
    with_package = own_addresses()
    monkeypatch.setattr(adapter, "netifaces", None)
    assert own_addresses() == with_package


def test_where_the_package_is_missing_the_kernel_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netifaces", None)
    try:
        assert "127.0.0.1" in importlib.reload(adapter).own_addresses()
    finally:
        monkeypatch.undo()
        importlib.reload(adapter)


def test_where_the_package_is_there_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("netifaces")
    package.AF_INET, package.AF_INET6 = 2, 10
    package.interfaces = lambda: ["tv0"]
    package.ifaddresses = lambda _: {2: [{"addr": "10.42.0.1"}], 10: [{"addr": "fe80::1%tv0"}]}
    monkeypatch.setitem(sys.modules, "netifaces", package)
    try:
        assert importlib.reload(adapter).own_addresses() == {"10.42.0.1", "fe80::1"}
    finally:
        monkeypatch.undo()
        importlib.reload(adapter)


def test_an_interface_that_was_just_unplugged_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    netifaces = pytest.importorskip("netifaces", reason="netifaces is not installed")
    monkeypatch.setattr(netifaces, "interfaces", lambda: ["gone0", "lo"])
    assert "127.0.0.1" in own_addresses()


def test_strangers_cannot_have_us_look_again_and_again() -> None:
    looks = iter([frozenset({"10.42.0.1"}), frozenset({"10.42.0.1", "192.168.4.7"})])
    now = 100.0
    is_own = watch_own_addresses(lambda: next(looks), lambda: now)
    assert [is_own(address) for address in ("10.42.0.1", "192.168.4.7", "203.0.113.9")] == [True, False, False]
    now += 6
    assert is_own("192.168.4.7")


def test_what_was_ours_stays_ours_while_the_kernel_does_not_answer() -> None:
    answers: list[frozenset[str] | None] = [frozenset({"10.42.0.1"}), None]
    now = 100.0

    def look() -> frozenset[str]:
        answer = answers.pop(0)
        if answer is None:
            raise OSError(errno.EPERM, "not permitted")
        return answer

    is_own = watch_own_addresses(look, lambda: now)
    assert is_own("10.42.0.1")
    now += 6
    assert is_own("10.42.0.1")
    assert answers == []
