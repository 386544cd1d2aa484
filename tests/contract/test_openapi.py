"""The specification against the application: every promise kept, and nothing there that was not promised."""

from __future__ import annotations

import json
import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from gateway.model.response import Source
from gateway.model.rule import PRESET_OFF, PRESETS
from gateway.model.tag import Category, Need, Party
from gateway.model.verdict import Action, Reason
from tests.support.dashboard import ORIGIN, PASSWORD, TELEVISION, Home, home, lookup
from tests.support.promise import SPEC, keeps, operations, validate

OPERATIONS = operations()
CHANGING = [name for name, (method, _, _) in OPERATIONS.items() if method != "GET"]
WITH_BODY = [name for name, (_, _, said) in OPERATIONS.items() if "requestBody" in said]
GOOD: dict[str, list[dict[str, Any]]] = {
    "getStatus": [{}],
    "getLookups": [
        {},
        {"query": {"device": TELEVISION, "name": "*.samsung.com", "company": "Samsung Ads", "category": "advertising"}},
        {"query": {"verdict": "block", "since": "2026-11-23T18:00:00Z", "until": "2026-11-24T18:00:00+01:00"}},
        {"query": {"limit": "1", "before": "2", "client": "192.168.4.20"}},
    ],
    "getStream": [{}, {"query": {"after": "1", "verdict": "block"}}],
    "getOverview": [{}, {"query": {"hours": "168", "device": TELEVISION}}],
    "getDevices": [{}],
    "getDevice": [{"id": TELEVISION}],
    "changeDevice": [{"id": TELEVISION, "json": {"name": "Kitchen", "kind": "television"}}],
    "getCompanies": [{}, {"query": {"limit": "1", "since": "2026-11-23T18:00:00Z", "until": "2026-11-24T18:00:00Z"}}],
    "getCompany": [{"name": "Samsung Ads"}],
    "getNames": [{}, {"query": {"company": "Samsung Ads", "category": "acr", "device": TELEVISION, "limit": "5"}}],
    "getExchanges": [{}, {"query": {"device": TELEVISION, "limit": "5"}}],
    "getDetours": [{}, {"query": {"device": TELEVISION, "since": "2026-11-23T18:00:00Z"}}],
    "explain": [{"query": {"name": "ADS.Samsung.com.", "device": TELEVISION}}],
    "getRules": [{}],
    "addRule": [
        {"json": {"action": "block", "name": "ads.samsung.com", "subtree": True, "device": None, "seconds": None}},
        {"json": {"action": "allow", "company": "Samsung Ads", "device": TELEVISION, "seconds": 900}},
        {"json": {"action": "block", "category": "acr", "comment": "not in this home"}},
        {"json": {"action": "block", "everything": True, "device": TELEVISION}},
        {"json": {"action": "block", "preset": "calm"}},
        {"json": {"action": "allow", "preset": "off", "device": TELEVISION, "seconds": 900}},
    ],
    "getPresets": [{}],
    "getServices": [{}],
    "removeRule": [{"id": "1"}],
    "pause": [{"json": {"seconds": 300}}, {"json": {"seconds": 0, "device": TELEVISION}}],
    "setIsolation": [{"json": {"isolated": True}}, {"json": {"isolated": False}}],
    "getLists": [{}],
    "addList": [{"json": {"url": "https://lists.example/a.txt"}}, {"json": {"source": "http://lists.example/b.txt"}}],
    "removeList": [{"id": "2"}],
    "acceptList": [{"id": "2"}],
    "refreshLists": [{}],
    "changePassword": [{"json": {"old": PASSWORD, "new": "battery staple"}}],
    "getSpecificationAsJson": [{}],
    "getSpecificationAsYaml": [{}],
    "getMetrics": [{}],
    "getHealth": [{}],
}
# A stream opens and says by an event that the resolver is away; a password needs neither of the two.
KEEPS_GOING = ("getStream", "changePassword")
BAD: list[tuple[str, int, str | None, dict[str, Any]]] = [
    ("getStatus", 400, "verbose", {"query": {"verbose": "1"}}),
    ("getLookups", 400, "limit", {"query": {"limit": "0"}}),
    ("getLookups", 400, "limit", {"query": {"limit": "ten"}}),
    ("getLookups", 400, "limit", {"query": "limit=1&limit=2"}),
    ("getLookups", 400, "compnay", {"query": {"compnay": "x"}}),
    ("getLookups", 400, "since", {"query": {"since": "yesterday"}}),
    ("getLookups", 400, "since", {"query": {"since": "2026-11-23T18:00:00"}}),
    ("getLookups", 400, "since", {"query": {"since": "0001-01-01T00:00:00+23:00"}}),
    ("getLookups", 400, "since", {"query": {"since": "2026-11-23T18:00:00Z", "until": "2026-11-23T17:00:00Z"}}),
    ("getLookups", 400, "category", {"query": {"category": "adverts"}}),
    ("getLookups", 400, "verdict", {"query": {"verdict": "denied"}}),
    ("getLookups", 400, "name", {"query": {"name": "a\nb"}}),
    ("getLookups", 400, "before", {"query": {"before": "nonsense"}}),
    ("getStream", 400, "after", {"query": {"after": "-1"}}),
    ("getOverview", 400, "hours", {"query": {"hours": "99999999"}}),
    ("getDevices", 400, "x", {"query": {"x": "1"}}),
    ("getDevice", 400, "x", {"id": TELEVISION, "query": {"x": "1"}}),
    ("getDevice", 404, "id", {"id": "mac:00:00:00:00:00:00"}),
    ("changeDevice", 404, "id", {"id": "mac:00:00:00:00:00:00", "json": {"name": "x"}}),
    ("changeDevice", 400, "name", {"id": TELEVISION, "json": {}}),
    ("changeDevice", 400, "name", {"id": TELEVISION, "json": {"name": "x" * 65}}),
    ("changeDevice", 400, "name", {"id": TELEVISION, "json": {"name": "\u202e"}}),
    ("getCompanies", 400, "since", {"query": {"since": "2020-01-01T00:00:00Z"}}),
    ("getCompany", 404, "name", {"name": "Nobody & Sons"}),
    ("getCompany", 400, "until", {"name": "Samsung Ads", "query": {"until": "soon"}}),
    ("getNames", 400, "category", {"query": {"category": "x"}}),
    ("getExchanges", 400, "limit", {"query": {"limit": "0"}}),
    ("getDetours", 400, "x", {"query": {"x": "1"}}),
    ("explain", 400, "name", {}),
    ("explain", 400, "name", {"query": {"name": "."}}),
    ("explain", 400, "name", {"query": {"name": "a..b"}}),
    ("explain", 400, "device", {"query": {"name": "a.b", "device": "nobody"}}),
    ("getRules", 400, "x", {"query": {"x": "1"}}),
    ("addRule", 400, "action", {"json": {"name": "a.b"}}),
    ("addRule", 400, "action", {"json": {"action": "deny", "name": "a.b"}}),
    ("addRule", 400, "name", {"json": {"action": "block"}}),
    ("addRule", 400, "company", {"json": {"action": "block", "name": "a.b", "company": "A"}}),
    ("addRule", 400, "trackers", {"json": {"action": "block", "service": "A", "trackers": "A"}}),
    ("getServices", 400, "x", {"query": {"x": "1"}}),
    ("addRule", 400, "name", {"json": {"action": "block", "name": 7}}),
    ("addRule", 400, "name", {"json": {"action": "block", "name": "\ud800.com"}}),
    ("addRule", 400, "category", {"json": {"action": "block", "category": "ads"}}),
    ("addRule", 400, "subtree", {"json": {"action": "block", "name": "a.b", "subtree": "yes"}}),
    ("addRule", 400, "subtree", {"json": {"action": "block", "company": "A", "subtree": True}}),
    ("addRule", 400, "seconds", {"json": {"action": "block", "name": "a.b", "seconds": 0}}),
    ("addRule", 400, "seconds", {"json": {"action": "block", "name": "a.b", "seconds": True}}),
    ("addRule", 400, "seconds", {"json": {"action": "block", "name": "a.b", "seconds": 1.5}}),
    ("addRule", 400, "seconds", {"json": {"action": "block", "name": "a.b", "seconds": "5"}}),
    ("addRule", 400, "everything", {"json": {"action": "block", "everything": True}}),
    ("addRule", 400, "everything", {"json": {"action": "allow", "everything": True, "device": TELEVISION}}),
    ("addRule", 400, "device", {"json": {"action": "block", "name": "a.b", "device": "nobody"}}),
    ("addRule", 400, "colour", {"json": {"action": "block", "name": "a.b", "colour": "red"}}),
    ("addRule", 400, None, {"json": ["block"]}),
    ("addRule", 400, "preset", {"json": {"action": "block", "preset": "loud"}}),
    ("addRule", 400, "preset", {"json": {"action": "block", "preset": 3}}),
    ("addRule", 400, "preset", {"json": {"action": "block", "name": "a.b", "preset": "calm"}}),
    ("addRule", 400, "action", {"json": {"action": "allow", "preset": "calm"}}),
    ("getPresets", 400, "x", {"query": {"x": "1"}}),
    ("removeRule", 404, "id", {"id": "999"}),
    ("removeRule", 400, "x", {"id": "1", "query": {"x": "1"}}),
    ("pause", 400, "seconds", {"json": {}}),
    ("pause", 400, "seconds", {"json": {"seconds": -1}}),
    ("setIsolation", 400, "isolated", {"json": {}}),
    ("setIsolation", 400, "isolated", {"json": {"isolated": "yes"}}),
    ("setIsolation", 400, "x", {"json": {"isolated": True}, "query": {"x": "1"}}),
    ("getLists", 400, "x", {"query": {"x": "1"}}),
    ("addList", 400, "url", {"json": {}}),
    ("addList", 400, "url", {"json": {"url": "https://a.example", "source": "https://a.example"}}),
    ("addList", 400, "source", {"json": {"source": "/etc/shadow"}}),
    ("addList", 400, "url", {"json": {"url": "file:///etc/shadow"}}),
    ("addList", 400, "url", {"json": {"url": "https://"}}),
    ("addList", 400, "url", {"json": {"url": "https://user:secret@a.example/"}}),
    ("addList", 400, "url", {"json": {"url": "http://[::1"}}),
    ("addList", 400, "action", {"json": {"url": "https://a.example/", "action": "deny"}}),
    ("removeList", 404, "id", {"id": "999"}),
    ("removeList", 400, "x", {"id": "2", "query": {"x": "1"}}),
    ("acceptList", 404, "id", {"id": "999"}),
    ("acceptList", 400, "id", {"id": "3"}),
    ("acceptList", 400, "x", {"id": "2", "query": {"x": "1"}}),
    ("refreshLists", 400, "x", {"query": {"x": "1"}}),
    ("changePassword", 400, "new", {"json": {"old": PASSWORD, "new": "short"}}),
    ("changePassword", 400, "old", {"json": {"new": "long enough"}}),
    ("changePassword", 403, "old", {"json": {"old": "wrong horse", "new": "battery staple"}}),
    ("getMetrics", 400, "x", {"query": {"x": "1"}}),
]


