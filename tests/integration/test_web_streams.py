"""The dashboard as it really runs: its own process, a real control socket, a real journal, browsers on loopback."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.control.hub import Hub
from gateway.control.server import ControlServer
from gateway.journal.hooks import Hooks
from gateway.journal.preparation import prepare
from gateway.journal.writer import Writer
from gateway.model.device import Device
from gateway.model.event import LookupRecorded
from gateway.model.lookup import Facts, LogRow
from gateway.model.response import Source
from gateway.model.tag import UNTAGGED
from gateway.model.verdict import ALLOWED
from tests.support.dashboard import FakeControl, lookup
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE, wait_until
from web.auth import AuthStore
from web.stream import MAX_STREAMS

pytestmark = pytest.mark.integration


class Box:
    """The resolver's side: a control server, and a writer that records what is put into `queue`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = Hub()
        self.queue: deque[LogRow] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writer = Writer(
            folder / "journal.sqlite",
            self.queue,
            hooks=Hooks(
                tag=lambda *_: UNTAGGED, device_of=_device, publish=self.hub.publish_from_thread, report=lambda _: None
            ),
        )

    def __enter__(self) -> Box:
        prepare(self.folder / "journal.sqlite")
        self._writer.start()
        self.hub.attach(self._loop)
        self._thread.start()
        fake = FakeControl()
        handlers = {
            "status": lambda _: fake.do_status(),
            "rules.list": lambda _: fake.do_rules_list(),
            "devices.list": lambda _: fake.do_devices_list(),
        }
        self._server = ControlServer(self.folder / "control.sock", handlers, self.hub)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(PATIENCE)
        self._writer.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def look_up(self, name: str) -> None:
        self.queue.append((time.time(), "192.168.4.20", Facts(name, 1, 0, Source.UPSTREAM, ALLOWED), 0.001))


class Dashboard:
    """The dashboard's process, and how a program with a token speaks to it."""

    def __init__(self, folder: Path) -> None:
        self._token = AuthStore(folder / "web.json").create_token("tests")
        self.port = free_port()
        place = f"127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "gateway.daemons.web", "--data", str(folder), "--web", place]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "HOME": str(folder)})

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read().decode()
            Stream(*self.get("/healthz"), begun=False).close()
            return True

        wait_until(up, "the dashboard is up", ignoring=(OSError,))

    def get(self, path: str, timeout: float = PATIENCE) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
        return connection, connection.getresponse()

    def json(self, path: str) -> Any:
        connection, answer = self.get(path)
        body = json.loads(answer.read())
        answer.close()
        connection.close()
        assert answer.status == 200, body
        return body

    def stream(self) -> Stream:
        return Stream(*self.get("/api/v1/stream"))


class Stream:
    """One open page."""

    def __init__(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, begun: bool = True
    ) -> None:
        self._connection = connection
        self.answer = answer
        if begun and answer.status == 200:
            assert answer.readline() == b"retry: 3000\n"
            assert answer.readline() == b": listening\n"

    def next(self) -> tuple[str, dict[str, Any]]:
        kind = ""
        while line := self.answer.readline():
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "event":
                kind = value
            elif key == "data":
                return kind, json.loads(value)
        raise EOFError

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def _device(client: str, _: float) -> Device:
    now = datetime.now(UTC)
    return Device(f"ip:{client}", None, (client,), now, now, name="Living room")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path) as made:
        yield made


@pytest.fixture
def dashboard(tmp_path: Path, box: Box) -> Iterator[Dashboard]:
    made = Dashboard(tmp_path)
    try:
        made.wait_until_up()
        yield made
    finally:
        made.process.send_signal(signal.SIGTERM)
        _, said = made.process.communicate(timeout=PATIENCE)
        assert b"ERROR" not in said, said.decode()
        assert b"Traceback" not in said, said.decode()


def test_a_lookup_is_on_every_open_page(box: Box, dashboard: Dashboard) -> None:
    pages = [dashboard.stream() for _ in range(3)]
    box.look_up("first.example")
    for page in pages:
        kind, data = page.next()
        assert kind == "lookups"
        assert data["lookups"][0]["name"] == "first.example"
    streamed, stored = data["lookups"], dashboard.json("/api/v1/lookups")["lookups"]
    assert streamed == stored, "the stream and the journal say the same in the same words"
    for page in pages:
        page.close()


def test_as_many_open_pages_as_there_may_be_do_not_hold_the_others_up(box: Box, dashboard: Dashboard) -> None:
    assert MAX_STREAMS >= 32
    pages = [dashboard.stream() for _ in range(MAX_STREAMS)]
    refused = dashboard.stream()
    assert refused.answer.status == 503
    assert refused.answer.getheader("Retry-After")
    refused.close()
    for _ in range(20):
        assert dashboard.json("/api/v1/status")["streams"]["open"] == MAX_STREAMS
    box.look_up("seen.by.all.example")
    for page in pages:
        assert page.next()[1]["lookups"][0]["name"] == "seen.by.all.example"
        page.close()


def test_pages_that_were_left_make_room_at_once(dashboard: Dashboard) -> None:
    for _ in range(3 * MAX_STREAMS):
        page = dashboard.stream()
        assert page.answer.status == 200
        page.close()


def test_a_page_that_comes_back_gets_what_it_missed(box: Box, dashboard: Dashboard) -> None:
    page = dashboard.stream()
    box.look_up("seen.example")
    last = page.next()[1]["lookups"][-1]["id"]
    page.close()
    box.look_up("missed.example")
    wait_until(lambda: len(dashboard.json("/api/v1/lookups")["lookups"]) == 2)
    back = Stream(*dashboard.get(f"/api/v1/stream?after={last}"))
    assert [row["name"] for row in back.next()[1]["lookups"]] == ["missed.example"]
    back.close()


def test_a_page_that_never_reads_loses_rows_and_holds_nobody_up(box: Box, dashboard: Dashboard) -> None:
    asleep, awake = dashboard.stream(), dashboard.stream()
    for number in range(200):
        batch = tuple(lookup(number * 200 + one) for one in range(200))
        box.hub.publish_from_thread(LookupRecorded(batch))
        assert awake.next()[1]["lookups"][-1]["id"] == number * 200 + 199
    assert dashboard.json("/api/v1/status")
    while (said := asleep.next())[0] != "gap":
        assert said[0] == "lookups"
    assert said[1]["dropped"] % 200 == 0
    assert said[1]["dropped"] > 0
    asleep.close()
    awake.close()


def test_it_stops_when_asked_although_pages_are_open(dashboard: Dashboard) -> None:
    pages = [dashboard.stream() for _ in range(5)]
    dashboard.process.send_signal(signal.SIGTERM)
    dashboard.process.wait(PATIENCE)
    for page in pages:
        page.close()
