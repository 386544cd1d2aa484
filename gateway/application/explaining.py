"""The part that says why: a name's verdict, who is behind it, and whose a company or a resolver is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from gateway.application.arguments import Arguments, domain_name, known_device, number, text
from gateway.application.cadence import MOST_TIMES
from gateway.application.core import Core
from gateway.application.explanation import MOST_TARGETS, explain, own_names
from gateway.application.registry import Registry
from gateway.classifier.known_resolvers import known_resolvers
from gateway.errors import Refused

_MOST_SERVERS = 1_000


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs "explain", "company" and "resolvers.whose"."""
    registry.add_verbs(
        {
            "explain": partial(_explain, core),
            "company": partial(_company, core),
            "resolvers.whose": _resolvers_whose,
        }
    )


def _explain(core: Core, arguments: Arguments) -> dict[str, Any]:
    """`targets` are the names that the name led to when it was looked up last; `times` are its last look-ups, in
    seconds since 1970, by how many `devices`.
    """
    name = domain_name(arguments.get("name"))
    device = known_device(core.inventory, arguments.get("device"))
    known = core.inventory.get(device) if device else None
    targets, times = _targets(arguments.get("targets")), _times(arguments.get("times"))
    devices = max(1, number(arguments.get("devices", 1), "devices"))
    maker = known.maker if known else ""
    own = own_names(core.settings)
    return explain(name, device, maker, core.classifier, core.policy, targets, times, devices, own)


def _company(core: Core, arguments: Arguments) -> dict[str, Any] | None:
    company = core.classifier.company(text(arguments, "name", 200))
    return asdict(company) if company else None


def _resolvers_whose(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Who runs these resolvers, by address or name; of those that nobody knows nothing."""
    servers = arguments.get("servers")
    if not isinstance(servers, list) or len(servers) > _MOST_SERVERS:
        raise Refused(f"servers are at most {_MOST_SERVERS} texts.", "servers")
    operators = known_resolvers().operators
    return {each: operators[each] for each in servers if isinstance(each, str) and each in operators}


def _targets(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_TARGETS:
        raise Refused(f"targets are at most {MOST_TARGETS} domain names.", "targets")
    return tuple(domain_name(each) for each in value)


def _times(value: Any) -> tuple[float, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_TIMES:
        raise Refused(f"times are at most {MOST_TIMES} numbers.", "times")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        raise Refused("times are numbers: seconds since 1970.", "times")
    return tuple(value)
