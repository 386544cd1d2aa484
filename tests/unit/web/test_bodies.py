"""A body is one JSON object of a declared kind; an address in it leads to the web and nowhere else."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from gateway.errors import Refused
from gateway.schema.requests import NewPause
from web.api.fields import body, web_address


def sent(data: str | bytes, kind: str | None = "application/json") -> NewPause:
    with Flask(__name__).test_request_context("/", method="POST", data=data, content_type=kind):
        return body(NewPause)


def test_a_body_is_the_message_that_it_is() -> None:
    assert sent('{"seconds": 60, "device": "mac:aa"}') == NewPause(seconds=60, device="mac:aa")
    assert sent('{"seconds": 60}', "application/json; charset=utf-8") == NewPause(seconds=60)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json5", "application/x+json"]
)
def test_what_is_not_called_json_is_not_read(kind: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        sent('{"seconds": 60}', kind)


@pytest.mark.parametrize("data", ["", "{", "nothing", b"\xff\xfe"])
def test_what_is_no_json_is_a_bad_request(data: str | bytes) -> None:
    with pytest.raises(BadRequest):
        sent(data)


@pytest.mark.parametrize("data", ["[]", "7", "null", '"seconds"'])
def test_what_is_no_object_is_refused(data: str) -> None:
    with pytest.raises(Refused, match="The body is one JSON object"):
        sent(data)


def test_a_body_that_nests_without_end_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        sent("[" * 200_000)
    assert refusal.value.code == "dashboard.body-nests-too"


@pytest.mark.parametrize(
    "said",
    [
        "https://lists.example/ads.txt",
        "http://192.0.2.7:8080/x",
        "https://lists.example:65535",
        "http://[2001:db8::1]/",
    ],
)
def test_an_address_of_the_web_is_taken_as_it_stands(said: str) -> None:
    assert web_address(said, "url") == said


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("/etc/passwd", "address-begins-https"),
        ("file:///etc/passwd", "address-begins-https"),
        ("ftp://lists.example/", "address-begins-https"),
        ("https://", "address-begins-https"),
        ("https:///path", "address-begins-https"),
        ("https://lists.example:0/", "address-begins-https"),
        ("https://lists.example:65536/", "address-begins-https"),
        ("https://lists.example:x/", "address-begins-https"),
        ("https://lists.example/a b", "address-begins-https"),
        ("https://lists.example\\@evil.example/", "address-begins-https"),
        ("http://[::1", "address-begins-https"),
        ("https://me@lists.example/", "must-not-hold"),
        ("https://:secret@lists.example/", "must-not-hold"),
        ("https://me:secret@lists.example/", "must-not-hold"),
    ],
)
def test_whatever_else_is_refused_with_its_field(said: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        web_address(said, "source")
    assert refusal.value.code == f"dashboard.{code}"
    assert refusal.value.field == "source"
    assert str(refusal.value).startswith("source ")


def test_the_fields_of_a_message_are_checked_here_too() -> None:
    for wrong, field in (
        ({"seconds": -1}, "seconds"), ({"seconds": "60"}, "seconds"), ({}, "seconds"), ({"seconds": 1, "x": 1}, "x"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            sent(json.dumps(wrong))
        assert refusal.value.field == field
