"""The shape of a decision maker."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from gateway.model.effect import Effect
from gateway.model.verdict import Verdict


class Policy(Protocol):
    """An immutable snapshot of every rule and list: same question, same verdict. No I/O, no clock.

    `generation` grows by one with every new snapshot.
    """

    @property
    def generation(self) -> int: ...

    @property
    def effect(self) -> Effect: ...

    def decide(self, name: str, device: str | None, qtype: int = 1) -> Verdict:
        """The verdict on a canonical name that this device (None: unknown) asks for just now, which may show what it
        uses. On the event loop only.
        """
        ...

    def decide_target(self, target: str, device: str | None, qtype: int = 1) -> Verdict:
        """The verdict on where a CNAME, HTTPS or SVCB record leads to.

        As `decide`, but rules on a company or category do not speak of a name that only hosts (CDN, cloud): who is
        hosted there was decided by the question's own name.
        """
        ...

    def foresee(self, name: str, device: str | None, qtype: int = 1, *, is_target: bool = False) -> Verdict:
        """What `decide`, or `decide_target`, would say if the device asked now. Nobody asks, so nothing follows from it
        for what the device uses. From any thread.
        """
        ...

    def profile(self, device: str | None) -> Hashable:
        """Devices with the same profile get the same verdict on every name, so that answers can be shared."""
        ...
