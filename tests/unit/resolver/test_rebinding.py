from __future__ import annotations

import asyncio
import dataclasses
import ipaddress

import pytest

from gateway.model.response import Response, Source
from gateway.model.verdict import Reason
from gateway.resolver.options import LEADS_HOME
from gateway.resolver.rebinding import Rebinding, leads_home
from tests.unit.resolver.stage import Below, answer
from tests.unit.wire.samples import query


def ask(
    address: str, name: str = "www.example.com", *, pardoned: bool = False, enabled: bool = True, ede: int | None = None
) -> Response:
    link = Rebinding(enabled=enabled, exceptions=LEADS_HOME, ttl=10, pardons=lambda asked: pardoned)
    rtype = "AAAA" if ":" in address else "A"
    asked = query(name, rtype)
    said = answer(
        asked,
        f"{name}. 60 {rtype} 2001:db8::1" if rtype == "AAAA" else f"{name}. 60 A 192.0.2.1",
        f"{name}. 60 {rtype} {address}",
    )
    if ede is not None:
        assert said.peek is not None
        said = dataclasses.replace(said, peek=dataclasses.replace(said.peek, ede=ede))
    return asyncio.run(link.resolve(asked, Below(said)))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "0.1.2.3", "::1", "::",
     "fd12::1", "fe80::1",
     "::ffff:192.168.1.1", "64:ff9b::c0a8:101"],
)  # fmt: skip
def test_an_address_at_home_is_withheld(address: str) -> None:
    response = ask(address)
    assert (response.rcode, response.source, response.verdict.reason) == (0, Source.POLICY, Reason.REBINDING)
    assert response.verdict.matched == str(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:192.0.2.1", "64:ff9b::c000:201"]
)
def test_an_address_of_the_internet_passes(address: str) -> None:
    assert ask(address).source is Source.UPSTREAM
    assert not leads_home(ipaddress.ip_address(address).packed)


@pytest.mark.parametrize("name", ["192-168-1-5.abc.plex.direct", "fritz.box", "nas.lan", "printer.home"])
def test_names_that_lead_home_on_purpose_may(name: str) -> None:
    assert ask("192.168.1.5", name).source is Source.UPSTREAM


def test_an_exception_is_a_name_and_not_the_end_of_one() -> None:
    assert ask("192.168.1.5", "evilplex.direct").source is Source.POLICY


def test_a_persons_own_rule_is_stronger() -> None:
    assert ask("192.168.1.5", pardoned=True).source is Source.UPSTREAM


def test_the_protection_can_be_switched_off() -> None:
    assert ask("192.168.1.5", enabled=False).source is Source.UPSTREAM


def test_the_null_address_of_an_upstream_that_says_it_filters_passes() -> None:
    assert ask("0.0.0.0", ede=17).source is Source.UPSTREAM
    assert ask("192.168.1.1", ede=17).source is Source.POLICY
