"""Where a list may come from."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from gateway.errors import ListError
from gateway.lists.addresses import is_public, resolve


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "9.9.9.9", "185.199.108.133", "2606:50c0:8000::153", "64:ff9b::101:101", "::ffff:1.1.1.1"],
)
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:192.168.1.1", "64:ff9b::7f00:1", "64:ff9b::c0a8:101", "::127.0.0.1"),
        *("2002:7f00:1::1", "2001::1", "64:ff9b:1::1", "no address", ""),
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


def answer(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [(f, socket.SOCK_STREAM, 6, "", (a, port)) for f, a in zip(families, addresses, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_only_the_public_addresses_of_a_host_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "127.0.0.1", "1.1.1.1", "fd00::1", "2606:50c0:8000::153")
    found = resolve("lists.example", 443, allow_private=False)
    assert found == [(socket.AF_INET, ("1.1.1.1", 443)), (socket.AF_INET6, ("2606:50c0:8000::153", 443))]


def test_a_host_inside_the_home_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "192.168.1.1", "::1")
    with pytest.raises(ListError, match="private network"):
        resolve("router.example", 80, allow_private=False)
    assert len(resolve("router.example", 80, allow_private=True)) == 2


def test_at_most_four_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, *[f"1.1.1.{n}" for n in range(50)])
    assert len(resolve("lists.example", 80, allow_private=False)) == 4


def test_a_host_without_address_is_a_list_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ListError, match="cannot be found"):
        resolve("nowhere.example", 80, allow_private=False)
