"""From a name to a tag, with reasons."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.classifier.company import Company
from gateway.classifier.fact import Fact
from gateway.classifier.heuristics import OWN_GUESS, guess_category, is_local
from gateway.classifier.learned.model import Look, Model
from gateway.classifier.loader import Knowledge, load_knowledge
from gateway.classifier.owner_lists import NoOwners, described, tag_of
from gateway.classifier.ownership import earned_owners
from gateway.classifier.party import family, party_of
from gateway.classifier.party_rules import PartyRules, party_by
from gateway.classifier.public_suffix import registrable_domain
from gateway.classifier.service_names import ServiceNames
from gateway.classifier.used_service import Service
from gateway.model.listed import Owners
from gateway.model.tag import UNTAGGED, Category, Evidence, Need, Party, Tag

_MEMO = 4_096
_MAX_TARGETS = 16
_OWNER_CONFIDENCE = 0.5
_WORD_CONFIDENCE = 0.3
_LOOKS_CONFIDENCE = 0.4
_ADVERTISES = 0.6
_KEPT = (Need.REQUIRED, Need.DEGRADES)


class Classifier:
    """Safe to use from several threads. A name that was seen before costs one dict look-up."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._index = knowledge.index
        self._companies = knowledge.companies
        self._services = knowledge.services
        self._service_names = ServiceNames(knowledge.index, knowledge.services)
        self._memo: dict[tuple[str, tuple[str, ...], str], Tag] = {}
        self._makers: dict[str, str | None] = {}
        self._lock = threading.Lock()
        self._shared = knowledge.shared
        self._owners: dict[str, str] | None = None
        self._owned: dict[str, Tag] = {}
        self._open: dict[tuple[str, str], Tag] = {}
        self._unlisted_below: dict[str, Tag] = {}
        self._model: Model | None = None
        self._listed_owners: Owners = NoOwners()

    @classmethod
    def load(cls, folder: Path | None = None) -> Classifier:
        """With the knowledge that we ship, or that of another folder. Raises SettingsError."""
        return cls(load_knowledge(folder))

    def get_ready(self) -> None:
        """Does at leisure what the first unlisted name would have to wait for: 30 ms, on a Pi more. From any thread."""
        self._domain_owners()

    def heed(self, owners: Owners) -> bool:
        """Believes these owner lists from now on, where our own knowledge says nothing. False when neither they nor
        those before name anything.
        """
        with self._lock:
            before, self._listed_owners = self._listed_owners, owners
            self._memo.clear()
            self._unlisted_below.clear()
        return bool(len(before) or len(owners))

    def tag(
        self,
        name: str,
        targets: tuple[str, ...] = (),
        maker: str = "",
        *,
        guess: bool = True,
        common: Tag | None = None,
    ) -> Tag:
        """What is known about a canonical name.

        `targets` are where CNAME, HTTPS and SVCB records of its answer lead to; `maker` is the company whose device
        asked, as companies.toml spells it, or "". Without `guess` the spelling of an unlisted name is not judged, which
        is most of the work. `common` is what `common_tag` has said of the name, where it was asked before.
        """
        key = (name, targets, maker)
        tag = self._memo.get(key)
        if tag is None:
            if not guess and not targets and (common or self.common_tag(name)) is UNTAGGED:
                return UNTAGGED
            heeded = self._listed_owners
            tag = self._make_tag(name, targets[:_MAX_TARGETS], maker, guess)
            if guess and heeded is self._listed_owners:
                self._remember(key, tag)
        return tag

    def is_listed(self, name: str) -> bool:
        """True when the knowledge base speaks of this canonical name."""
        return self.common_tag(name) is None and self._index.find(name) is not None

    def common_tag(self, name: str) -> Tag | None:
        """The sure tag of a canonical name of which nothing is known but what lies above it; None when that is not
        known yet.

        Names that nobody lists come in crowds below one parent.
        """
        common = self._unlisted_below.get(name.partition(".")[2])
        if common is None or self._index.names(name) or name in (self._owners or ()) or self._listed_owners.names(name):
            return None
        return common

    def knows_purpose(self, name: str) -> bool:
        """True when the knowledge base says what this canonical name is for, so that nothing is left to be guessed."""
        found = self._index.find(name)
        return found is not None and not _leaves_purpose_open(found[1])

    def sure_tag(self, name: str, maker: str = "") -> Tag:
        """As `tag`, without guessing from how the name is spelled: what a decision may rest on, at little cost.

        An unlisted name below a domain that one company owns is that company's, and nothing else is known of it.
        """
        common = self.common_tag(name)
        if common is not None:
            return common
        found = self._index.find(name)
        if found is not None and _leaves_purpose_open(found[1]):
            return self._open_tag(*found, maker)
        if found is not None or is_local(name):
            return self.tag(name, (), maker)
        parent = name.partition(".")[2]
        if parent not in self._unlisted_below and not self._index.speaks_below(parent):
            with self._lock:
                _make_room(self._unlisted_below)
                self._unlisted_below[parent] = self._owned_tag(parent)
        return self._owned_tag(name)

    def fact(self, name: str) -> Fact | None:
        """What the knowledge base itself says of this canonical name; None when it is silent."""
        found = self._index.find(name)
        return found[1] if found else None

    def party_by(self, rules: PartyRules, name: str, tag: Tag, maker: str = "") -> Party:
        """Whose a name with this tag is by one of the two sets of rules."""
        return party_by(rules, name, tag.company, tag.category, maker, self._companies)

    def company(self, name: str) -> Company | None:
        """What is known about the company of this name."""
        return self._companies.get(name) or described(name, self._listed_owners)

    def family(self, name: str) -> tuple[str, ...]:
        """The company of this name and its parents, nearest first."""
        return family(name, self._companies)

    def companies(self) -> tuple[Company, ...]:
        """Every company, by name."""
        return tuple(sorted(self._companies.values(), key=lambda company: company.name.casefold()))

    def services(self) -> tuple[Service, ...]:
        """Every service, by name."""
        return tuple(sorted(self._services.values(), key=lambda service: service.name.casefold()))

    def service_of(self, name: str) -> str | None:
        """The service that somebody uses who asks for this canonical name: it is the service's own, and neither watches
        nor is asked for by idle devices. None otherwise.
        """
        return self._service_names.used_by(name)

    def sign_of(self, name: str) -> tuple[str, bool] | None:
        """The service whose own canonical name this is, and whether the service is in use for that."""
        return self._service_names.sign_of(name)

    def names_of(self, service: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(its own patterns, the patterns of what watches in it), as rules spell them; both empty when unknown."""
        return self._service_names.of(service)

    def facts(self) -> Iterator[tuple[str, str, Fact]]:
        """(pattern, domain, fact) of every rule."""
        return self._index.items()

    def service_companies(self) -> frozenset[str]:
        """The companies that names of services belong to."""
        return frozenset(fact.company for _, _, fact in self._index.items() if fact.service and fact.company)

    def makers_of(self, maker: str) -> frozenset[str]:
        """A maker of devices and those whose system runs on them; none for ""."""
        known = self._companies.get(maker)
        return frozenset((maker, *known.platforms) if known else (maker,) if maker else ())

    def maker_of(self, name: str) -> str | None:
        """The maker whose televisions alone ask for this canonical name, or None."""
        if name not in self._makers:
            found = self._index.find(name)
            with self._lock:
                _make_room(self._makers)
                self._makers[name] = found[1].identifies if found else None
        return self._makers.get(name)

    def __len__(self) -> int:
        return len(self._index)

    def _remember(self, key: tuple[str, tuple[str, ...], str], tag: Tag) -> None:
        with self._lock:
            _make_room(self._memo)
            self._memo[key] = tag

    def _make_tag(self, name: str, targets: tuple[str, ...], maker: str, guess: bool) -> Tag:
        if is_local(name):
            tag = Tag(category=Category.LOCAL, confidence=1.0)
        else:
            found = self._index.find(name)
            tag = _from_fact(*found) if found else self._unlisted(name, guess)
            tag = self._follow(tag, bool(found), targets)
            if guess and tag.via is None and (found is None or _leaves_purpose_open(found[1])):
                tag = self._judge_spelling(tag, name, targets)
        if tag is UNTAGGED:
            return tag
        return replace(tag, party=party_of(tag.company, tag.category, maker, self._companies))

    def _follow(self, tag: Tag, known: bool, targets: Iterable[str]) -> Tag:
        """The tag, with what the CNAME chain tells: who only carries the name, and who hides behind it."""
        hosted_at, followed = None, None
        for target in targets:
            found = self._index.find(target)
            if found is None:
                continue
            pattern, fact = found
            if fact.hosts:
                hosted_at = fact.company
            elif followed is None and self._tells_more(tag, known, fact):
                followed = target, pattern, fact
        if followed is not None:
            tag = _unmask(tag, known, *followed)
        return replace(tag, hosted_at=hosted_at) if hosted_at not in (None, tag.company) else tag

    def _tells_more(self, tag: Tag, known: bool, fact: Fact) -> bool:
        if known and tag.category not in (Category.CDN, Category.CLOUD):
            hidden = fact.category.tracks and not tag.category.tracks
            return hidden and not self._related(tag.company, fact.company)
        return True

    def _related(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return False
        return family(one, self._companies)[-1] == family(other, self._companies)[-1]

    def look(self, name: str) -> Look:
        """How much a canonical name looks like a tracker by its spelling alone, whether it is listed or not.

        Raises SettingsError when the weights are damaged.
        """
        return self._learned().look(name, registrable_domain(name))

    def _learned(self) -> Model:
        if self._model is None:
            self._model = Model()
        return self._model

    def _unlisted(self, name: str, guess: bool) -> Tag:
        tag = self._owned_tag(name)
        if tag.company is None or tag.evidence or not guess:
            return tag
        says = f"{registrable_domain(name)} and what lies below it belong to {tag.company}, as far as we know."
        return replace(tag, evidence=(Evidence(says, OWN_GUESS),))

    def _judge_spelling(self, tag: Tag, name: str, targets: tuple[str, ...]) -> Tag:
        """The tag with what the spelling says the name is for, marked as a guess; as it was where it says nothing."""
        registrable = registrable_domain(name)
        word = guess_category(name, registrable)
        if word is None or word[0].tracks:
            looks = self._looks_like(name, registrable, tag.company, word[0] if word else None, targets)
            if looks is not None:
                category, says = looks
                return _guessed(tag, category, _LOOKS_CONFIDENCE, says)
        if word is None:
            return tag
        says = f"Nobody has listed this name; the word “{word[1]}” in it may mean {word[0].value}. We are not sure."
        return _guessed(tag, word[0], _WORD_CONFIDENCE, says)

    def _looks_like(
        self, name: str, registrable: str | None, owner: str | None, category: Category | None, targets: tuple[str, ...]
    ) -> tuple[Category, str] | None:
        """(what for, why) of an unlisted name, or of an unlisted name that it leads to, whose spelling is that of a
        tracker; None where neither is. A bare domain has no service name to judge.
        """
        model = self._learned()
        for at, candidate in enumerate((name, *targets)):
            domain = registrable if at == 0 else registrable_domain(candidate)
            if domain is None or domain == candidate or (at and self._index.find(candidate) is not None):
                continue
            look = model.look(candidate, domain)
            if not look.shown:
                continue
            if category is None:
                measures = Category.TELEMETRY if owner else Category.ANALYTICS
                category = Category.ADVERTISING if look.advertises >= _ADVERTISES else measures
            whose = "it" if at == 0 else f"it leads to {candidate}, which"
            because = model.because(candidate, domain)
            reason = f", because {because}" if because else ""
            return category, (
                f"Nobody has listed this name; {whose} looks like {category.value} ({look.probability:.2f}){reason}."
            )
        return None

    def _domain_owners(self) -> dict[str, str]:
        if self._owners is None:
            self._owners = earned_owners(self._index.items(), self._shared)
        return self._owners

    def _open_tag(self, pattern: str, fact: Fact, maker: str) -> Tag:
        """The sure tag of every name that this rule means: whose it is, and not what it is for."""
        tag = self._open.get((pattern, maker))
        if tag is None:
            tag = _from_fact(pattern, fact)
            tag = replace(tag, party=party_of(tag.company, tag.category, maker, self._companies))
            with self._lock:
                _make_room(self._open)
                self._open[pattern, maker] = tag
        return tag

    def _owned_tag(self, name: str) -> Tag:
        # Only registrable domains stand in the table, and a name has no other one among its parents.
        owners, dot = self._owners if self._owners is not None else self._domain_owners(), -1
        while True:
            owner = owners.get(name[dot + 1 :])
            if owner is not None:
                tag = self._owned.get(owner)
                if tag is None:
                    tag = self._owned[owner] = Tag(owner, confidence=_OWNER_CONFIDENCE)
                return tag
            dot = name.find(".", dot + 1)
            if dot < 0:
                found = self._listed_owners.find(name)
                return UNTAGGED if found is None else tag_of(found)


def _make_room(memo: dict[Any, Any]) -> None:
    if len(memo) >= _MEMO:
        for old in list(memo)[: _MEMO // 8]:
            del memo[old]


def _leaves_purpose_open(fact: Fact) -> bool:
    """True for a rule that names the owner of a domain, and nothing that may be lost with a name in it."""
    return fact.category is Category.UNKNOWN and fact.need in (Need.UNKNOWN, Need.NOT_NEEDED)


def _guessed(tag: Tag, category: Category, confidence: float, says: str) -> Tag:
    return replace(tag, category=category, confidence=confidence, evidence=(*tag.evidence, Evidence(says, OWN_GUESS)))


def _from_fact(pattern: str, fact: Fact) -> Tag:
    return Tag(
        company=fact.company,
        category=fact.category,
        need=fact.need,
        brand=fact.brand,
        symptom=fact.symptom,
        rule=pattern,
        confidence=fact.confidence,
        evidence=fact.evidence,
        service=fact.service,
        needed_by=fact.needed_by,
    )


def _unmask(tag: Tag, known: bool, target: str, pattern: str, fact: Fact) -> Tag:
    """The target's tag; what a person loses when the name itself is blocked stays as it was."""
    followed = replace(_from_fact(pattern, fact), via=target)
    if known and tag.need in _KEPT:
        return replace(followed, need=tag.need, symptom=tag.symptom, evidence=followed.evidence + tag.evidence)
    return followed
