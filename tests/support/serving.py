"""A resolver that really serves, on loopback ports of its own, with a policy that a test writes in three words."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.model.effect import Effect
from gateway.model.event import HealthChanged
from gateway.model.lookup import LogRow
from gateway.model.name import ancestors
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict
from gateway.resolver.options import ResolverOptions
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from gateway.resolver.upstream import Upstream, parse_upstream
from tests.support.ports import bind_pair
from tests.support.waiting import PATIENCE, wait_until

T = TypeVar("T")


@dataclass(frozen=True)
class Rules:
    """A policy: `block` and `allow` are names, each with its subtree; a device may have a set of its own."""

    block: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()
    devices: Mapping[str, Rules] = field(default_factory=dict)
    generation: int = 1
    effect: Effect = Effect.BLOCKS

    def decide(self, name: str, device: str | None, qtype: int = 1) -> Verdict:
        rules = self.devices.get(device or "", self)
        for parent in ancestors(name):
            if parent in rules.allow:
                return Verdict(Action.ALLOW, Reason.RULE, matched=parent)
            if parent in rules.block:
                return Verdict(Action.BLOCK, Reason.BLOCK_LIST, matched=parent)
        return ALLOWED

    def decide_target(self, target: str, device: str | None, qtype: int = 1) -> Verdict:
        return self.decide(target, device, qtype)

    def foresee(self, name: str, device: str | None, qtype: int = 1, *, is_target: bool = False) -> Verdict:
        return self.decide(name, device, qtype)

    def profile(self, device: str | None) -> Hashable:
        return device if device in self.devices else None


def rules(block: Iterable[str] = (), allow: Iterable[str] = (), **more: Any) -> Rules:
    return Rules(frozenset(block), frozenset(allow), **more)


class Serving:
    """Use it as a context manager. The resolver has a loop and a thread to itself; `call` runs a function there."""

    def __init__(
        self,
        *upstreams: str | Upstream,
        policy: Rules | None = None,
        options: ResolverOptions | None = None,
        host: str = "127.0.0.1",
        device_of: Callable[[str], str | None] = lambda client: client,
        log_limit: int = 100_000,
        **more: Any,
    ) -> None:
        self.log: deque[LogRow] = deque()
        self.health: list[HealthChanged] = []
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="resolver", daemon=True)
        self.resolver = Resolver(
            log=LogQueue(rows=self.log, limit=log_limit),
            upstreams=[parse_upstream(one) if isinstance(one, str) else one for one in upstreams],
            policy=policy or rules(),
            device_of=device_of,
            options=options or ResolverOptions(rebinding_protection=False),
            on_health=self.health.append,
            **more,
        )

    @property
    def server(self) -> tuple[str, int]:
        return self._host, self.port

    def __enter__(self) -> Serving:
        self._udp, self._tcp = bind_pair(self._host)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._tcp.listen(128)
        self.port: int = self._udp.getsockname()[1]
        self._thread.start()
        self.run(self.resolver.start([self._udp], [self._tcp]))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self.resolver.stop())
            left = self.run(_others())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()
            self._udp.close()
            self._tcp.close()
        assert not left, f"tasks were left behind: {left}"

    def run(self, work: Coroutine[Any, Any, T], timeout: float = PATIENCE) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        async def work() -> T:
            return function(*arguments)

        return self.run(work())

    def swap(self, policy: Rules) -> None:
        self.call(self.resolver.swap_policy, policy)

    def logged(self, number: int) -> list[LogRow]:
        """The whole log, which must come to that many rows: a prepared answer leaves before its row is written."""
        wait_until(lambda: len(self.log) >= number, shows=lambda: len(self.log))
        rows = self.call(lambda: list(self.log))
        assert len(rows) == number
        return rows

    def counters(self) -> dict[str, int | float]:
        return self.call(self.resolver.counters)


async def _others() -> list[str]:
    await asyncio.sleep(0)
    return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