@pytest.fixture
def at_home(tmp_path: Path) -> Home:
    made = home(tmp_path)
    made.reader.stored = [lookup(1), lookup(2, verdict="allow", reason="no rule", company=None, lists=())]
    made.control.do_rules_add(action="block", name="a.b", device=None, seconds=None, made_by="tests", comment="")
    for letter in "zy":
        source = f"https://lists.example/{letter}.txt"
        made.control.do_lists_add(source=source, title=letter, action="block", comment="")
    made.control.lists[2]["shrinking"] = {"before": 20_000, "entries": 1}
    return made


def ask(at_home: Home, operation: str, case: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    method, path, _ = OPERATIONS[operation]
    for key in re.findall(r"{(\w+)}", path):
        path = path.replace("{" + key + "}", str(case.get(key, "1")))
    client = at_home.owner()
    options = {"json": case["json"]} if "json" in case else {}
    return client.open(
        path, method=method, query_string=case.get("query"), headers=ORIGIN if headers is None else headers, **options
    )


def body_of(operation: str) -> dict[str, Any]:
    return GOOD[operation][0]


def test_the_specification_and_the_routes_name_the_same_operations(at_home: Home) -> None:
    routes = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in at_home.app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith(("/api/v1", "/metrics", "/healthz")) and method not in ("HEAD", "OPTIONS")
    }
    promised = {(method, re.sub(r"{\w+}", "{}", path)) for method, path, _ in OPERATIONS.values()}
    assert routes == promised


