"""Why a name is allowed or blocked, whose it is and how we know: `explain` for the dashboard and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from gateway.application import presets
from gateway.application.answering import OWN_NAME, mapped_owners, sure_tags
from gateway.application.cadence import cadence_and_parties
from gateway.classifier.service import Classifier
from gateway.classifier.wording import sentence
from gateway.control.codec import rule_to_json
from gateway.errors import JournalError, ListError, Refused
from gateway.journal.reader import LookupFilter, Reader
from gateway.journal.stores import load_devices
from gateway.lists.compiled import CompiledLists
from gateway.model.name import Name
from gateway.model.reverse_zone import zones_of
from gateway.model.tag import Party, Tag
from gateway.model.verdict import Action, Reason, Verdict
from gateway.policy.book_keeper import BookKeeper
from gateway.policy.presets import Presets
from gateway.policy.service import PolicyService
from gateway.resolver.forward_zones import is_at_home
from gateway.resolver.special import tell_special
from gateway.resolver.upstream import host_of
from gateway.schema.requests import MOST_TARGETS
from gateway.settings import Settings

_RECENT = 200
_SHOWN_DEVICES = 20
_BECAUSE = {
    Reason.PAUSED: "filtering is paused",
    Reason.DEVICE_RULE: "you made a rule for this device",
    Reason.RULE: "you made a rule",
    Reason.KEEP_LIST: "devices stop working without it",
    Reason.ALLOW_LIST: "an allow list names it",
    Reason.BLOCK_LIST: "a block list names it",
    Reason.NEEDED: "something in use on this device needs it",
    Reason.NOTHING: "no rule and no list speaks of it",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A canonical name, as a `device` of this `maker` sees it. `targets` are where its answer led to lately, for a name
    may hide who stands behind it; `times` are when it was looked up lately, in seconds since 1970, by how many
    `devices`.
    """

    name: str
    device: str | None = None
    maker: str = ""
    targets: tuple[str, ...] = ()
    times: Sequence[float] = ()
    devices: int = 1


def explain(
    subject: Subject, classifier: Classifier, policy: PolicyService, special: str | None = None
) -> dict[str, Any]:
    """Everything that is known about a name, as the control socket and the API answer it; `special` is why the box
    answers it by itself.
    """
    name, device, maker, targets = subject.name, subject.device, subject.maker, subject.targets
    tag = classifier.tag(name, targets, maker)
    explained = policy.explain(name, device, targets=targets)
    verdict = Verdict(Action.ALLOW, Reason.LOCAL) if special else explained.verdict
    behind = (classifier.tag(target, (), maker) for target in targets)
    stopping = presets.blocking(classifier.tag(name, (), maker), behind)
    answered = (f"{name}: {special}", "No rule, list or preset changes that.") if special else None
    said = answered or (sentence(name, tag), _seen_from(maker, tag), _decided(verdict), _would(verdict, stopping, tag))
    return {
        "name": name,
        "company": tag.company,
        "brand": tag.brand,
        "category": tag.category.value,
        "party": tag.party.value,
        "need": tag.need.value,
        "symptom": tag.symptom,
        "hosted_at": tag.hosted_at,
        "leads_to": list(targets),
        "via": tag.via,
        "confidence": round(tag.confidence, 2),
        "verdict": verdict.action.value,
        "reason": verdict.reason.value,
        "matched": verdict.matched,
        "special": special,
        "presets": [] if special else stopping,
        "lists": list(dict.fromkeys(match.title for match in explained.lists)),
        "rules": [rule_to_json(rule) for rule in explained.rules],
        "owners": owners_of(classifier, tag.company),
        "evidence": [asdict(each) for each in tag.evidence],
        **cadence_and_parties(classifier, name, tag, maker, subject.times, subject.devices),
        "sentence": " ".join(filter(None, said)),
    }


def owners_of(classifier: Classifier, company: str | None) -> list[dict[str, str]]:
    """Who owns a company, and who owns that one: {company, parent, since, source, says}, nearest first."""
    owners = []
    for name in classifier.family(company) if company else ():
        known = classifier.company(name)
        if known is None or known.parent is None:
            break
        since = f" since {known.owned_since}" if known.owned_since else ""
        says = f"{name} belongs to {known.parent}{since}."
        owners.append(
            {
                "company": name,
                "parent": known.parent,
                "since": known.owned_since,
                "source": known.owner_source,
                "says": says,
            }
        )
    return owners


