"""What openapi.yaml promises, and whether an answer keeps it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from web.api.docs import specification

SPEC = specification()
_BASE = "urn:telltale"
_REGISTRY: Registry[Any] = Registry().with_resource(_BASE, Resource(contents=SPEC, specification=DRAFT202012))


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Operation id to (method, path, operation)."""
    return {
        said["operationId"]: (method.upper(), path, said)
        for path, item in SPEC["paths"].items()
        for method, said in item.items()
        if method != "parameters"
    }


def validate(value: Any, *pointer: str) -> None:
    """Raises jsonschema's error when the value is not what the schema at this place of the specification says."""
    path = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
    schema = {"$ref": f"{_BASE}#/{path}"}
    jsonschema.Draft202012Validator(schema, registry=_REGISTRY).validate(value)


def keeps(answer: TestResponse, operation: str) -> None:
    """Asserts that status, content type and body are among those that the operation promises."""
    method, path, said = operations()[operation]
    status = str(answer.status_code)
    assert status in said["responses"], f"{method} {path} never promised {status}: {answer.text[:300]}"
    place = ["paths", path, method.lower(), "responses", status]
    promised = said["responses"][status]
    if "$ref" in promised:
        place = promised["$ref"].removeprefix("#/").split("/")
        promised = SPEC["components"]["responses"][place[-1]]
    assert answer.mimetype in promised["content"], f"{method} {path} answered {answer.content_type}"
    if answer.mimetype == "application/json":
        validate(json.loads(answer.data), *place, "content", "application/json", "schema")
    for header in promised.get("headers", {}):
        assert header == "Retry-After" or header in answer.headers
