"""The promise of openapi.yaml once more, with the real resolver behind the dashboard instead of a fake one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import dns.query
import pytest

from tests.support.ports import free_port
from tests.support.promise import operations, validate
from tests.support.waiting import wait_until
from web.auth import AuthStore

pytestmark = pytest.mark.integration

Call = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Asks `telltale up`, with a token, after two names were looked up; holds the answer against the promise."""
    data = tmp_path_factory.mktemp("box")
    name_port, web_port = free_port(), free_port()
    token = AuthStore(data / "web.json").create_token("contract")
    box = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "up", "--data", str(data), "--dns", f"127.0.0.1:{name_port}",
         "--web", f"127.0.0.1:{web_port}", "--upstream", "udp://127.0.0.1:9"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(data)},
    )  # fmt: skip

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{web_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    try:
        wait_until(lambda: ask("GET", "/api/v1/status")[0] == 200, ignoring=(OSError,))
        for name in ("use-application-dns.net", "ads.samsung.com"):
            dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=name_port, timeout=10)
        wait_until(lambda: len(ask("GET", "/api/v1/lookups")[1].get("lookups", ())) >= 2, ignoring=(OSError,))
        yield ask
    finally:
        box.send_signal(signal.SIGTERM)
        assert box.wait(120) == 0


def keeps(operation: str, status: int, value: Any) -> None:
    method, path, said = operations()[operation]
    assert str(status) in said["responses"], value
    promised = said["responses"][str(status)]
    place = ["paths", path, method.lower(), "responses", str(status)]
    if "$ref" in promised:
        place = promised["$ref"].removeprefix("#/").split("/")
    validate(value, *place, "content", "application/json", "schema")


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("getStatus", "/api/v1/status"),
        ("getLookups", "/api/v1/lookups?limit=1"),
        ("getDevices", "/api/v1/devices"),
        ("getDevice", "/api/v1/devices/ip:127.0.0.1"),
        ("getOverview", "/api/v1/overview?hours=1"),
        ("getCompanies", "/api/v1/companies"),
        ("getCompany", "/api/v1/companies/Samsung"),
        ("getNames", "/api/v1/names"),
        ("explain", "/api/v1/explain?name=ads.samsung.com&device=ip:127.0.0.1"),
        ("getRules", "/api/v1/rules"),
        ("getLists", "/api/v1/lists"),
    ],
)
def test_what_is_read_has_the_promised_shape(call: Call, operation: str, path: str) -> None:
    status, value = call("GET", path)
    assert status == 200, value
    keeps(operation, status, value)


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "block", "name": "*.Ads.Example", "seconds": 60, "comment": "loud"},
        {"action": "allow", "company": "Samsung", "device": "ip:127.0.0.1"},
        {"action": "block", "category": "acr"},
        {"action": "block", "everything": True, "device": "ip:127.0.0.1"},
    ],
)
def test_a_rule_is_made_listed_and_taken_back(call: Call, rule: dict[str, Any]) -> None:
    status, made = call("POST", "/api/v1/rules", rule)
    assert status == 201, made
    keeps("addRule", status, made)
    assert made["made_by"] == "token contract"
    assert made in call("GET", "/api/v1/rules")[1]["rules"]
    status, removed = call("DELETE", f"/api/v1/rules/{made['id']}")
    keeps("removeRule", status, removed)
    assert (status, removed) == (200, made)
    status, gone = call("DELETE", f"/api/v1/rules/{made['id']}")
    keeps("removeRule", status, gone)
    assert status == 404


def test_a_pause_begins_and_ends(call: Call) -> None:
    status, begun = call("POST", "/api/v1/pause", {"seconds": 60})
    keeps("pause", status, begun)
    assert begun["rule"]["everything"] is True
    assert call("GET", "/api/v1/status")[1]["pauses"] == [{"device": None, "ends": begun["rule"]["ends"]}]
    status, ended = call("POST", "/api/v1/pause", {"seconds": 0})
    keeps("pause", status, ended)
    assert call("GET", "/api/v1/status")[1]["pauses"] == []


def test_a_device_gets_a_name(call: Call) -> None:
    status, device = call("PATCH", "/api/v1/devices/ip:127.0.0.1", {"name": "Kitchen"})
    keeps("changeDevice", status, device)
    assert device["label"] == "Kitchen"


def test_a_list_is_subscribed_to_and_given_up(call: Call) -> None:
    status, added = call("POST", "/api/v1/lists", {"url": "http://127.0.0.1:9/list.txt", "title": "Mine"})
    assert status == 201, added
    keeps("addList", status, added)
    status, removed = call("DELETE", f"/api/v1/lists/{added['id']}")
    assert status == 200
    keeps("removeList", status, removed)
    status, begun = call("POST", "/api/v1/lists/refresh")
    keeps("refreshLists", status, begun)


@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "expected"),
    [
        ("removeRule", "DELETE", "/api/v1/rules/999999", None, 404),
        ("removeList", "DELETE", "/api/v1/lists/999999", None, 404),
        ("acceptList", "POST", "/api/v1/lists/999999/accept", None, 404),
        ("changeDevice", "PATCH", "/api/v1/devices/nobody", {"name": "x"}, 404),
        ("addRule", "POST", "/api/v1/rules", {"action": "block", "name": "a.b", "device": "nobody"}, 400),
        ("pause", "POST", "/api/v1/pause", {"seconds": 5, "device": "nobody"}, 400),
        ("explain", "GET", "/api/v1/explain?name=a.b&device=nobody", None, 400),
        ("getLookups", "GET", "/api/v1/lookups?before=nonsense", None, 400),
        ("getCompany", "GET", "/api/v1/companies/Nobody", None, 404),
    ],
)
def test_what_is_wrong_is_reported(
    call: Call, operation: str, method: str, path: str, body: Any, expected: int
) -> None:
    status, value = call(method, path, body)
    keeps(operation, status, value)
    assert status == expected
