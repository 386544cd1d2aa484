"""The resolver's part: it answers from the first moment to the last but one."""

from __future__ import annotations

from functools import partial
from itertools import chain

from gateway.application.core import Core
from gateway.application.registry import Figures, Registry
from gateway.linux.process import tidy


def register(core: Core, registry: Registry) -> None:
    """Brings the answers, their counters and latencies, and the task "tidiness"."""
    resolver, sockets = core.resolver, core.sockets
    udp = (*sockets.udp, *chain.from_iterable(sockets.more))
    registry.add_start(partial(resolver.start, udp, sockets.tcp))
    registry.add_end(resolver.stop)
    registry.add_task("tidiness", partial(tidy, resolver.received))
    registry.add_counters(partial(_count, core))
    registry.add_latencies(partial(_measure, core))


def _count(core: Core, figures: Figures) -> Figures:
    return {**figures, **core.resolver.counters()}


def _measure(core: Core, figures: Figures) -> Figures:
    return {**figures, **core.resolver.latencies()}
