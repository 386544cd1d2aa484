"""One plain sentence about a name. We see that it was contacted, never what was said: so "contacted", never "sent"."""

from __future__ import annotations

from gateway.classifier.heuristics import OWN_GUESS
from gateway.model.tag import Category, Need, Party, Tag

_PURPOSES = {
    Category.ACR: "recognising what is on the screen (ACR)",
    Category.ADVERTISING: "advertising",
    Category.ANALYTICS: "measuring how people watch and use apps",
    Category.TELEMETRY: "reports about the device and how it is used",
    Category.CRASH_REPORTS: "crash reports",
    Category.VOICE: "voice control",
    Category.RECOMMENDATIONS: "recommendations on the screen",
    Category.CONTENT: "programmes, pictures and apps",
    Category.APP_STORE: "the app store",
    Category.ACCOUNT: "signing in and the account",
    Category.UPDATE: "software updates",
    Category.TIME: "setting the clock",
    Category.CONNECTIVITY: "checking that the internet works",
    Category.CDN: "delivering files for other companies",
    Category.CLOUD: "running computers for other companies",
    Category.DNS: "looking up names",
    Category.SOCIAL: "social networks",
    Category.ESSENTIAL: "something the device needs to work",
}
_NEEDS = {
    Need.NOT_NEEDED: "Nothing visible is known to be lost when it is blocked.",
    Need.DISPUTED: "Sources disagree about whether it can be blocked without harm.",
}
_PARTIES = {Party.THIRD: ", a third party", Party.PLATFORM: ", which runs devices for many makers"}
_SURE = 0.6
_GUESSED = 0.5
LOOKS_LIKE = 0.4
"""The confidence of a name whose spelling looks like a tracker's: nine of ten are one. Below it we are not sure."""
_MAX_NAME = 80


def sentence(name: str, tag: Tag) -> str:
    """What contacting this name means, for a person who knows no DNS; one to three short sentences."""
    shown = name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"
    if tag.category is Category.LOCAL and name.endswith(".arpa") and name.partition(".")[0] != "home":
        return f"{shown} was looked up: it asks what an address is called, which tells nobody what is watched."
    if tag.category is Category.LOCAL:
        return f"{shown} was looked up: a name inside your own network."
    parts = [_who_and_why(shown, tag)]
    if tag.hosted_at:
        parts.append(f"The computers are rented from {tag.hosted_at}, which only carries it.")
    if tag.need in (Need.REQUIRED, Need.DEGRADES) and tag.symptom:
        parts.append(f"If it is blocked: {tag.symptom.rstrip('.')}.")
    elif tag.need in _NEEDS:
        parts.append(_NEEDS[tag.need])
    return " ".join(parts)


def _who_and_why(name: str, tag: Tag) -> str:
    purpose = _PURPOSES.get(tag.category)
    if tag.company is None and purpose is None:
        return f"{name} was contacted. Nobody has said yet whose it is or what it is for."
    if tag.company is None and tag.confidence < _SURE:
        return f"{name} was contacted. Nobody has said yet whose it is; {_guessed(tag, purpose)}."
    who = tag.company or "an unknown company"
    if tag.brand and tag.brand.casefold() != who.casefold():
        who = f"{who} ({tag.brand})"
    who += _PARTIES.get(tag.party, "")
    if tag.via:
        why = purpose or "an unknown purpose"
        return f"{name} was contacted. It leads to {tag.via}: behind it stands {who}, for {why}."
    if purpose is None:
        return f"{name} was contacted. It belongs to {who}; what it is for is not known."
    if tag.rule and tag.evidence and tag.evidence[-1].source == OWN_GUESS:
        return f"{name} was contacted. It belongs to {who}; {_guessed(tag, purpose)}."
    if tag.confidence < _SURE:
        return f"{name} was contacted. It seems to belong to {who}; {_guessed(tag, purpose)}."
    return f"{name} was contacted. It belongs to {who}; it is for {purpose}."


def _guessed(tag: Tag, purpose: str | None) -> str:
    if tag.confidence >= _GUESSED:
        return f"it seems to be for {purpose}, which is not certain"
    if tag.confidence >= LOOKS_LIKE:
        return f"by its spelling it looks like {purpose}"
    return f"a word in it may mean {purpose}, but we are not sure"
