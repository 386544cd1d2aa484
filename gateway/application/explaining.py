"""The part that says why: a name's verdict, who is behind it, and whose a company or a resolver is."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from gateway.application.arguments import known_device
from gateway.application.core import Core
from gateway.application.explanation import Subject, answered_here, explain
from gateway.application.registry import Registry
from gateway.classifier.known_resolvers import known_resolvers
from gateway.schema.checking import checked
from gateway.schema.requests import CompanyQuestion, Explain, WhoseResolvers, canonical_name


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs "explain", "company" and "resolvers.whose"."""
    registry.add_verbs(
        {
            "explain": checked(Explain, partial(_explain, core)),
            "company": checked(CompanyQuestion, partial(_company, core)),
            "resolvers.whose": checked(WhoseResolvers, _resolvers_whose),
        }
    )


def _explain(core: Core, asked: Explain) -> dict[str, Any]:
    name = canonical_name(asked.name)
    device = known_device(core.inventory, asked.device)
    known = core.inventory.get(device) if device else None
    maker = known.maker if known else ""
    targets = tuple(canonical_name(each, "targets") for each in asked.targets or ())
    times, devices = tuple(asked.times or ()), max(1, asked.devices)
    subject = Subject(name, device, maker, targets, times, devices)
    return explain(subject, core.classifier, core.policy, answered_here(core.settings, name))


def _company(core: Core, asked: CompanyQuestion) -> dict[str, Any] | None:
    company = core.classifier.company(asked.name)
    return asdict(company) if company else None


def _resolvers_whose(asked: WhoseResolvers) -> dict[str, str]:
    """Who runs these resolvers, by address or name; of those that nobody knows nothing."""
    operators = known_resolvers().operators
    return {each: operators[each] for each in asked.servers if each in operators}
