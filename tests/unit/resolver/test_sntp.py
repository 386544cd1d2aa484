from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream.sntp import ask_time, read_time, write_request
from tests.support.tls_upstream import TimeServer

COOKIE = b"12345678"
BASE = 1_790_000_000.0


def reply(at: float, *, head: int = 0x24, stratum: int = 2, cookie: bytes = COOKIE) -> bytes:
    seconds = int(at + 2_208_988_800) % (1 << 32)
    return bytes((head, stratum)) + bytes(22) + cookie + bytes(8) + seconds.to_bytes(4) + b"\x80\0\0\0"


def test_a_request_tells_nothing_of_this_machine() -> None:
    request = write_request(COOKIE)
    assert len(request) == 48
    assert request[:1] == b"\x23"
    assert request[1:40] == bytes(39)
    assert request[40:] == COOKIE


@pytest.mark.parametrize("at", [BASE, BASE + 86_400, 2_085_978_496 + 5_000])
def test_a_time_is_read_in_whichever_era_of_ntp(at: float) -> None:
    assert read_time(reply(at), COOKIE, BASE) == at + 0.5


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (reply(BASE)[:47], "no answer"),
        (reply(BASE, head=0x23), "no answer"),
        (reply(BASE, cookie=b"87654321"), "no answer"),
        (reply(BASE, head=0xE4), "does not know"),
        (reply(BASE, stratum=0), "does not know"),
        (reply(BASE, stratum=16), "does not know"),
        (reply(BASE - 3_600), "cannot be"),
        (reply(BASE + 25 * 365 * 86_400), "cannot be"),
        (reply(-2_208_988_800), "cannot be"),
    ],
)
def test_what_is_not_the_time_is_refused(spoilt: bytes, says: str) -> None:
    with pytest.raises(UpstreamError, match=says):
        read_time(spoilt, COOKIE, BASE)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_believable_time_or_refused(data: bytes) -> None:
    for wire in (data, reply(BASE)[:24] + COOKIE + data):
        try:
            assert BASE <= read_time(wire, COOKIE, BASE) <= BASE + 20 * 366 * 86_400
        except UpstreamError:
            continue


def test_the_first_believable_server_is_believed() -> None:
    async def story() -> None:
        async with TimeServer(BASE) as liar, TimeServer(BASE + 9) as honest:
            liar.spoil = lambda wire: wire[:24] + b"elsewho!" + wire[32:]
            at, source = await ask_time([("127.0.0.1", 9), liar.address, honest.address], BASE)
            assert (at, source) == (BASE + 9, "127.0.0.1")

    asyncio.run(story())


@pytest.mark.slow
def test_silence_has_an_end() -> None:
    async def story() -> None:
        async with TimeServer(BASE) as silent:
            silent.spoil = lambda wire: b""
            with pytest.raises(UpstreamTimeout):
                await ask_time([silent.address], BASE)

    asyncio.run(story())
