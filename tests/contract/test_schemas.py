"""openapi.yaml comes first; the messages that the code declares are what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway.schema import requests
from gateway.schema.checking import Message

SPEC = yaml.safe_load((Path(__file__).resolve().parents[2] / "web" / "api" / "openapi.yaml").read_text())
SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]
BODIES = {
    "NewRule": requests.NewRule,
    "NewPause": requests.NewPause,
    "DeviceChange": requests.DeviceChange,
    "Isolation": requests.NetworkIsolate,
    "NewList": requests.NewList,
    "NewPassword": requests.NewPassword,
}
# How long a password may be is checked where it is set, for the command line too.
LOOSER = {("NewPassword", "new", "maxLength"), ("NewPassword", "old", "maxLength")}


def bodies() -> set[str]:
    """The schemas of all bodies that the API takes."""
    found = set()
    for operations in SPEC["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                found.add(schema["$ref"].rpartition("/")[2])
    return found


def limits(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What a schema allows, with its references followed: bounds of numbers and texts, and values to choose from."""
    found: dict[str, Any] = {}
    if "$ref" in schema:
        return limits(known[schema["$ref"].rpartition("/")[2]], known)
    for inner in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        if inner.get("type") != "null":
            found |= limits(inner, known)
    found |= {key: schema[key] for key in ("maxLength", "minLength", "minimum", "maximum") if key in schema}
    if "enum" in schema:
        found["enum"] = sorted(value for value in schema["enum"] if value is not None)
    return found


def test_every_body_has_its_message() -> None:
    assert bodies() <= BODIES.keys()


@pytest.mark.parametrize(("name", "message"), BODIES.items(), ids=BODIES)
def test_a_message_is_what_the_specification_says(name: str, message: type[Message]) -> None:
    made = msgspec.json.schema_components([message], ref_template="#/{name}")[1]
    ours, theirs = made[message.__name__], SCHEMAS[name]
    assert ours["properties"].keys() == theirs["properties"].keys()
    assert set(ours.get("required", ())) == set(theirs.get("required", ()))
    for field, schema in ours["properties"].items():
        promised = limits(theirs["properties"][field], SCHEMAS)
        for key, value in limits(schema, made).items():
            if (name, field, key) not in LOOSER and not (key == "minLength" and value == 1):
                assert promised.get(key) == value, f"{name}.{field}: {key}"
