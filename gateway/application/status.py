"""How the box is, in one answer."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from typing import Any

from gateway import __version__
from gateway.application.arguments import Arguments
from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.control.codec import health_to_json, time_to_json
from gateway.linux.process import since_boot
from gateway.model.rule import ScopeKind
from gateway.model.verdict import Action


def register(core: Core, registry: Registry) -> None:
    """Brings the verb "status"; counters and latencies are those of all parts."""
    registry.add_verbs({"status": partial(_status, core, registry, since_boot())})


def _status(core: Core, registry: Registry, began: float, _: Arguments) -> dict[str, Any]:
    pauses = [
        rule for rule in core.policy.rules() if rule.scope.kind is ScopeKind.EVERYTHING and rule.action is Action.ALLOW
    ]
    return {
        "version": __version__,
        "started": time_to_json(core.started),
        "uptime_s": round(since_boot() - began, 1),
        "now": time.time(),
        "dns": list(core.listening),
        "simulated": core.settings.simulated,
        "generation": core.policy.policy.generation,
        "listed_names": core.policy.listed_names,
        "blocking": core.policy.blocks,
        "pauses": [{"device": rule.device, "ends": time_to_json(rule.ends)} for rule in pauses],
        "health": [health_to_json(each) for each in core.health.parts()],
        "upstreams": [asdict(state) for state in core.resolver.upstreams()],
        "counters": registry.counters(),
        "latency": registry.latencies(),
    }
