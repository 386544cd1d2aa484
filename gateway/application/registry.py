"""What the parts of a box bring along. A part is a module with a `register(core, registry)`; `parts.py` lists them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from gateway.control.server import Handler

Work: TypeAlias = Callable[[], Awaitable[None]]
Figures: TypeAlias = dict[str, Any]


class Registry:
    """Filled once, before anything runs. What a part wants to hear it says to `core.events`."""

    def __init__(self) -> None:
        self.verbs: dict[str, Handler] = {}
        self.tasks: list[tuple[str, Work]] = []
        self.starts: list[Work] = []
        self.ends: list[Work] = []
        self._followers: list[Work] = []
        self._counters: list[Callable[[Figures], Figures]] = []
        self._latencies: list[Callable[[Figures], Figures]] = []

    def add_verbs(self, table: Mapping[str, Handler]) -> None:
        """Verbs of the control socket. Raises ValueError when another part has one of them."""
        if taken := self.verbs.keys() & table.keys():
            raise ValueError(f"two parts bring the verb {min(taken)}")
        self.verbs.update(table)

    def add_task(self, name: str, work: Work) -> None:
        """Runs from the start to the end; when it fails it begins again."""
        self.tasks.append((name, work))

    def add_start(self, begin: Work) -> None:
        """Is waited for before the control socket is there, in the order of the parts."""
        self.starts.append(begin)

    def add_end(self, end: Work) -> None:
        """Is waited for when everything ends, the last part's first."""
        self.ends.append(end)

    def add_follower(self, settled: Work) -> None:
        """`settled` returns when the part follows what was decided last."""
        self._followers.append(settled)

    def add_counters(self, add: Callable[[Figures], Figures]) -> None:
        """`add` is given the counters so far and answers them with its own."""
        self._counters.append(add)

    def add_latencies(self, add: Callable[[Figures], Figures]) -> None:
        """As `add_counters`, for the histograms."""
        self._latencies.append(add)

    async def settled(self) -> None:
        """Returns when everybody who answers follows what was decided."""
        for follows in self._followers:
            await follows()

    def counters(self) -> Figures:
        """Those of all parts together."""
        figures: Figures = {}
        for add in self._counters:
            figures = add(figures)
        return figures

    def latencies(self) -> Figures:
        figures: Figures = {}
        for add in self._latencies:
            figures = add(figures)
        return figures
