"""What the journal's writer asks of others, and what it lets them know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.journal.dictionary import DeviceOf, TagOf
from gateway.journal.horizon import Horizon
from gateway.model.event import HealthChanged, LookupRecorded
from gateway.model.lookup import Facts


@dataclass(frozen=True, slots=True)
class Hooks:
    """All are called in the writer's thread: see `Writer`. `horizon` knows what time it must be."""

    tag: TagOf
    device_of: DeviceOf
    publish: Callable[[LookupRecorded], None]
    report: Callable[[HealthChanged], None]
    wants_events: Callable[[], bool] = lambda: True
    on_answer: Callable[[str, Facts, float], None] | None = None
    begins: Callable[[], None] = lambda: None
    horizon: Horizon = field(default_factory=Horizon)
