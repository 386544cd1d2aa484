"""Whoever takes every TCP connection of the resolver keeps nobody else from asking over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.client import Connection, addresses, ask, question
from tests.support.upstream import Upstream

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder: Path = tmp_path_factory.mktemp("tcp")
    with Upstream({"www.example.com": "300 A 192.0.2.1"}) as upstream:
        upstream.fail("never.example.com", drop=True)
        with RunningBox(folder / "data", ["--upstream", upstream.url]) as box:
            yield box


def taken(box: RunningBox, stack: ExitStack, how: str, sources: list[str]) -> None:
    """186 connections from these addresses, each kept busy in its way."""
    for n in range(186):
        one = stack.enter_context(Connection(box.dns, source=sources[n % len(sources)]))
        # One that had to make room already says nothing any more.
        with suppress(ConnectionError):
            if how == "half a message":
                one.send_bytes(b"\0\x40half")
            elif how == "waiting for answers":
                one.send(question("never.example.com").to_wire())


@pytest.mark.parametrize("how", ["silent", "half a message", "waiting for answers"])
@pytest.mark.parametrize("count", [1, 6, 186])
def test_a_quiet_device_is_answered_beside_186_connections(box: RunningBox, how: str, count: int) -> None:
    with ExitStack() as stack:
        taken(box, stack, how, [f"127.0.8.{n + 1}" for n in range(count)])
        for _ in range(5):
            answer = ask("www.example.com", server=box.dns, tcp=True, source="127.0.9.1", timeout=10.0)
            assert addresses(answer) == ["192.0.2.1"]


def test_who_asks_one_after_another_over_one_connection_keeps_it(box: RunningBox) -> None:
    with ExitStack() as stack:
        mine = stack.enter_context(Connection(box.dns, source="127.0.9.2"))
        taken(box, stack, "silent", [f"127.0.8.{n + 1}" for n in range(6)])
        for _ in range(5):
            mine.send(question("www.example.com").to_wire())
            assert len(mine.receive()) > 12
