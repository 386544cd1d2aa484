"""How often a name is asked for, as published and as seen here, and whose it is by two sets of rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.classifier.fact import Fact
from gateway.classifier.learned.behaviour import behaviour, with_behaviour
from gateway.classifier.party_rules import PartyRules
from gateway.classifier.service import Classifier
from gateway.model.tag import Evidence, Party, Tag

_COUNTS_TIME = re.compile(r"\b(?:every|per) (?:\w+ ){0,2}(?:seconds?|minutes?|hours?)\b|\d+ ?s\b|about every minute")
_WHOSE = {
    Party.FIRST: "the maker's own",
    Party.SUPPORT: "a helper that works for others",
    Party.PLATFORM: "a platform that runs devices for many makers",
    Party.THIRD: "an outside company's",
    Party.LOCAL: "inside your own network",
    Party.UNKNOWN: "not known",
}


def cadence_and_parties(
    classifier: Classifier, name: str, tag: Tag, maker: str, times: Sequence[float] = (), devices: int = 1
) -> dict[str, Any]:
    """`cadence` and `seen` (None where nothing is known) and `parties`, each with a sentence for a person.

    `times` are the look-ups of the name in seconds since 1970, and `devices` is how many devices made them.
    """
    return {
        "cadence": _cadence(classifier.fact(name)),
        "parties": _parties(classifier, name, tag, maker),
        "seen": _seen(classifier, name, times, devices),
    }


def _cadence(fact: Fact | None) -> dict[str, Any] | None:
    if fact is None or not fact.cadence:
        return None
    source = _who_counted(fact.evidence)
    said = f", says {source.source.partition(', http')[0]}" if source else ""
    return {
        "seconds": fact.cadence,
        "source": source.source if source else "",
        "says": f"A device that uses it asks about every {_spoken(fact.cadence)}{said}.",
    }


def _who_counted(evidence: tuple[Evidence, ...]) -> Evidence | None:
    """Who wrote of a rhythm; of several sources the first, and the only one of a rule whatever it says."""
    counted = [each for each in evidence if _COUNTS_TIME.search(each.says)]
    return next(iter(counted or evidence), None)


def _parties(classifier: Classifier, name: str, tag: Tag, maker: str) -> dict[str, Any]:
    study = classifier.party_by(PartyRules.STUDY, name, tag, maker)
    own = classifier.party_by(PartyRules.TELLTALE, name, tag, maker)
    if own is Party.LOCAL or not tag.company:
        # Nobody's, or nobody knows whose: there is nothing to compare.
        says = ""
    elif not maker and not {own, study} <= {Party.SUPPORT}:
        says = "Whether that is the maker's own or an outside company depends on who made the device that asks."
    elif own is study:
        says = f"Telltale and the published study both say: {_WHOSE[own]}."
    else:
        says = (
            f"Telltale says: {_WHOSE[own]}. The published study, which goes by words in the owner's name, "
            f"says: {_WHOSE[study]}."
        )
    return {
        "telltale": own.value,
        "study": study.value,
        "maker": maker,
        "says": says,
    }


def _seen(classifier: Classifier, name: str, times: Sequence[float], devices: int) -> dict[str, Any] | None:
    if not times:
        return None
    found = behaviour(times, devices)
    said = "; ".join(found.says)
    if found.odds and not classifier.knows_purpose(name):
        look = classifier.look(name)
        spelling = look.probability
        alone, together = f"{100 * spelling:.0f} %", f"{100 * with_behaviour(spelling, found):.0f} %"
        if together != alone:
            sure = "looks like a tracker" if look.shown else "may be a tracker, and we are not sure"
            said += f". With its spelling that {sure}: {together}, by the spelling alone {alone}"
    return {
        "lookups": found.lookups,
        "period": round(found.period, 1) if found.period is not None else None,
        "beacon": found.beacon,
        "devices": devices,
        "says": f"In your home {said}." if said else "",
    }


def _spoken(seconds: int) -> str:
    if seconds == 1:
        return "second"
    if seconds < 120:
        return "minute" if seconds == 60 else f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds % 60 == 0 else f"{seconds} seconds"