def answered_here(settings: Settings, name: str) -> str | None:
    """Why the box answers this canonical name by itself; None for one that it asks others for."""
    own = {Name.parse(each).text for each in settings.names} or {OWN_NAME}
    forwarded = {zone for given in settings.forward for zone in zones_of(given)}
    router = any(is_at_home(host_of(url)) for url in settings.upstreams)
    return tell_special(name, own, forwarded, router=router)


def explain_from_disk(
    settings: Settings, text: str, targets: tuple[str, ...] = (), device: str | None = None
) -> dict[str, Any]:
    """The same for a box that does not run: with its stored rules, lists and devices. Raises Refused for what is no
    name, or no device that the box knows.
    """
    maker = _maker_on_disk(settings, device) if device is not None else ""
    classifier = Classifier.load()
    classifier.heed(mapped_owners(settings))
    try:
        compiled = CompiledLists.open(settings.lists_folder / "compiled.bin")
    except ListError:
        compiled = CompiledLists.empty()
    judge = presets.judge(classifier)
    policy = PolicyService(
        BookKeeper(settings.policy, None, read_only=True),
        compiled,
        sure_tags(classifier),
        presets=Presets(judge),
    )
    policy.explain(text)
    subject = Subject(Name.parse(text).text, device, maker, targets)
    return explain(subject, classifier, policy, answered_here(settings, subject.name))


def _maker_on_disk(settings: Settings, device: str) -> str:
    known = load_devices(settings.journal) if settings.journal.exists() else []
    for each in known:
        if each.id == device:
            return each.maker
    ids = ", ".join(each.id for each in known[-_SHOWN_DEVICES:])
    if not ids:
        raise Refused("box.no-device-known", "device")
    raise Refused("box.no-such-device-known", "device", ids=ids)


def last_targets(settings: Settings, text: str) -> tuple[str, ...]:
    """Where the name led to when it was looked up last, as far as the journal knows; () when it cannot be asked."""
    if not settings.journal.exists():
        return ()
    try:
        name = Name.parse(text).text
        with closing(Reader(settings.journal)) as reader:
            return reader.lookups(LookupFilter(name=name), limit=_RECENT).led_to(name)[:MOST_TARGETS]
    except (JournalError, ValueError):
        return ()


def _decided(verdict: Verdict) -> str:
    done = "It is blocked" if verdict.action is Action.BLOCK else "It is allowed"
    because = _BECAUSE.get(verdict.reason, verdict.reason.value)
    via = f", by where it leads: {verdict.via}" if verdict.via else ""
    if verdict.reason is Reason.PRESET and verdict.matched:
        return f"{done}, because the preset {presets.title(verdict.matched)} is on{via}."
    matched = f" ({verdict.matched})" if verdict.matched else ""
    return f"{done}, because {because}{matched}{via}."


def _seen_from(maker: str, tag: Tag) -> str:
    """Whose name it is for a device of this maker; that it is a third party's is said already."""
    if maker and tag.party is Party.FIRST:
        own = f"The maker of this device is {maker}, so"
        return f"{own} this is the device calling home." if tag.company == maker else f"{own} this is its own group."
    if maker and tag.party is Party.SUPPORT:
        return f"To this device of {maker} it is a helper that works for others."
    if maker and tag.party is Party.PLATFORM:
        return f"To this device of {maker} it is a helper that runs devices of other makers, too."
    return ""


def _would(verdict: Verdict, stopping: list[str], tag: Tag) -> str:
    """Which presets block the name, and where none does; nothing when it is blocked by one already."""
    if verdict.reason is Reason.PRESET:
        return ""
    titles = [presets.title(each) for each in stopping]
    if not titles:
        return "No preset blocks it."
    spared = f", except where {' or '.join(tag.needed_by)} is in use" if tag.needed_by else ""
    if len(titles) == 1:
        return f"Of the presets only {titles[0]} blocks it{spared}."
    return f"The presets {', '.join(titles[:-1])} and {titles[-1]} block it{spared}."
