"""The one table of networks that are no part of the public internet."""

from __future__ import annotations

import ast
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.special_addresses import (
    BLOCKS,
    HOME,
    IPNetwork,
    Purpose,
    is_home,
    is_public,
    networks,
    purpose_of,
    translated,
)

ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "gateway" / "model" / "special_addresses.py"
# Python has tables of its own, which differ from one version to the next.
PYTHONS_OWN = {"is_private", "is_global", "is_reserved", "is_site_local"}


def edges(network: IPNetwork) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The first and last address of a network, and their neighbours outside."""
    yield network[0]
    yield network[-1]
    kind = type(network[0])
    for number in (int(network[0]) - 1, int(network[-1]) + 1):
        if 0 <= number < 1 << network.max_prefixlen:
            yield kind(number)


def test_each_block_stands_once_and_names_its_source() -> None:
    assert len({block.network for block in BLOCKS}) == len(BLOCKS)
    assert all(block.source.startswith("RFC ") for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block.network))
def test_what_python_calls_private_is_not_public(block: object) -> None:
    for address in edges(block.network):  # type: ignore[attr-defined]
        if not address.is_global or address.is_multicast or address.is_reserved:
            plain = translated(address)
            assert plain != address or not is_public(address), address


@pytest.mark.parametrize("text", ["1.1.1.1", "172.32.0.1", "223.255.255.255", "2606:50c0::1", "::ffff:8.8.8.8"])
def test_the_public_internet(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
    assert not is_home(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("0.0.0.0", Purpose.UNSPECIFIED),
        ("255.255.255.255", Purpose.BROADCAST),
        ("250.1.2.3", Purpose.RESERVED),
        ("192.168.7.1", Purpose.PRIVATE),
        ("::ffff:192.168.7.1", Purpose.PRIVATE),
        ("64:ff9b::a00:1", Purpose.PRIVATE),
        ("100.127.255.255", Purpose.SHARED),
        ("2001::1", Purpose.RESERVED),
        ("2001:200::1", None),
        ("4000::1", Purpose.RESERVED),
        ("::127.0.0.1", Purpose.RESERVED),
    ],
)
def test_what_an_address_is_for(text: str, purpose: Purpose | None) -> None:
    assert purpose_of(ipaddress.ip_address(text)) is purpose


def test_home_is_what_no_stranger_can_have() -> None:
    for text in ("127.0.0.1", "10.1.2.3", "169.254.1.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"):
        assert is_home(ipaddress.ip_address(text)), text
    for text in ("100.64.0.1", "0.0.0.0", "::", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "2001:db8::1"):
        assert not is_home(ipaddress.ip_address(text)), text
    assert set(networks(Purpose.PRIVATE)) <= set(HOME)


def test_there_is_no_other_table() -> None:
    for path in [*ROOT.joinpath("gateway").rglob("*.py"), *ROOT.joinpath("web").rglob("*.py")]:
        if path == TABLE:
            continue
        tree = ast.parse(path.read_text())
        found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and is_special(node.value)]
        assert not found, f"{path} has networks of its own: {found}"
        asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & PYTHONS_OWN
        assert not asked, f"{path} asks Python's table: {asked}"


def is_special(value: object) -> bool:
    """True for the text of a whole network of the table."""
    if not isinstance(value, str) or "/" not in value:
        return False
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return False
    return purpose_of(network[0]) is not None


def test_a_planted_table_would_be_seen() -> None:
    assert is_special("10.0.0.0/8")
    assert is_special("fd00::/8")
    assert not is_special("8.8.8.0/24")
    assert not is_special("application/json")