def test_every_operation_is_tried() -> None:
    assert set(GOOD) == set(OPERATIONS)


@pytest.mark.parametrize(("operation", "case"), [(name, case) for name, cases in GOOD.items() for case in cases])
def test_a_right_request_gets_the_promised_answer(at_home: Home, operation: str, case: dict[str, Any]) -> None:
    answer = ask(at_home, operation, case)
    assert answer.status_code < 300, answer.text if not answer.is_streamed else answer.status
    if operation == "getStream":
        assert answer.mimetype == "text/event-stream"
        answer.close()
    else:
        keeps(answer, operation)


@pytest.mark.parametrize(("operation", "status", "field", "case"), BAD)
def test_a_wrong_request_hears_what_is_wrong(
    at_home: Home, operation: str, status: int, field: str | None, case: dict[str, Any]
) -> None:
    before = len(at_home.control.rules), len(at_home.control.lists)
    answer = ask(at_home, operation, case)
    keeps(answer, operation)
    assert answer.status_code == status
    assert answer.json.get("field") == field
    assert re.fullmatch(r"[A-Za-z].*[.]", answer.json["error"]), "one sentence"
    assert (len(at_home.control.rules), len(at_home.control.lists)) == before


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "getHealth"])
def test_nobody_gets_in_without_a_login(at_home: Home, operation: str) -> None:
    method, path, _ = OPERATIONS[operation]
    answer = at_home.visitor().open(path, method=method, headers=ORIGIN)
    keeps(answer, operation)
    assert answer.status_code == 401
    assert not at_home.control.asked


