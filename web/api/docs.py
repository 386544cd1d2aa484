"""The API's own description: for programs as it is, for people as a page made here, without any script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from flask import Blueprint, Response, jsonify, render_template

blueprint = Blueprint("api_docs", __name__)

_SOURCE = Path(__file__).with_name("openapi.yaml")
_METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class DocumentedResponse:
    """One way an operation ends; `example` is JSON text, "" where there is none."""

    status: str
    says: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, as the page shows it."""

    id: str
    method: str
    path: str
    title: str
    says: str
    parameters: tuple[Mapping[str, Any], ...]
    body: str
    answers: tuple[DocumentedResponse, ...]


@blueprint.get("/api/v1/openapi.yaml")
def as_yaml() -> Response:
    return Response(_SOURCE.read_bytes(), content_type="application/yaml; charset=utf-8")


@blueprint.get("/api/v1/openapi.json")
def as_json() -> Response:
    return jsonify(specification())


@blueprint.get("/api/docs")
def page() -> Response:
    spec = specification()
    groups: dict[str, tuple[str, list[Operation]]] = {tag["name"]: (tag["description"], []) for tag in spec["tags"]}
    for tag, operation in operations(spec):
        groups[tag][1].append(operation)
    return Response(render_template("entrance/api.html", info=spec["info"], groups=groups))


@cache
def specification() -> dict[str, Any]:
    """`openapi.yaml`, read once."""
    return cast("dict[str, Any]", yaml.safe_load(_SOURCE.read_text("utf-8")))


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Each operation with the tag that it stands under, in the order of the file."""
    for path, item in spec["paths"].items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method in item:
                said = item[method]
                parameters = [_resolved(spec, one) for one in (*shared, *said.get("parameters", ()))]
                answers = [_answer(spec, status, one) for status, one in said["responses"].items()]
                body = _example(spec, said["requestBody"]) if "requestBody" in said else ""
                yield (
                    said["tags"][0],
                    Operation(
                        said["operationId"],
                        method.upper(),
                        path,
                        said["summary"],
                        said.get("description", ""),
                        tuple(parameters),
                        body,
                        tuple(answers),
                    ),
                )


def _answer(spec: dict[str, Any], status: str, value: dict[str, Any]) -> DocumentedResponse:
    answer = _resolved(spec, value)
    return DocumentedResponse(status, answer["description"], _example(spec, answer))


def _example(spec: dict[str, Any], holder: dict[str, Any]) -> str:
    for content in _resolved(spec, holder).get("content", {}).values():
        example = content.get("example")
        if example is None:
            example = _resolved(spec, content.get("schema", {})).get("examples", [None])[0]
        if example is not None:
            return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return ""


def _resolved(spec: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    found: Any = spec
    for key in value["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return _resolved(spec, found)
