"""The main job, end to end: a lookup is answered, recorded, named, and blocked with one request."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

LISTED = "ads.listed.example"
ZONE = {
    "www.example.com": ["60 A 198.51.100.7"],
    "api.example.com": ["60 A 198.51.100.8"],
    "tv.example.com": ["60 A 198.51.100.9"],
    "cloaked.example.com": ["60 CNAME tracker.hidden.example."],
    "tracker.hidden.example": ["60 A 198.51.100.10"],
    "acr-us-prd.samsungcloud.tv": ["60 A 198.51.100.11"],
    LISTED: ["60 A 198.51.100.66"],
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


@pytest.fixture(scope="module")
def box(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder = tmp_path_factory.mktemp("story")
    (folder / "list.txt").write_text(f"# A list\n{LISTED}\ntracker.hidden.example\n")
    with RunningBox(folder / "data", ["--upstream", upstream.url, "--list", str(folder / "list.txt")]) as running:
        wait_until(lambda: running.control.call("status")["listed_names"] == 2)
        yield running


def extended_errors(answer: dns.message.Message) -> list[int]:
    return [int(option.code) for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def newest(box: RunningBox, name: str, **wanted: Any) -> dict[str, Any] | None:
    status, page = box.get(f"/api/v1/lookups?name={name}&limit=50")
    assert status == 200, page
    for lookup in page["lookups"]:
        if all(lookup[key] == value for key, value in wanted.items()):
            found: dict[str, Any] = lookup
            return found
    return None


def test_dig_gets_the_upstream_s_answer(box: RunningBox) -> None:
    looked_up = subprocess.run(
        ["dig", f"@{box.dns[0]}", "-p", str(box.dns[1]), "+short", "www.example.com"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert looked_up.stdout.split() == ["198.51.100.7"]


def test_a_listed_name_gets_the_null_address_and_a_reason(box: RunningBox) -> None:
    answer = ask(LISTED, server=box.dns, edns=1232)
    assert addresses(answer) == ["0.0.0.0"]
    assert extended_errors(answer) == [15]
    assert answer.answer[0].ttl <= 10
    assert addresses(ask(LISTED, "AAAA", server=box.dns)) == ["::"]


def test_a_cloaked_tracker_is_blocked_by_where_it_leads(box: RunningBox) -> None:
    assert addresses(ask("cloaked.example.com", server=box.dns)) == ["0.0.0.0"]
    lookup = wait_until(lambda: newest(box, "cloaked.example.com", verdict="block"))
    assert lookup["via"] == "tracker.hidden.example"


def test_the_lookup_stands_in_the_api(box: RunningBox) -> None:
    ask("api.example.com", server=box.dns)
    lookup = wait_until(lambda: newest(box, "api.example.com"))
    assert lookup["verdict"] == "allow"
    assert lookup["type"] == "A"
    assert lookup["rcode"] == "NOERROR"
    assert lookup["source"] == "upstream"
    assert lookup["client"] == "127.0.0.1"
    assert set(lookup) >= {
        *("time", "name", "type", "device", "client", "verdict", "reason", "company"),
        *("category", "party", "source", "rcode", "latency_ms"),
    }


def test_a_lookup_names_the_company_and_the_purpose(box: RunningBox) -> None:
    ask("acr-us-prd.samsungcloud.tv", server=box.dns)
    lookup = wait_until(lambda: newest(box, "acr-us-prd.samsungcloud.tv"))
    assert (lookup["company"], lookup["category"]) == ("Samsung", "acr")
    status, explained = box.get("/api/v1/explain?name=acr-us-prd.samsungcloud.tv")
    assert status == 200
    assert explained["company"] == "Samsung"
    assert explained["evidence"]
    assert "contacted" in explained["sentence"] or "contact" in explained["sentence"]


@pytest.mark.parametrize("tcp", [False, True])
def test_a_click_changes_the_very_next_answer_every_time(box: RunningBox, tcp: bool) -> None:
    name = "tv.example.com"
    for _ in range(25):
        status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
        assert status == 201, rule
        assert addresses(ask(name, server=box.dns, tcp=tcp)) == ["0.0.0.0"]
        status, _ = box.request("DELETE", f"/api/v1/rules/{rule['id']}")
        assert status == 200
        assert addresses(ask(name, server=box.dns, tcp=tcp)) == ["198.51.100.9"]


def test_no_answer_is_stale_while_lookups_rain_and_clicks_fall(box: RunningBox) -> None:
    """Several televisions ask without pause; from the HTTP reply on, none of them gets the old answer."""
    name = "tv.example.com"
    expected: list[tuple[float, str | None]] = [(0.0, "198.51.100.9")]
    seen: list[tuple[float, float, str]] = []
    stop = threading.Event()

    def televise(source: str) -> None:
        while not stop.is_set():
            asked = time.monotonic()
            got = addresses(ask(name, server=box.dns, source=source))[0]
            seen.append((asked, time.monotonic(), got))

    def go_on_for_a_while() -> None:
        enough = len(seen) + 9
        wait_until(lambda: len(seen) >= enough)

    threads = [threading.Thread(target=televise, args=(f"127.0.0.{n}",)) for n in (31, 32, 33)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            expected.append((time.monotonic(), None))
            _, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
            expected.append((time.monotonic(), "0.0.0.0"))
            go_on_for_a_while()
            expected.append((time.monotonic(), None))
            box.request("DELETE", f"/api/v1/rules/{rule['id']}")
            expected.append((time.monotonic(), "198.51.100.9"))
            go_on_for_a_while()
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    checked = 0
    for asked, answered, got in seen:
        windows = [window for window in expected if window[0] <= answered]
        due = windows[-1][1]
        if due is not None and windows[-1][0] <= asked:
            assert got == due, f"{got} instead of {due}"
            checked += 1
    assert checked > 100


def test_a_rule_for_one_device_leaves_the_others_alone(box: RunningBox) -> None:
    name = "tv.example.com"
    for source in ("127.0.0.41", "127.0.0.42"):
        ask(name, server=box.dns, source=source)
    wait_until(lambda: any(d["id"] == "ip:127.0.0.41" for d in box.get("/api/v1/devices")[1]["devices"]))
    body = {"action": "block", "name": name, "device": "ip:127.0.0.41", "seconds": 3600}
    status, rule = box.request("POST", "/api/v1/rules", body)
    assert status == 201, rule
    assert addresses(ask(name, server=box.dns, source="127.0.0.41")) == ["0.0.0.0"]
    assert addresses(ask(name, server=box.dns, source="127.0.0.42")) == ["198.51.100.9"]
    box.request("DELETE", f"/api/v1/rules/{rule['id']}")


def test_a_category_is_blocked_for_everybody(box: RunningBox) -> None:
    status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "category": "acr"})
    assert status == 201, rule
    assert addresses(ask("acr-us-prd.samsungcloud.tv", server=box.dns)) == ["0.0.0.0"]
    box.request("DELETE", f"/api/v1/rules/{rule['id']}")
    assert addresses(ask("acr-us-prd.samsungcloud.tv", server=box.dns)) == ["198.51.100.11"]


def test_a_timed_rule_ends_by_itself(box: RunningBox) -> None:
    status, _ = box.request("POST", "/api/v1/rules", {"action": "block", "name": "tv.example.com", "seconds": 4})
    assert status == 201
    assert addresses(ask("tv.example.com", server=box.dns)) == ["0.0.0.0"]
    wait_until(lambda: addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"])


def test_a_pause_lets_everything_through_until_it_ends(box: RunningBox) -> None:
    status, _ = box.request("POST", "/api/v1/pause", {"seconds": 60})
    assert status in (200, 201)
    assert addresses(ask(LISTED, server=box.dns)) == ["198.51.100.66"]
    box.request("POST", "/api/v1/pause", {"seconds": 0})
    assert addresses(ask(LISTED, server=box.dns)) == ["0.0.0.0"]


def test_rules_survive_a_restart(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as first:
        first.request("POST", "/api/v1/rules", {"action": "block", "name": "*.example.com"})
        first.request("POST", "/api/v1/rules", {"action": "allow", "name": "www.example.com", "seconds": 3600})
        before = first.get("/api/v1/rules")[1]
        assert len(before["rules"]) == 2
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as second:
        assert second.get("/api/v1/rules")[1] == before
        assert addresses(ask("tv.example.com", server=second.dns)) == ["0.0.0.0"]
        assert addresses(ask("www.example.com", server=second.dns)) == ["198.51.100.7"]


def test_a_broken_journal_is_put_aside_and_rules_still_hold(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as first:
        first.request("POST", "/api/v1/rules", {"action": "block", "name": "tv.example.com"})
    for stale in tmp_path.joinpath("data").glob("journal.sqlite-*"):
        stale.unlink()
    (tmp_path / "data" / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url], expects=["journal"]) as second:
        assert addresses(ask("tv.example.com", server=second.dns)) == ["0.0.0.0"]
        box_rules = wait_until(lambda: second.get("/api/v1/rules")[1]["rules"])
        assert box_rules[0]["name"] == "tv.example.com"
        wait_until(lambda: newest(second, "tv.example.com"))
        assert list((tmp_path / "data").glob("journal.broken-*"))


def test_a_click_catches_an_answer_that_is_still_on_its_way(box: RunningBox, upstream: Upstream) -> None:
    name = "slow.example.com"
    upstream.fail(name, held=True)
    answers: list[list[str]] = []
    asking = threading.Thread(target=lambda: answers.append(addresses(ask(name, server=box.dns))))
    asking.start()
    wait_until(lambda: name in upstream.names())
    status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
    assert status == 201
    upstream.release()
    asking.join(PATIENCE)
    assert answers == [["0.0.0.0"]]
    box.request("DELETE", f"/api/v1/rules/{rule['id']}")
    upstream.heal()
