"""The pages as a program sees them: what they ask for, and what still stands when something behind them does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.errors import Refused
from gateway.journal.reader import Bar, NameRow
from gateway.model.effect import Effect
from gateway.network.between import BRIDGE_COUNTERS
from gateway.network.firewall import COUNTERS
from tests.support.dashboard import NOW, TELEVISION, FakeReader, Home, finding, lookup
from tests.support.dashboard import home as build_home
from web.views.live import collapse
from web.views.network import _SAID

PATHS = ["/", "/live", "/devices", f"/devices/{TELEVISION}", "/companies", "/companies/Samsung%20Ads",
         "/names/ads.samsung.com", "/names/", "/rules", "/lists?check=ads.samsung.com", "/network",
         "/strip"]  # fmt: skip


@dataclass
class Journal(FakeReader):
    """The journal of the tests, with the questions that only pages ask."""

    def name(self, name: str) -> NameRow | None:
        return next(iter(self.names(NOW, NOW)), None)

    def chart(
        self, since: datetime, until: datetime, step: int, device: str | None = None, company: str | None = None
    ) -> tuple[Bar, ...]:
        self.charted = (since, until, step, device, company)
        return super().chart(since, until, step, device)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("tests.support.dashboard.FakeReader", Journal)
    return build_home(tmp_path)


@pytest.fixture
def owner(home: Home) -> FlaskClient:
    return home.owner()


def needs(home: Home, monkeypatch: pytest.MonkeyPatch, **required: str) -> None:
    """Makes the resolver say that these names are required, with their symptoms."""
    original = home.control.do_explain

    def explain(*, name: str, device: str | None, targets: list[str] | None = None) -> dict[str, Any]:
        symptom = required.get(name.replace(".", "_"))
        return {**original(name=name, device=device), **({"need": "required", "symptom": symptom} if symptom else {})}

    monkeypatch.setattr(home.control, "do_explain", explain)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_needs_a_login(home: Home, path: str) -> None:
    home.store.set_first_password("correct horse")
    answer = home.visitor().get(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")


@pytest.mark.parametrize("path", PATHS)
def test_every_page_stands_without_its_journal_and_says_so(home: Home, owner: FlaskClient, path: str) -> None:
    home.reader.broken = True
    answer = owner.get(path)
    assert answer.status_code == 200
    assert answer.text.count("The journal cannot be read.") == (
        path not in ("/rules", "/lists?check=ads.samsung.com", "/network", "/strip")
    )


@pytest.mark.parametrize("path", PATHS)
def test_every_page_stands_without_the_resolver_and_says_so(home: Home, owner: FlaskClient, path: str) -> None:
    home.control.asleep = True
    answer = owner.get(path)
    assert answer.status_code == 200
    assert answer.text.count("The resolver does not answer; is Telltale running?") == 1


def test_the_same_lookup_in_a_row_becomes_one_run() -> None:
    storm = (lookup(3), lookup(2, type="AAAA"), lookup(2))
    runs = collapse((*storm, lookup(1, verdict="allow", reason="no rule"), lookup(0)))
    assert [(run.lookup.id, run.types, run.times) for run in runs] == [
        (3, {"A": 2, "AAAA": 1}, 2),
        (1, {"A": 1}, 1),
        (0, {"A": 1}, 1),
    ]
    assert collapse(()) == []


def test_filters_of_the_address_reach_the_journal(home: Home, owner: FlaskClient) -> None:
    owner.get("/live?device=d&name=*.x&company=C&category=acr&verdict=block&until=2026-11-23T20:15:00Z&nonsense=1")
    wanted = home.reader.filters[-1]
    assert (wanted.device, wanted.name, wanted.company, wanted.category, wanted.verdict) == (
        "d",
        "*.x",
        "C",
        "acr",
        "block",
    )
    assert wanted.until == NOW
    owner.get("/live?verdict=maybe&name=%20&device=")
    assert home.reader.filters[-1].verdict is home.reader.filters[-1].name is home.reader.filters[-1].device is None


def test_any_tracker_asks_for_each_tracking_category(home: Home, owner: FlaskClient) -> None:
    page = owner.get("/live?category=trackers").text
    asked = {wanted.category for wanted in home.reader.filters}
    assert asked == {"acr", "advertising", "analytics", "telemetry"}
    assert 'data-id="2"' in page


def test_a_page_mark_that_is_none_is_a_sentence(owner: FlaskClient) -> None:
    answer = owner.get("/live?before=garbage")
    assert answer.status_code == 200
    assert "This page mark is not one of ours." in answer.text


@pytest.mark.parametrize(
    ("asked", "hours", "step"), [("1h", 1, 60), ("7d", 168, 21600), ("30d", 720, 86400), ("9y", 24, 3600)]
)
def test_the_period_of_the_address_is_drawn(home: Home, owner: FlaskClient, asked: str, hours: int, step: int) -> None:
    owner.get(f"/?period={asked}")
    assert isinstance(home.reader, Journal)
    since, until, drawn, _, _ = home.reader.charted
    assert drawn == step
    assert timedelta(hours=hours, seconds=-step) <= until - since <= timedelta(hours=hours, seconds=step)


def test_consequences_say_what_a_television_would_lose(
    home: Home, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(home, monkeypatch, ads_samsung_com="The clock stops.")
    loss = [{"name": "ads.samsung.com", "symptom": "The clock stops."}]
    for scope in ("name=ads.samsung.com", "name=samsung.com&subtree=1"):
        assert owner.get(f"/consequences?action=block&{scope}").get_json()["required"] == loss, scope
    assert owner.get("/consequences?action=allow&name=ads.samsung.com").get_json()["required"] == []
    assert owner.get("/consequences?action=block&name=other.example").get_json()["required"] == []
    for sparing in ("company=Samsung%20Ads", "category=advertising"):
        assert owner.get(f"/consequences?action=block&{sparing}").get_json()["required"] == [], sparing
    assert owner.get("/consequences?action=block").get_json() == {
        "required": [], "services": [], "trackers": False, "replaces": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "stops", "trackers"),
    [
        ("company=Samba", ["Samba Play does not start."], True),
        ("service=Samba%20Play", ["Samba Play does not start."], True),
        ("company=Tunes%20Inc", ["Tunes is silent."], False),
        ("trackers=Samba", [], False),
        ("name=samba.example", [], False),
        ("company=Nobody", [], False),
    ],
)
def test_consequences_say_which_services_end(owner: FlaskClient, scope: str, stops: list[str], trackers: bool) -> None:
    said = owner.get(f"/consequences?action=block&{scope}").get_json()
    assert [each["stops"] for each in said["services"]] == stops
    assert said["trackers"] is trackers


def test_consequences_say_which_rule_would_go(home: Home, owner: FlaskClient) -> None:
    rule = home.control.do_rules_add(
        action="allow", name="a.example", device=None, seconds=None, comment="", made_by="dashboard"
    )
    assert owner.get("/consequences?action=block&name=a.example").get_json()["replaces"] == [rule]
    assert owner.get(f"/consequences?action=block&name=a.example&device={TELEVISION}").get_json()["replaces"] == []
    assert owner.get("/consequences?action=block&name=a.example&subtree=1").get_json()["replaces"] == [rule]
    assert owner.get("/consequences?action=block&name=a.example&seconds=60").get_json()["replaces"] == []


def test_an_address_of_the_web_is_checked_by_its_host(home: Home, owner: FlaskClient) -> None:
    owner.get("/lists?check=https://user@ads.samsung.com:8443/path?x")
    assert ("explain", {"name": "ads.samsung.com", "device": None}) in home.control.asked


def test_another_spelling_of_a_name_leads_to_its_page(owner: FlaskClient) -> None:
    assert "ads.samsung.com" in owner.get("/names/ADS.Samsung.COM.").text
    assert owner.get("/names/" + "a" * 64).status_code == 400


def test_a_device_tells_its_ways_round_us_and_its_bytes(home: Home, owner: FlaskClient) -> None:
    page = owner.get(f"/devices/{TELEVISION}").text
    assert "asked 8.8.8.8 (Google Public DNS) directly 1,204 times; Telltale answered instead." in page
    assert "12 kB" in page
    assert "6.8 MB" in page
    assert "addresses that no lookup explains" in page


def test_without_a_network_of_its_own_the_page_says_what_it_would_take(home: Home, owner: FlaskClient) -> None:
    assert "Telltale only answers names here" in owner.get("/network").text
    assert owner.get("/network/join.svg").status_code == 200
    home.reader.detours = lambda *_, **__: ()  # type: ignore[method-assign]
    assert "behind Telltale" in owner.get(f"/devices/{TELEVISION}").text


def test_the_network_page_says_how_to_join_and_what_was_turned_away(home: Home, owner: FlaskClient) -> None:
    sick = finding("air", False, "The radio does not know its country.")
    home.control.network = {"mode": "access-point", "filtering": True, "leases": 3, "notes": [], "health": [sick]}
    page = owner.get("/network").text
    for said in ("Telltale TV", "abcde-fghjk-mnpqr-stuvw", "1,204", "3 devices", "does not know its country"):
        assert said in page
    picture = owner.get("/network/join.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("isolated", [True, False])
def test_keeping_televisions_apart_is_a_switch_that_says_what_it_costs(
    home: Home, owner: FlaskClient, isolated: bool
) -> None:
    home.control.network = {"mode": "wired", "isolated": isolated, "isolated_by_settings": False}
    page = owner.get("/network").text
    for said in ("What it costs", "casting", "behind one and the same switch"):
        assert said in page
    assert ("Let them reach each other" if isolated else "Keep them apart") in page
    assert f'data-isolated="{str(not isolated).lower()}"' in page
    home.control.network = {"mode": "access-point", "isolated": isolated, "isolated_by_settings": True}
    page = owner.get("/network").text
    assert "settings.toml says so" in page
    assert "data-isolated" not in page


def test_the_page_never_claims_that_a_radio_keeps_apart_what_it_cannot(home: Home, owner: FlaskClient) -> None:
    health = [finding("isolation", False, "This radio cannot."), finding("wifi", True, "The Wi-Fi is on the air.")]
    home.control.network = {"mode": "access-point", "isolated": True, "isolated_by_settings": False, "health": health}
    page = owner.get("/network").text
    assert "on, but not between devices on the Wi-Fi: This radio cannot." in page
    assert "not each other" not in page
    home.control.network["health"][0]["healthy"] = True
    assert "not each other" in owner.get("/network").text


def test_a_home_whose_network_another_box_makes_cannot_keep_devices_apart(home: Home, owner: FlaskClient) -> None:
    def nobody_knows(isolated: bool) -> dict[str, Any]:
        raise Refused("control.no-such-verb", "verb", verb="'network.isolate'")

    home.control.do_network_isolate = nobody_knows  # type: ignore[method-assign]
    answer = owner.put("/api/v1/network/isolation", json={"isolated": True})
    assert (answer.status_code, answer.json["code"]) == (404, "dashboard.no-network-here")


def test_every_counter_of_the_firewall_has_words_for_a_person() -> None:
    assert set(_SAID) == {*COUNTERS, *BRIDGE_COUNTERS} - {"gateway_refused"}


def test_nobody_reads_that_there_is_no_network_only_because_the_resolver_is_silent(
    home: Home, owner: FlaskClient
) -> None:
    home.control.asleep = True
    page = owner.get("/network").text
    assert "Nothing is known of the network just now" in page
    assert "only answers names here" not in page


def test_a_dead_resolver_means_that_filtering_is_off_and_the_page_says_so(home: Home, owner: FlaskClient) -> None:
    home.control.asleep = True
    page = owner.get("/").text
    assert "Filtering is off" in page
    assert "Filtering off" in page
    home.control.network = {"mode": "wired", "filtering": False}
    home.control.asleep = False
    assert "off</span>" in owner.get("/network").text


@pytest.mark.parametrize(
    ("effect", "pill"),
    [(Effect.BLOCKS, "Filtering on"), (Effect.PAUSED, "Paused"), (Effect.NOTHING, "Only watching")],
)
def test_without_the_control_socket_the_page_says_what_dns_says(
    home: Home, owner: FlaskClient, effect: Effect, pill: str
) -> None:
    home.control.asleep = True
    home.control.dns = effect
    page = owner.get("/").text
    assert pill in page
    for untrue in ("Filtering off", "Filtering is off", "The resolver does not answer", 'id="pause"'):
        assert untrue not in page
    assert "DNS answers, but the dashboard cannot speak with its resolver" in page


def test_a_resolver_that_speaks_but_whose_dns_is_silent_does_not_filter(home: Home, owner: FlaskClient) -> None:
    home.control.dns = None
    page = owner.get("/").text
    assert "Filtering off" in page
    assert "DNS does not answer" in page
    assert "runs all the same" in page


def test_a_pause_is_claimed_only_when_dns_pauses(home: Home, owner: FlaskClient) -> None:
    assert home.control.pauses
    home.control.dns = Effect.BLOCKS
    guard = owner.get("/strip").text.partition("</div>")[0]
    assert "Filtering on" in guard
    assert "Paused" not in guard


@pytest.mark.parametrize(("hours", "shown"), [(1, True), (25, False)])
def test_what_was_lost_is_said_for_a_day_although_all_is_well_again(
    home: Home, owner: FlaskClient, hours: int, shown: bool
) -> None:
    lost = {**finding("journal", True, ""), "code": "history.was-missing", "arguments": {}}
    home.control.ailments = [{**lost, "since": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}]
    assert ("The history was missing when Telltale started" in owner.get("/").text) is shown


def test_while_televisions_are_led_past_a_living_resolver_no_corner_of_the_page_claims_to_filter(
    home: Home, owner: FlaskClient
) -> None:
    past = "Filtering is off: Telltale's DNS does not answer, so televisions ask others."
    home.control.ailments = [finding("network filtering", False, past)]
    page = owner.get("/").text
    assert past.replace("'", "&#39;") in page
    assert "Filtering off" in page
    assert "Filtering on" not in page


def test_a_box_that_blocks_nothing_yet_does_not_claim_to_filter(home: Home, owner: FlaskClient) -> None:
    home.control.pauses = []
    assert "Filtering on" in owner.get("/").text
    home.control.blocking = False
    page = owner.get("/").text
    assert "Only watching" in page
    assert "Filtering on" not in page
    assert 'id="pause"' not in page, "there is nothing to pause"


def test_the_page_of_a_name_says_how_often_it_is_asked_for(owner: FlaskClient) -> None:
    shown = owner.get("/names/ads.samsung.com").text
    assert "It asks about every 15 seconds, says A study." in shown
    assert "Two rules, two answers." in shown


@pytest.mark.parametrize("path", ["/names/ads.samsung.com", "/companies/Samsung%20Ads"])
def test_whom_a_company_belongs_to_is_shown_with_date_and_source(owner: FlaskClient, path: str) -> None:
    shown = owner.get(path).text
    assert "Belongs to" in shown
    assert "since 2015-03" in shown
    assert 'href="https://example.org/owns"' in shown


def test_the_address_of_a_source_is_linked_only_when_it_is_one(
    home: Home, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = home.control.do_company

    def company(*, name: str) -> dict[str, Any] | None:
        found = known(name=name)
        return found and found | {"owner_source": "javascript:alert(1)"}

    monkeypatch.setattr(home.control, "do_company", company)
    shown = owner.get("/companies/Samsung%20Ads").text
    assert "since 2015-03" in shown
    assert "javascript:alert" not in shown
