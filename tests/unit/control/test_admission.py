"""Who may call, by the kernel's word; and the asynchronous caller."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.control.caller import Caller
from gateway.control.server import ControlServer
from gateway.errors import Refused, Unavailable


def converse(
    path: Path, admit: Callable[[int], bool] | None, story: Callable[[Caller], Coroutine[Any, Any, None]]
) -> None:
    async def run() -> None:
        server = ControlServer(path, {"echo": dict}, None, admit=admit, group=os.getgid())
        await server.start()
        try:
            await story(Caller(path, "The network process", 5))
        finally:
            await server.stop()

    asyncio.run(run())


def test_who_is_not_admitted_gets_one_refusal(tmp_path: Path) -> None:
    asked: list[int] = []

    def nobody(user: int) -> bool:
        asked.append(user)
        return False

    async def story(caller: Caller) -> None:
        with pytest.raises(Refused, match="may not call"):
            await caller.call("echo", a=1)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b'{"verb":"echo"}\n{"verb":"echo"}\n')
        writer.write_eof()
        assert (await reader.read()).count(b"\n") == 1
        writer.close()

    converse(tmp_path / "s", nobody, story)
    assert asked == [os.getuid()] * 2


def test_who_is_admitted_is_answered(tmp_path: Path) -> None:
    async def story(caller: Caller) -> None:
        assert await caller.call("echo", a="ä") == {"a": "ä"}
        with pytest.raises(Refused, match="no verb 'subscribe'"):
            await caller.call("subscribe")

    converse(tmp_path / ("deep" * 40) / "s", {os.getuid()}.__contains__, story)


def test_nobody_there_is_said_with_the_name(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="The network process does not answer"):
        asyncio.run(Caller(tmp_path / "nobody", "The network process").call("status"))