@pytest.mark.parametrize("operation", CHANGING)
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_changes_nothing(at_home: Home, operation: str, headers: dict[str, str]) -> None:
    answer = ask(at_home, operation, body_of(operation), headers)
    keeps(answer, operation)
    assert answer.status_code == 403
    assert not at_home.control.asked


@pytest.mark.parametrize("operation", WITH_BODY)
def test_a_body_that_is_not_json_is_refused(at_home: Home, operation: str) -> None:
    method, path, _ = OPERATIONS[operation]
    client = at_home.owner()
    path = path.replace("{id}", TELEVISION)
    form = client.open(path, method=method, headers=ORIGIN, data={"action": "block"})
    keeps(form, operation)
    assert form.status_code == 415
    for broken in (b"{", b"[" * 60000, b'{"name": "\xff"}', b'{"a": ' + b"9" * 5000 + b"}", b"null", b'"x"'):
        answer = client.open(path, method=method, headers=ORIGIN, data=broken, content_type="application/json")
        keeps(answer, operation)
        assert answer.status_code == 400


@pytest.mark.parametrize("operation", WITH_BODY)
def test_a_body_that_is_too_large_is_refused(at_home: Home, operation: str) -> None:
    method, path, _ = OPERATIONS[operation]
    answer = at_home.owner().open(
        path.replace("{id}", TELEVISION), method=method, headers=ORIGIN, json={"name": "x" * 70000}
    )
    keeps(answer, operation)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "operation",
    [name for name, (_, _, said) in OPERATIONS.items() if "503" in said["responses"] and name not in KEEPS_GOING],
)
def test_without_resolver_and_journal_the_answer_is_a_sentence(at_home: Home, operation: str) -> None:
    at_home.control.asleep = at_home.reader.broken = True
    answer = ask(at_home, operation, body_of(operation))
    keeps(answer, operation)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("schema", "key", "words"),
    [
        ("Action", None, Action),
        ("Category", None, Category),
        ("Party", None, Party),
        ("Need", None, Need),
        ("Reason", None, Reason),
        ("Lookup", "source", Source),
    ],
)
def test_the_specification_knows_every_word_of_the_model(schema: str, key: str | None, words: type[Enum]) -> None:
    said = SPEC["components"]["schemas"][schema]
    assert sorted((said["properties"][key] if key else said)["enum"]) == sorted(word.value for word in words)


def test_the_specification_knows_every_preset() -> None:
    assert SPEC["components"]["schemas"]["Preset"]["enum"] == [PRESET_OFF, *PRESETS]


def test_the_examples_are_what_they_are_examples_of() -> None:
    for name, schema in SPEC["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            validate(json.loads(json.dumps(example)), "components", "schemas", name)


def test_every_operation_is_described_for_people() -> None:
    tags = {tag["name"] for tag in SPEC["tags"]}
    for _, path, said in OPERATIONS.values():
        assert said["summary"]
        assert set(said["tags"]) <= tags
        for parameter in (*said.get("parameters", ()), *SPEC["paths"][path].get("parameters", ())):
            name = parameter.get("$ref", "").rpartition("/")[2]
            assert (SPEC["components"]["parameters"][name] if name else parameter)["description"]


def test_every_schema_of_a_request_has_the_fields_that_the_application_reads(at_home: Home) -> None:
    for operation in WITH_BODY:
        place = OPERATIONS[operation][2]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        promised = SPEC["components"]["schemas"][place.rpartition("/")[2]]["properties"]
        method, path, _ = OPERATIONS[operation]
        answer = at_home.owner().open(
            path.replace("{id}", TELEVISION), method=method, headers=ORIGIN, json={"no such field": 1}
        )
        known = re.search(r"known are: (.*)\.", answer.json["error"])
        assert known
        assert set(known[1].split(", ")) == set(promised)


def test_every_list_of_parameters_is_the_one_that_the_application_reads(at_home: Home) -> None:
    for operation, (method, path, said) in OPERATIONS.items():
        if method != "GET" or "400" not in said["responses"]:
            continue
        promised = set()
        for parameter in said.get("parameters", ()):
            name = parameter.get("$ref", "").rpartition("/")[2]
            whole = SPEC["components"]["parameters"][name] if name else parameter
            if whole["in"] == "query":
                promised.add(whole["name"])
        answer = ask(at_home, operation, {**GOOD[operation][0], "query": {"no_such": "1"}})
        known = re.search(r"known are: (.*)\.", answer.json["error"])
        assert known, path
        assert set(known[1].split(", ")) - {"none"} == promised, path
