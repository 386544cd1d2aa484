"""dnsmasq's words about leases, and the book of them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from gateway.model.lease import Lease
from gateway.network import lease_hook
from gateway.network.lease_book import LeaseBook
from gateway.network.leases import LeaseEvent, label_of, parse_event, parse_file

MAC = "cc:6d:a0:11:22:33"


def event(*facts: str, action: str = "add", address: str = "10.83.7.60", who: str = MAC) -> LeaseEvent | None:
    return parse_event("\0".join((action, who, address, "named", *facts)).encode())


def test_an_event_tells_who_the_device_is() -> None:
    parsed = event(
        "DNSMASQ_SUPPLIED_HOSTNAME=Samsung TV",
        "DNSMASQ_VENDOR_CLASS=tizen\x07",
        "DNSMASQ_REQUESTED_OPTIONS=1,3,6,999,x",
        "DNSMASQ_LEASE_EXPIRES=1795000000",
    )
    assert parsed == LeaseEvent(
        Lease(
            MAC, IPv4Address("10.83.7.60"), "samsung-tv", "tizen", (1, 3, 6), datetime.fromtimestamp(1795000000, UTC)
        ),
        ended=False,
    )


def test_dhcpv6_names_its_device_beside_the_duid() -> None:
    parsed = event("DNSMASQ_IAID=7", f"DNSMASQ_MAC={MAC}", address="fd00::7", who="00:01:00:01:2a")
    assert parsed is not None
    assert (parsed.lease.mac, parsed.lease.address) == (MAC, IPv6Address("fd00::7"))
    assert event("DNSMASQ_IAID=7", address="fd00::7", who=MAC) is None


def test_nonsense_is_no_event() -> None:
    assert event(action="tftp") is None
    assert event(address="10.83.7") is None
    assert parse_event(b"") is None


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("Wohnzimmer TV", "wohnzimmer-tv"),
        ("a.b.example", "a"),
        ("Mom's TV", "moms-tv"),
        ("--", ""),
        ("ü", ""),
        ("x" * 99, "x" * 63),
    ],
)
def test_a_label_is_made_of_whatever_they_say(said: str, label: str) -> None:
    assert label_of(said) == label


def test_the_file_of_dnsmasq_is_read() -> None:
    text = (
        f"1795000000 {MAC} 10.83.7.60 roku 01:{MAC}\nduid 00:01\n1795000000 7 fd00::7 * 00:01\n0 {MAC} 10.83.7.61 * *\n"
    )
    first, second = parse_file(text)
    assert (first.host, second.host, second.ends) == ("roku", "", None)


def test_the_book_keeps_what_it_knew_and_tells_changes(tmp_path: Path) -> None:
    async def story() -> None:
        book = LeaseBook(tmp_path / "leases.json")
        rich = Lease(MAC, IPv4Address("10.83.7.60"), "roku", "vendor", (1, 3))
        waiting = asyncio.create_task(book.wait(book.sequence, 5))
        await asyncio.sleep(0)
        book.take(LeaseEvent(rich, False))
        await waiting
        before = book.sequence
        # After a restart dnsmasq tells of it without the details.
        book.take(LeaseEvent(Lease(MAC, IPv4Address("10.83.7.60")), False))
        assert (book.all(), book.sequence) == ([rich], before)
        assert LeaseBook(tmp_path / "leases.json").all() == [rich]
        book.take(LeaseEvent(rich, True))
        assert book.all() == []

    asyncio.run(story())


def test_a_damaged_book_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "leases.json").write_text('[{"mac": 1}]')
    assert LeaseBook(tmp_path / "leases.json").all() == []


def hook(folder: Path, *arguments: str, **environment: str) -> None:
    program = folder / "lease-hook"
    program.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n" + Path(lease_hook.__file__).read_text())
    program.chmod(0o700)
    subprocess.run((program, *arguments), check=True, timeout=20, env=environment, cwd="/")


def test_the_hook_hands_over_or_notes_down(tmp_path: Path) -> None:
    hook(tmp_path, "add", MAC, "10.83.7.60", DNSMASQ_SUPPLIED_HOSTNAME="two\nlines")
    (line,) = (tmp_path / "hook.missed").read_bytes().splitlines()
    noted = parse_event(line)
    assert noted is not None
    assert noted.lease.host == "two-lines"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "hook.sock"))
        channel.settimeout(10)
        hook(tmp_path, "del", MAC, "10.83.7.60", "roku", DNSMASQ_VENDOR_CLASS="$(id)", SECRET="x")
        datagram = channel.recv(8192)
    assert b"SECRET" not in datagram
    assert parse_event(datagram) == LeaseEvent(Lease(MAC, IPv4Address("10.83.7.60"), "roku", "$(id)"), True)
