"""Client and server speak over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.catalogue.sentences import OTHER, Notice
from gateway.control.client import ControlClient, connect_unix
from gateway.control.codec import encode_line
from gateway.control.hub import Hub
from gateway.control.messages import MAX_LINE
from gateway.control.server import ControlServer
from gateway.errors import ListError, Refused, Unavailable
from gateway.model.event import HealthChanged, LookupRecorded
from gateway.model.lookup import Lookup


def _refuse(_: Mapping[str, Any]) -> None:
    raise Refused("Say a name.", "name")


def _fail(_: Mapping[str, Any]) -> None:
    raise ListError("The list is empty.")


def _crash(_: Mapping[str, Any]) -> None:
    raise ZeroDivisionError


async def _slow(arguments: Mapping[str, Any]) -> Any:
    await asyncio.sleep(0.01)
    return arguments["say"]


class Running:
    """A control server on a loop of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hub = Hub()
        self.loop = asyncio.new_event_loop()
        self.hub.attach(self.loop)
        much = {"say much": lambda arguments: "x" * (arguments["mebibytes"] << 20)}
        handlers = much | {"echo": dict, "slow": _slow, "refuse": _refuse, "fail": _fail, "crash": _crash}
        self.server = ControlServer(path, handlers, self.hub)
        self.loop.run_until_complete(self.server.start())
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path / ("deep" * 40) / "control.sock")
    yield server
    server.stop()


def test_a_verb_is_answered_even_at_a_very_long_path(running: Running) -> None:
    assert len(str(running.path)) > 108
    client = ControlClient(running.path)
    assert client.call("echo", a=1) == {"a": 1}
    assert client.call("slow", say="ä") == "ä"


def test_a_refusal_keeps_its_sentence_and_its_field(running: Running) -> None:
    with pytest.raises(Refused, match=r"Say a name\.") as refusal:
        ControlClient(running.path).call("refuse")
    assert refusal.value.field == "name"
    with pytest.raises(Unavailable, match=r"The list is empty\."):
        ControlClient(running.path).call("fail")
    with pytest.raises(Refused, match="no verb"):
        ControlClient(running.path).call("dance")


@pytest.mark.expects_log("control verb crash failed")
def test_a_crash_inside_a_verb_leaves_the_server_running(running: Running) -> None:
    with pytest.raises(Unavailable):
        ControlClient(running.path).call("crash")
    assert ControlClient(running.path).call("echo") == {}


@pytest.mark.parametrize(
    "junk", [b"\n", b"null\n", b"{\n", b"\xff\n", b'{"verb": 1}\n', b'{"verb":"echo","arguments":[]}\n']
)
def test_junk_is_refused_and_the_connection_goes_on(running: Running, junk: bytes) -> None:
    with connect_unix(running.path, 2) as connection:
        connection.sendall(junk + b'{"verb":"echo"}\n')
        lines = connection.makefile("rb")
        assert b'"refused"' in lines.readline()
        assert lines.readline() == b'{"ok":true,"result":{}}\n'


def test_an_endless_line_is_cut_off(running: Running) -> None:
    with connect_unix(running.path, 5) as connection:
        try:
            connection.sendall(b"x" * (3 << 20))
            assert connection.recv(100) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert ControlClient(running.path).call("echo") == {}


def test_a_reply_may_be_longer_than_a_request_but_not_endless(running: Running) -> None:
    assert len(ControlClient(running.path, timeout=30).call("say much", mebibytes=9)) == 9 << 20
    with pytest.raises(Unavailable, match="more than one reply"):
        ControlClient(running.path, timeout=30).call("say much", mebibytes=16)


def test_the_line_of_an_event_is_never_longer_than_a_client_reads(running: Running) -> None:
    lookups = tuple(long_lookup(number) for number in range(400))
    events = ControlClient(running.path).subscribe()
    next(events)
    running.hub.publish_from_thread(LookupRecorded(lookups, 3))
    event = next(events)
    assert event is not None
    assert len(encode_line(event)) <= MAX_LINE
    assert len(encode_line(event)) > MAX_LINE * 0.9, "no more is left out than must be"
    assert event["lookups"][-1]["id"] == 399, "the newest are kept"
    assert len(event["lookups"]) + event["left_out"] == 403
    assert {len(each["targets"]) for each in event["lookups"]} == {8}
    running.hub.publish_from_thread(HealthChanged("journal", False, Notice(OTHER, sentence="x" * MAX_LINE)))
    assert next(events) == {"event": "gap"}


def long_lookup(number: int) -> Lookup:
    name = ".".join(["\\000" * 60] * 4)
    return Lookup(
        id=number, time=datetime(2026, 11, 23, tzinfo=UTC), name=name, type="A", device="ip:10.0.0.1",
        device_name="", client="10.0.0.1", verdict="allow", reason="nothing", company="", category="", party="",
        source="upstream", rcode="NOERROR", latency_ms=1.0, targets=(name,) * 16,
    )  # fmt: skip


def test_a_subscriber_sees_what_happens_after_hello(running: Running) -> None:
    events = ControlClient(running.path).subscribe()
    assert next(events) == {"event": "hello"}
    assert running.hub.has_listeners()
    running.hub.publish_from_thread(HealthChanged("upstream", False, Notice("upstream.silent", url="udp://192.0.2.1")))
    assert next(events) == {
        "event": "health",
        "part": "upstream",
        "healthy": False,
        "severity": "warning",
        "code": "upstream.silent",
        "arguments": {"url": "udp://192.0.2.1"},
        "since": None,
    }


def test_a_subscriber_that_does_not_read_loses_events_and_is_informed(running: Running) -> None:
    with connect_unix(running.path, 5) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b'{"verb":"subscribe"}\n')
        stream = connection.makefile("rb")
        assert stream.readline() == b'{"event":"hello"}\n'
        for _ in range(2000):
            running.hub.publish_from_thread(HealthChanged("journal", True, Notice(OTHER, sentence="x" * 2000)))
        running.hub.publish_from_thread(HealthChanged("last", True, Notice("last")))
        seen = [stream.readline() for _ in range(20)]
        while b'"last"' not in seen[-1]:
            seen.append(stream.readline())
        assert b'{"event":"gap"}\n' in seen
        assert len(seen) < 2000


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is Telltale running"):
        ControlClient(tmp_path / "none.sock").call("status")
    with pytest.raises(Unavailable):
        next(ControlClient(tmp_path / "no" / "folder.sock").subscribe())


def test_a_subscriber_learns_that_the_resolver_has_gone(tmp_path: Path) -> None:
    server = Running(tmp_path / "c.sock")
    events = ControlClient(tmp_path / "c.sock").subscribe()
    next(events)
    server.stop()
    with pytest.raises(Unavailable):
        next(events)
