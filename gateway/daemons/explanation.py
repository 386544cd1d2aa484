"""Why a name is allowed or blocked, whose it is and how we know: `explain` for the dashboard and the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateway.classifier.service import Classifier
from gateway.classifier.wording import sentence
from gateway.control.codec import rule_to_json
from gateway.errors import ListError
from gateway.model.name import Name
from gateway.model.verdict import Action, Reason, Verdict
from gateway.policy.compiled import CompiledLists
from gateway.policy.service import PolicyService
from gateway.settings import Settings

_BECAUSE = {
    Reason.PAUSED: "filtering is paused",
    Reason.DEVICE_RULE: "you made a rule for this device",
    Reason.RULE: "you made a rule",
    Reason.KEEP_LIST: "televisions stop working without it",
    Reason.ALLOW_LIST: "an allow list names it",
    Reason.BLOCK_LIST: "a block list names it",
    Reason.NOTHING: "no rule and no list speaks of it",
}


def explain(name: str, device: str | None, maker: str, classifier: Classifier, policy: PolicyService) -> dict[str, Any]:
    """Everything that is known about a canonical name, as the control socket and the API answer it."""
    tag = classifier.tag(name, (), maker)
    told = policy.explain(name, device)
    verdict = told.verdict
    return {
        "name": name,
        "company": tag.company,
        "brand": tag.brand,
        "category": tag.category.value,
        "party": tag.party.value,
        "need": tag.need.value,
        "symptom": tag.symptom,
        "hosted_at": tag.hosted_at,
        "confidence": round(tag.confidence, 2),
        "verdict": verdict.action.value,
        "reason": verdict.reason.value,
        "matched": verdict.matched,
        "lists": list(dict.fromkeys(match.title for match in told.lists)),
        "rules": [rule_to_json(rule) for rule in told.rules],
        "evidence": [asdict(each) for each in tag.evidence],
        "sentence": f"{sentence(name, tag)} {_decided(verdict)}",
    }


def explain_from_disk(settings: Settings, text: str) -> dict[str, Any]:
    """The same for a box that does not run: with its stored rules and lists. Raises Refused for what is no name."""
    classifier = Classifier.load()
    try:
        compiled = CompiledLists.open(settings.lists_folder / "compiled.bin")
    except ListError:
        compiled = CompiledLists.empty()
    policy = PolicyService(settings.policy, None, compiled, classifier.tag)
    policy.explain(text)
    return explain(Name.parse(text).text, None, "", classifier, policy)


def _decided(verdict: Verdict) -> str:
    done = "It is blocked" if verdict.action is Action.BLOCK else "It is allowed"
    because = _BECAUSE.get(verdict.reason, verdict.reason.value)
    via = f", by where it leads: {verdict.via}" if verdict.via else ""
    matched = f" ({verdict.matched})" if verdict.matched else ""
    return f"{done}, because {because}{matched}{via}."
