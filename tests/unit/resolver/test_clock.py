"""A machine that does not know what day it is must neither be locked out nor be taken in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.model.event import HealthChanged
from gateway.resolver.upstream import Upstream, parse_upstream
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.clock import BUILT, TIME_SERVERS, Clock
from gateway.resolver.upstream.encryption import Encryption
from gateway.wire.question import Question
from tests.support.certificates import Authority
from tests.support.tls_upstream import TimeServer, TlsUpstream
from tests.unit.wire.samples import query

WWW = Question.of(query("www.example.com"))
NAME = "dns.telltale.test"
THEN = datetime(2031, 5, 17, tzinfo=UTC)
DAY = 86_400.0
TRUE = BUILT + 5 * DAY
THAT_MONTH = {
    "begins": datetime.fromtimestamp(BUILT - 15 * DAY, UTC),
    "ends": datetime.fromtimestamp(BUILT + 15 * DAY, UTC),
}
ITS_YEAR = {"begins": datetime(2031, 1, 1, tzinfo=UTC), "ends": datetime(2032, 1, 1, tzinfo=UTC)}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class Scene:
    """One encrypted upstream, one time server and a wall clock that a test sets."""

    def __init__(self, certificate: Path, roots: Path, *, shown: float, at: float = THEN.timestamp()) -> None:
        self.certificate = certificate
        self.roots = roots
        self.shown = shown
        self.at = at
        self.reported: list[HealthChanged] = []

    def play(self, story: Callable[[Upstream, TlsUpstream, TimeServer], Awaitable[Any]]) -> None:
        async def run() -> None:
            with TlsUpstream({"*.example.com": "60 A 192.0.2.1"}, certificate=self.certificate) as server:
                async with TimeServer(self.at) as time_server:
                    clock = Clock([time_server.address], self.reported.append, wall=lambda: self.shown)
                    encryption = Encryption(Bootstrap(()), clock, self.roots)
                    upstream = parse_upstream(f"{server.url}#{NAME}", encryption)
                    try:
                        await story(upstream, server, time_server)
                    finally:
                        await upstream.close()

        asyncio.run(run())


def test_with_a_clock_of_1970_the_time_is_asked_first_and_the_certificate_judged_by_it(authority: Authority) -> None:
    scene = Scene(authority.issue(NAME, **ITS_YEAR), authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        assert await upstream.ask(WWW)
        server.hang_up()
        await asyncio.sleep(0.05)
        assert await upstream.ask(WWW)
        assert time_server.asked == 1
        assert server.resumed == 0, "no handshake without a certificate that shows its dates"

    scene.play(story)
    assert [(change.part, change.healthy) for change in scene.reported] == [("clock", False)]
    assert "1 January 1970" in scene.reported[0].says
    assert "17 May 2031" in scene.reported[0].says


def test_when_the_clock_is_set_that_is_said_and_the_machine_judges_itself(authority: Authority) -> None:
    scene = Scene(authority.issue(NAME), authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        await upstream.ask(WWW)
        scene.shown = time.time()
        server.hang_up()
        await asyncio.sleep(0.05)
        await upstream.ask(WWW)
        assert [change.healthy for change in scene.reported] == [False, True]

    scene.play(story)


def test_a_certificate_that_is_too_new_for_a_clock_that_stood_still_is_judged_by_the_time_server(
    authority: Authority,
) -> None:
    scene = Scene(authority.issue(NAME, **ITS_YEAR), authority.roots, shown=time.time())

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        assert await upstream.ask(WWW)

    scene.play(story)
    assert [(change.part, change.healthy) for change in scene.reported] == [("clock", False)]


@pytest.mark.parametrize(
    ("dates", "says"),
    [
        ({"ends": datetime(2030, 1, 1, tzinfo=UTC)}, "has expired on"),
        ({"begins": datetime(2031, 6, 1, tzinfo=UTC)}, "is not valid before"),
    ],
)
def test_what_is_not_valid_at_the_true_time_is_refused(
    authority: Authority, dates: dict[str, datetime], says: str
) -> None:
    scene = Scene(authority.issue(NAME, **dates), authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        with pytest.raises(UpstreamError, match=says):
            await upstream.ask(WWW)
        assert server.asked == []

    scene.play(story)


def test_an_expired_authority_is_refused_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path, ends=datetime(2030, 1, 1, tzinfo=UTC))
    scene = Scene(authority.issue(NAME), authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        with pytest.raises(UpstreamError, match="has expired on"):
            await upstream.ask(WWW)

    scene.play(story)


def test_a_clock_that_is_set_ahead_while_we_run_shuts_nobody_out(authority: Authority) -> None:
    """OpenSSL goes by the clock of the machine that runs this, so that is the wrong one here."""
    scene = Scene(authority.issue(NAME, **THAT_MONTH), authority.roots, shown=TRUE, at=TRUE)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        scene.shown = time.time()
        for _ in range(3):
            assert await upstream.ask(WWW)
            server.hang_up()
            await asyncio.sleep(0.05)
        assert time_server.asked == 1

    scene.play(story)
    assert [(change.part, change.healthy) for change in scene.reported] == [("clock", False)]
    assert "it is 6 November 2026" in scene.reported[0].says


@pytest.mark.parametrize(
    ("began", "at", "ends"),
    [
        pytest.param(time.time(), TRUE, 15, id="nobody set the clock"),
        pytest.param(TRUE, time.time(), 15, id="the server says what the clock says"),
        pytest.param(TRUE, TRUE - 2 * DAY, 15, id="the server says what was over when we began"),
        pytest.param(TRUE, TRUE, 4, id="it has expired by the true time"),
    ],
)
def test_what_has_expired_is_revived_by_nobody(authority: Authority, began: float, at: float, ends: int) -> None:
    dates = {**THAT_MONTH, "ends": datetime.fromtimestamp(BUILT + ends * DAY, UTC)}
    scene = Scene(authority.issue(NAME, **dates), authority.roots, shown=began, at=at)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        scene.shown = time.time()
        with pytest.raises(UpstreamError, match="expired"):
            await upstream.ask(WWW)
        assert server.asked == []

    scene.play(story)


@pytest.mark.parametrize("wrong", ["name", "issuer"])
def test_name_and_chain_are_checked_whatever_the_time(authority: Authority, wrong: str) -> None:
    certificate = authority.issue("dns.example.net") if wrong == "name" else authority.issue(NAME, self_signed=True)
    scene = Scene(certificate, authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        with pytest.raises(UpstreamError, match="certificate is refused"):
            await upstream.ask(WWW)
        assert server.asked == []

    scene.play(story)


@pytest.mark.slow
@pytest.mark.parametrize("shown", [0.0, time.time()])
def test_a_time_server_cannot_set_time_back(authority: Authority, shown: float) -> None:
    old = {"begins": datetime(2020, 1, 1, tzinfo=UTC), "ends": datetime(2021, 1, 1, tzinfo=UTC)}
    lie = datetime(2020, 6, 1, tzinfo=UTC).timestamp()
    scene = Scene(authority.issue(NAME, **old), authority.roots, shown=shown, at=lie)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        with pytest.raises(UpstreamError):
            await upstream.ask(WWW)
        assert server.asked == []

    scene.play(story)


@pytest.mark.slow
def test_without_any_time_the_reason_is_said_once(authority: Authority) -> None:
    scene = Scene(authority.issue(NAME), authority.roots, shown=0.0)

    async def story(upstream: Upstream, server: TlsUpstream, time_server: TimeServer) -> None:
        time_server.spoil = lambda reply: b"\xe4" + reply[1:]
        for _ in range(2):
            with pytest.raises(UpstreamError, match="no time server answers"):
                await upstream.ask(WWW)
        assert server.asked == []
        time_server.spoil = lambda reply: reply
        assert await upstream.ask(WWW)

    scene.play(story)
    assert ["no time server" in change.says for change in scene.reported] == [True, False]


def test_the_day_of_the_release_is_over_and_time_servers_are_addresses() -> None:
    assert time.time() > BUILT
    assert all(server.replace(".", "").isdigit() for server in TIME_SERVERS)
