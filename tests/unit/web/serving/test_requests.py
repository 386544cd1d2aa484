"""What a client says becomes variables; what only we know cannot be said by a client."""

from __future__ import annotations

import h11
import pytest

from web.serving.requests import Unfit, check, environ


def made(target: str = "/", method: str = "GET", **headers: str) -> h11.Request:
    fields = [("Host", "box"), *((name.replace("__", "-"), value) for name, value in headers.items())]
    return h11.Request(method=method, target=target, headers=fields)


def variables(request: h11.Request, body: bytes = b"") -> dict[str, object]:
    return environ(request, body, ("192.0.2.7", 4711), ("192.0.2.1", 80))


def test_a_request_becomes_the_variables_of_the_standard() -> None:
    said = variables(made("/a%20b/%C3%A9?x=%20&y", "POST", Content__Type="text/x", Accept="*/*"), b"body")
    assert (said["REQUEST_METHOD"], said["PATH_INFO"], said["QUERY_STRING"]) == ("POST", "/a b/\xc3\xa9", "x=%20&y")
    assert (said["CONTENT_TYPE"], said["CONTENT_LENGTH"], said["HTTP_ACCEPT"]) == ("text/x", "4", "*/*")
    assert (said["REMOTE_ADDR"], said["SERVER_NAME"], said["SERVER_PORT"]) == ("192.0.2.7", "192.0.2.1", "80")
    assert said["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert said["wsgi.input"].read() == b"body"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script_Name", "REMOTE_ADDR", "wsgi.url_scheme", "PATH_INFO", "X_Y"])
def test_a_header_never_stands_for_what_only_we_know(name: str) -> None:
    said = variables(made(**{name: "/evil"}))
    assert said["SCRIPT_NAME"] == ""
    assert said["REMOTE_ADDR"] == "192.0.2.7"
    assert said["PATH_INFO"] == "/"
    assert said["wsgi.url_scheme"] == "http"
    assert not [key for key in said if key.startswith("HTTP_") and "_" in key[5:]]


def test_a_header_that_is_repeated_is_one_list() -> None:
    request = h11.Request(
        method="GET",
        target="/",
        headers=[("Host", "box"), ("A", "1"), ("A", "2"), ("Cookie", "c=1"), ("Cookie", "d=2")],
    )
    said = variables(request)
    assert (said["HTTP_A"], said["HTTP_COOKIE"]) == ("1,2", "c=1; d=2")


def test_the_absolute_form_says_which_host_is_meant() -> None:
    said = variables(made("http://other.example:8080/x?y"))
    assert (said["HTTP_HOST"], said["PATH_INFO"], said["QUERY_STRING"]) == ("other.example:8080", "/x", "y")
    assert variables(made("http://other.example"))["PATH_INFO"] == "/"


@pytest.mark.parametrize("target", ["*", "box:80", "ftp://box/", "http://[", "http:///x", "x"])
def test_a_target_that_is_no_address_of_ours_is_refused(target: str) -> None:
    with pytest.raises(Unfit) as unfit:
        variables(made(target))
    assert unfit.value.status == 400


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(Unfit) as unfit:
        check(made(Content__Length=str(64 * 1024 + 1)))
    assert unfit.value.status == 413
    with pytest.raises(Unfit) as unfit:
        check(h11.Request(method="GET", target="/", headers=[("Host", "box"), *[("A", "b")] * 64]))
    assert unfit.value.status == 431
    check(made(Content__Length=str(64 * 1024)))


def test_a_request_that_says_its_length_in_two_ways_is_refused() -> None:
    both = [("Host", "box"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
    with pytest.raises(Unfit) as unfit:
        check(h11.Request(method="POST", target="/", headers=both))
    assert unfit.value.status == 400
