"""What an app needs is open on the device that uses the app, from its first second on, and stopped everywhere else.

Over real DNS, with two simulated devices: one that opens the app, and one that never did.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import count
from typing import Any

import dns.message
import pytest

from gateway.classifier.presets import CERTAIN
from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Need, Tag
from tests.support.box import RunningBox
from tests.support.client import addresses, ask, burst, question
from tests.support.shared_data import shared_data
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until
from tests.support.zone import Reply

pytestmark = pytest.mark.integration

KNOWN = Classifier.load()
REAL, NULL = ["198.51.100.9"], ["0.0.0.0"]
_numbers = count(1)


CLOAKS = {"imasdk.googleapis.com": "partnerad.l.doubleclick.net", "www.nobody.example": "partnerad.l.doubleclick.net"}


def anything(name: str, rtype: str) -> Reply:
    if rtype == "A" and (target := CLOAKS.get(name.lower())):
        return Reply(answer=(f"{name}. 60 CNAME {target}.", f"{target}. 60 A 198.51.100.9"))
    return Reply(answer=(f"{name}. 60 A 198.51.100.9",)) if rtype == "A" else Reply()


@pytest.fixture(scope="module", params=[(), ("--workers", "3")], ids=["one process", "workers"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder = tmp_path_factory.mktemp("apps")
    with (
        Upstream(anything) as upstream,
        RunningBox(folder / "data", ["--upstream", upstream.url, *request.param]) as running,
    ):
        wait_until(lambda: running.control.call("status")["counters"].get("workers", 0) == (2 if request.param else 0))
        yield running


def device(box: RunningBox, maker: str = "") -> str:
    """The address of a new device, of this maker."""
    number = next(_numbers)
    client = f"127.0.{10 + number // 200}.{1 + number % 200}"
    ask("time.example", server=box.dns, source=client)

    def known() -> str | None:
        devices = box.get("/api/v1/devices")[1]["devices"]
        return next((each["id"] for each in devices if client in each["addresses"]), None)

    id_ = wait_until(known)
    if maker:
        assert box.request("PATCH", f"/api/v1/devices/{id_}", {"maker": maker})[0] == 200
    return client


def choose(box: RunningBox, preset: str) -> None:
    assert box.request("POST", "/api/v1/rules", {"action": "block", "preset": preset})[0] == 201


def refused(box: RunningBox, names: list[str], client: str) -> set[str]:
    """Those that are answered with no address, asked for in one go."""
    answers = burst(
        [question(name, message_id=n) for n, name in enumerate(names, 1)], box.dns, source=client, at_once=8
    )
    return {name for name, answer in zip(names, answers, strict=True) if _addresses(answer) != REAL}


def _addresses(answer: dns.message.Message | None) -> list[str]:
    assert answer is not None
    return list(addresses(answer))


def needed_names() -> dict[str, Tag]:
    """Every name of the base, spelled out, that watches and that some app or maker waits for."""
    found = {}
    for pattern, domain, fact in KNOWN.facts():
        if fact.needed_by and fact.category.tracks and not pattern.startswith("/"):
            found[domain] = KNOWN.tag(domain)
    return found


def opening(service: str) -> str | None:
    """A name that the app asks for when it is opened."""
    own, _ = KNOWN.names_of(service)
    spelled = (each.lstrip(".") for each in own if not each.startswith("/"))
    return next((each for each in spelled if KNOWN.service_of(each) == service), None)


def an_example() -> tuple[str, Tag]:
    """A name that Calm stops, and that an app needs which we see being opened."""
    return next(
        (name, tag)
        for name, tag in needed_names().items()
        if tag.category is Category.ADVERTISING and tag.confidence >= CERTAIN and opening(tag.needed_by[0])
    )


def needers(names: dict[str, Tag]) -> dict[str, list[str]]:
    by_needer: dict[str, list[str]] = {}
    for name, tag in names.items():
        for needer in tag.needed_by:
            by_needer.setdefault(needer, []).append(name)
    return by_needer


def test_the_base_has_enough_to_try() -> None:
    assert len(needers(needed_names())) >= 10


@pytest.mark.parametrize("preset", ["calm", "quiet", "silent"])
def test_an_app_has_what_it_needs_in_its_first_second_and_nobody_else_has(box: RunningBox, preset: str) -> None:
    choose(box, preset)
    names = needed_names()
    # Of a maker that is known: a device of nobody known that asks for LG's own names is taken for a television of LG.
    stranger = device(box, "Panasonic")
    stopped = refused(box, list(names), stranger)
    assert stopped >= {name for name, tag in names.items() if tag.category.value in ("advertising", "analytics", "acr")}
    for needer, needed in needers(names).items():
        app = opening(needer)
        company = KNOWN.company(needer)
        if app is None and not (company and company.devices):
            continue
        client = device(box, "" if app else needer)
        if app and refused(box, [app], client):
            assert KNOWN.tag(app).category is Category.SOCIAL, f"{preset} stops {app}"
            continue
        assert refused(box, [app, *needed] if app else needed, client) == set(), needer
        assert refused(box, needed, client) == set(), needer
    assert refused(box, list(names), stranger) == stopped, "what one device uses opens nothing on another"


@pytest.mark.large
def test_public_reports_come_true_nowhere(box: RunningBox) -> None:
    with shared_data("labels", "reported_needed.csv").open(encoding="utf-8") as file:
        names = {row["name"].strip().lstrip("*.").rstrip(".") for row in csv.DictReader(file)}
    for preset in ("calm", "quiet"):
        choose(box, preset)
        for name in names:
            tag = KNOWN.tag(name)
            makers = [each for each in tag.needed_by if (company := KNOWN.company(each)) and company.devices]
            apps = [app for each in tag.needed_by if (app := opening(each)) is not None]
            client = device(box, makers[0] if makers and not apps else "")
            assert refused(box, [*apps[:1], name], client) == set(), (preset, name)


def test_the_reason_says_for_whom_a_name_is_open(box: RunningBox) -> None:
    choose(box, "calm")
    name, tag = an_example()
    app = opening(tag.needed_by[0])
    assert app is not None
    client = device(box)
    assert refused(box, [app, name], client) == set()

    def row() -> dict[str, Any] | None:
        lookups = box.get(f"/api/v1/lookups?name={name}&client={client}")[1]["lookups"]
        return next(iter(lookups), None)

    shown = wait_until(row)
    assert (shown["verdict"], shown["reason"]) == ("allow", "needed")
    assert tag.needed_by[0] in shown["matched"]
    services = box.get("/api/v1/services")[1]["services"]
    used = next(each for each in services if each["service"] == tag.needed_by[0])
    assert shown["device"] in used["devices"]


def test_what_something_breaks_without_may_lead_to_what_a_preset_stops(box: RunningBox) -> None:
    choose(box, "calm")
    client = device(box)
    kept, other = CLOAKS
    assert KNOWN.tag(kept).need is Need.DEGRADES
    assert refused(box, [CLOAKS[kept], kept, other], client) == {CLOAKS[kept], other}
    assert box.control.call("explain", name=kept, targets=[CLOAKS[kept]])["verdict"] == "allow"
    status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": "doubleclick.net", "subtree": True})
    assert status == 201
    assert refused(box, [kept], client) == {kept}, "a person who names it means it"
    box.request("DELETE", f"/api/v1/rules/{rule['id']}")


def test_a_person_stops_it_anyway(box: RunningBox) -> None:
    choose(box, "calm")
    name, tag = an_example()
    client = device(box)
    assert refused(box, [str(opening(tag.needed_by[0])), name], client) == set()
    status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
    assert status == 201
    assert refused(box, [name], client) == {name}
    box.request("DELETE", f"/api/v1/rules/{rule['id']}")


def test_what_was_used_while_a_preset_was_off_is_known_when_it_is_back(box: RunningBox) -> None:
    choose(box, "calm")
    name, tag = an_example()
    client = device(box)
    devices = box.get("/api/v1/devices")[1]["devices"]
    id_ = next(each["id"] for each in devices if client in each["addresses"])
    off = box.request("POST", "/api/v1/rules", {"action": "allow", "preset": "off", "device": id_})[1]
    assert refused(box, [str(opening(tag.needed_by[0])), name], client) == set()
    wait_until(lambda: len(box.get(f"/api/v1/lookups?client={client}")[1]["lookups"]) >= 2)
    assert box.request("DELETE", f"/api/v1/rules/{off['id']}")[0] == 200
    wait_until(lambda: not refused(box, [name], client), "the journal's last weeks are read")


def test_looking_at_a_name_is_no_use_of_it(box: RunningBox) -> None:
    choose(box, "calm")
    name, tag = an_example()
    app, client = opening(tag.needed_by[0]), device(box)
    devices = box.get("/api/v1/devices")[1]["devices"]
    id_ = next(each["id"] for each in devices if client in each["addresses"])
    said = box.control.call("explain", name=app, device=id_)
    assert said["verdict"] == "allow"
    assert refused(box, [name], client) == {name}


def test_what_is_used_is_still_known_after_a_restart(box: RunningBox) -> None:
    choose(box, "calm")
    name, tag = an_example()
    client = device(box)
    assert refused(box, [str(opening(tag.needed_by[0])), name], client) == set()
    box.stop()
    box.start()
    wait_until(lambda: not refused(box, [name], client), "the journal's last weeks are read")
