"""The two ways to decide whose a name is, side by side, so that a number can be compared with the study's.

STUDY follows the code that the study's laboratory published with its later papers (BehavIoT 2023, IoT and IPv6 2024):
keywords are looked for inside the owner's name and the last two labels. It keeps that code's quirks, which are part of
its numbers: "org" and "aka" are found inside other words, and Netflix is the first party of televisions for which the
laboratory listed it. TELLTALE is ours, see party.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gateway.classifier.company import Company
from gateway.classifier.party import party_of
from gateway.model.tag import Category, Party


class PartyRules(Enum):
    """Which rules decide."""

    TELLTALE = "telltale"
    STUDY = "study"


_SUPPORT = ("aws", "cloudflare", "amazon", "org", "neu.edu", "aka", "digicert", "wikimedia")
_AMAZONS = frozenset({"amcs-tachyon.com", "cloudfront.net", "a2z.com", "fireoscaptiveportal.com"})
_WITH_NETFLIX = frozenset({"Apple", "Amazon", "Roku", "Samsung", "Google", "TiVo"})


def party_by(
    rules: PartyRules, name: str, company: str | None, category: Category, maker: str, companies: Mapping[str, Company]
) -> Party:
    """The party of a canonical name under these rules; the other arguments as for party_of."""
    if rules is PartyRules.TELLTALE or category is Category.LOCAL:
        return party_of(company, category, maker, companies)
    return _study_party(name, company, maker)


def _study_party(name: str, company: str | None, maker: str) -> Party:
    domain = ".".join(name.split(".")[-2:])
    owner = "amazon" if domain in _AMAZONS else (company or "").casefold()
    keywords = [maker.casefold()] if maker else []
    if maker in _WITH_NETFLIX:
        keywords.append("netflix")
    if any(keyword in text for keyword in keywords for text in (owner, domain)):
        return Party.FIRST
    if any(keyword in owner for keyword in _SUPPORT):
        return Party.SUPPORT
    return Party.THIRD
