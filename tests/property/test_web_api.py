"""Whatever is asked: never a 500, never a page, always what openapi.yaml promises."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.schema.texts import MAX_SECONDS
from tests.support.dashboard import TELEVISION, Home, home
from tests.support.promise import SPEC, keeps, operations
from web.security import is_home_address, is_own_host, local_path

OPERATIONS = {
    name: said
    for name, said in operations().items()
    if name not in ("getStream", "getHealth", "getSpecificationAsJson", "getSpecificationAsYaml", "changePassword")
}
QUERY_NAMES = sorted(
    {
        parameter["name"]
        for _, _, said in operations().values()
        for each in said.get("parameters", ())
        for parameter in [SPEC["components"]["parameters"].get(each.get("$ref", "").rpartition("/")[2], each)]
    }
)
BODY_NAMES = sorted(
    {
        name
        for schema in ("NewRule", "NewPause", "NewList", "DeviceChange")
        for name in SPEC["components"]["schemas"][schema]["properties"]
    }
)
hostile = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", " ", "\x00", "*", "*.*", "%", "../..", "'--", "<img onerror=x>", "\ud800", "\u202e", "a" * 300, "9" * 30,
         "-1", "1e9", "2026-11-23T20:15:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "block",
         "acr", TELEVISION, "file:///etc/passwd", "https://[", "https://a.example/", "ads.samsung.com", "1", "50"]
    ),
)  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), hostile),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)

objects = st.dictionaries(st.one_of(st.sampled_from(BODY_NAMES), st.text(max_size=5)), values, max_size=5)


@pytest.fixture(scope="module")
def at_home() -> Home:
    return home(Path(tempfile.mkdtemp()))


@pytest.fixture(scope="module")
def program(at_home: Home) -> FlaskClient:
    client = at_home.visitor()
    client.environ_base["HTTP_AUTHORIZATION"] = at_home.token()["Authorization"]
    return client


def speakable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from([name for name, (method, _, _) in OPERATIONS.items() if method == "GET"]),
    query=st.lists(st.tuples(st.one_of(st.sampled_from(QUERY_NAMES), st.text(max_size=8)), hostile), max_size=4),
    part=hostile,
)
def test_no_query_breaks_anything(
    program: FlaskClient, operation: str, query: list[tuple[str, str]], part: str
) -> None:
    method, path, _ = OPERATIONS[operation]
    part = re.sub(r"[/?#.\\]|^\s*$", "x", speakable(part)) or "x"
    path = re.sub(r"{\w+}", lambda _: part, path)
    answer = program.open(path, method=method, query_string=[(speakable(k), speakable(v)) for k, v in query])
    keeps(answer, operation)
    assert answer.status_code in (200, 400, 404)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from([name for name, (_, _, said) in OPERATIONS.items() if "requestBody" in said]),
    body=st.one_of(objects, values),
)
def test_no_body_breaks_anything(program: FlaskClient, operation: str, body: Any) -> None:
    method, path, _ = OPERATIONS[operation]
    said = json.dumps(body)
    answer = program.open(path.replace("{id}", TELEVISION), method=method, data=said, content_type="application/json")
    keeps(answer, operation)
    assert answer.status_code in (200, 201, 400)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from([name for name, (_, _, said) in OPERATIONS.items() if "requestBody" in said]),
    body=st.binary(max_size=200),
)
def test_no_bytes_break_anything(program: FlaskClient, operation: str, body: bytes) -> None:
    method, path, _ = OPERATIONS[operation]
    answer = program.open(path.replace("{id}", TELEVISION), method=method, data=body, content_type="application/json")
    keeps(answer, operation)
    assert answer.status_code in (200, 201, 400)


rules = st.fixed_dictionaries(
    {"action": st.sampled_from(["block", "allow"])},
    optional={
        "name": st.from_regex(r"(\*\.)?[a-zA-Z0-9-]{1,20}(\.[a-z]{2,6}){1,3}\.?", fullmatch=True),
        "subtree": st.booleans(),
        "device": st.sampled_from([None, TELEVISION]),
        "seconds": st.one_of(st.none(), st.integers(1, MAX_SECONDS)),
        "comment": st.text(st.characters(categories=("L", "N", "P")), max_size=255),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=rules)
def test_a_rule_that_was_made_can_be_read_and_removed(
    at_home: Home, program: FlaskClient, rule: dict[str, Any]
) -> None:
    answer = program.post("/api/v1/rules", json=rule)
    keeps(answer, "addRule")
    if "name" not in rule:
        assert answer.status_code == 400
        return
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made["name"] == rule["name"].removeprefix("*.").removesuffix(".").lower()
    assert made["subtree"] == (rule.get("subtree", False) or rule["name"].startswith("*."))
    assert made in program.get("/api/v1/rules").json["rules"]
    assert program.delete(answer.headers["Location"]).json == made
    assert program.delete(answer.headers["Location"]).status_code == 404
    assert not at_home.control.rules


@given(host=st.one_of(st.text(max_size=40), st.from_regex(r"[a-z0-9.:@\[\]/-]{0,40}", fullmatch=True)))
def test_no_host_breaks_the_gate_and_none_that_is_a_strange_name_gets_in(host: str) -> None:
    if is_own_host(host, frozenset({"localhost"})):
        bare = host.rpartition(":")[0] if re.search(r":\d*$", host) and not host.endswith("]") else host
        name = bare.strip("[]").rstrip(".").lower()
        assert name == "localhost" or re.fullmatch(r"[0-9a-f.:]+(%.*)?", name), host


@given(client=st.text(max_size=40))
def test_no_address_breaks_the_gate(client: str) -> None:
    assert is_home_address(client) in (True, False)


@given(wanted=st.text(max_size=40))
def test_a_login_never_leads_away(wanted: str) -> None:
    path = local_path(wanted)
    assert re.match(r"/(?![/\\])", path)
    assert "\\" not in path
    assert path.isprintable()
