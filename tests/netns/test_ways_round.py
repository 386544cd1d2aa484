"""A scripted television tries every way round the resolver of a whole box: each is shut, or listed.

The transcript of the round stands in what this test prints (pytest -rP).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.netns.box import Box
from tests.netns.escapee import (
    CARRIER4,
    LATE,
    NEIGHBOUR4,
    ODD_PORT,
    TRACKER,
    TRACKER6,
    UNLISTED4,
    WAYS,
    ZONE,
    Escapee,
    Fate,
    Happened,
    Way,
)
from tests.netns.lab import RESOLVERS4, RESOLVERS6, STRANGER4, STRANGER6, Lab
from tests.netns.outside import Outside
from tests.netns.servers import Web
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns

_TELEVISION = "mac:02:42:00:00:00:0b"


@pytest.fixture
def escapee(tmp_path: Path) -> Iterator[Escapee]:
    with Lab() as lab:
        box = Box(lab, tmp_path)
        box.make_bare()
        lab.run("internet", "ip", "address", "add", f"{TRACKER6}/128", "dev", "lo", "nodad")
        box.start()
        with lab.inside("internet"):
            everybody = (*RESOLVERS4, *RESOLVERS6, STRANGER4, STRANGER6, UNLISTED4)
            places = [(address, port) for address in everybody for port in (53, 54, 123, 853, 5353, 8443, ODD_PORT)]
            outside = Outside(ZONE, [*places, *((address, 443) for address in everybody)])
            web = Web(("203.0.113.66", TRACKER6, CARRIER4, *LATE.values()), (443, 8009))
        with outside, web:
            try:
                box.start_resolver()
                wait_until(box.stands)
                _move_in(box)
                yield Escapee(box, outside)
            finally:
                box.kill_resolver()
                box.end()


def _move_in(box: Box) -> None:
    """The television by DHCP and router advertisement, its neighbour with an address of its own choice."""
    for tv in box.lab.televisions:
        box.lab.run(tv, "ip", "-6", "route", "flush", "default")
        box.lab.run(tv, "ip", "-6", "route", "flush", "::/0")
    box.ask_for_address("tv1")
    box.lab.run("tv2", "ip", "address", "add", f"{NEIGHBOUR4}/24", "dev", "eth0")
    box.lab.run("tv2", "ip", "route", "replace", "default", "via", "10.83.7.1")
    box.block(TRACKER)

    def online() -> bool:
        words = ("ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "global", "-tentative")
        return "inet6" in box.lab.run("tv1", *words) and "default" in box.lab.run("tv1", "ip", "-6", "route")

    wait_until(online)
    wait_until(lambda: box.dig("@10.83.7.1", "site.example") == "203.0.113.20")
    wait_until(lambda: box.dig("@10.83.7.1", TRACKER) == "0.0.0.0")
    wait_until(lambda: box.dig("@2001:4860:4860::8888", TRACKER) == "0.0.0.0")

    def known_in_both_families() -> bool:
        devices = box.control.call("devices.list")["devices"]
        return any(d["id"] == _TELEVISION and any(":" in each for each in d["addresses"]) for d in devices)

    wait_until(known_in_both_families)


def test_every_way_round_is_shut_or_listed(escapee: Escapee) -> None:
    began = datetime.now(UTC)
    assert len({way.name for way in WAYS}) == len(WAYS) >= 25
    happened = {way.name: _try(escapee, way) for way in WAYS}
    wanted = {row for each in happened.values() for row in each.rows}
    missing = set(wanted)
    reader = escapee.box.reader()

    def listed() -> bool:
        since, until = began - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
        for detour in reader.detours(since, until, device=_TELEVISION, limit=1000):
            missing.difference_update(
                row for row in tuple(missing)
                if row.detour is not None and (row.detour.value, row.server, row.protocol, row.port)
                == (detour.detour, detour.server, detour.protocol, detour.port)
                and row.outcome is not None and row.outcome.value == detour.outcome
            )  # fmt: skip
        exchanged = {row.name for row in reader.exchanges(since, until, device=_TELEVISION, limit=1000) if row.down}
        missing.difference_update({row for row in missing if row.name and row.name in exchanged})
        return not missing

    try:
        wait_until(listed)
    except AssertionError:
        print(f"missing in the ledger: {missing}")
    finally:
        reader.close()
    _print(happened)
    wrong = {
        way.name: (way.expected.value, each.fate.value, each.how)
        for way in WAYS
        if (each := happened[way.name]).fate is not way.expected
    }
    assert wrong == {}
    assert missing == set()
    for way in WAYS:
        # What cannot be shut has a reason and stands in the ledger.
        assert (way.expected is Fate.LEDGER) == bool(way.why), way.name
        assert way.expected is not Fate.LEDGER or happened[way.name].rows, way.name


def _try(escapee: Escapee, way: Way) -> Happened:
    try:
        return escapee.try_way(way)
    except Exception as error:
        return Happened(Fate.ESCAPED, f"{type(error).__name__}: {error}")


def _print(happened: dict[str, Happened]) -> None:
    width = max(map(len, happened))
    fates = max(len(fate.value) for fate in Fate)
    print()
    for way in WAYS:
        each = happened[way.name]
        how = each.how + (f" ({way.why})" if way.why else "")
        print(f"{way.name:<{width}} | {each.fate.value:<{fates}} | {how}")
    counted = Counter(each.fate for each in happened.values())
    print(f"{len(happened)} ways: " + ", ".join(f"{count} {fate.value}" for fate, count in counted.items()))
