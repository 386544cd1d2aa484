"""Checks what a contributor wrote and says what to do about it. knowledge/README.md is the same in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.classifier.advice import meant, shown
from gateway.classifier.company import Company
from gateway.classifier.fact import Fact
from gateway.classifier.pattern import Pattern, parse_pattern
from gateway.classifier.rule_file import Row, read_rows
from gateway.classifier.used_service import Service
from gateway.model.countries import COUNTRY_WORDS
from gateway.model.tag import Category, Evidence, Need

_CATEGORIES = {c.value: c for c in Category}
_NEEDS = {n.value: n for n in Need}
_RULE_KEYS = {
    "company", "brand", "category", "need", "needed by", "symptom", "confidence", "identifies", "cadence", "service",
    "idle",
}  # fmt: skip
_COMPANY_KEYS = {
    "parent", "country", "business", "privacy", "line", "devices", "platforms", "owned_since", "owner_source",
    "iot_platform",
}  # fmt: skip
_SERVICE_KEYS = {"company", "kind", "stops"}
_KINDS = {"television", "music", "games", "social"}
_SOURCE_KEYS = {"title", "url", "date", "lived_without"}
_SOURCE_WORDS = {"says", "source", "sources", "evidence", "from"}
_HOW_A_SOURCE_SPEAKS = 'write "KEY says: …" with the key of an entry in sources.toml'
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_CARRIER_KEYS = {"from", "domains"}
_DATE = re.compile(r"(19|20)\d{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_NUMBER = re.compile(r"[01](\.\d{1,3})?")
_CADENCE = re.compile(r"([1-9]\d{0,4}) s")
_MAX_TEXT, _MAX_NAME = 300, 80


@dataclass(frozen=True, slots=True)
class Nameable:
    """What a rule may name. `heard` is what a source said before: many rules say the same of it, and share it."""

    companies: Mapping[str, Company]
    services: Mapping[str, Service]
    sources: Mapping[str, tuple[str, str]]
    heard: dict[tuple[str, str], Evidence] = field(default_factory=dict)


class Problem(ValueError):
    """One thing that is wrong in a knowledge file; `str()` says where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one or several files, and which of them each stands in."""

    rows: Mapping[str, Any]
    files: Mapping[str, str]

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """(name, where it stands, what is said) of each. Raises Problem."""
        for name, row in self.rows.items():
            where = f'{self.files[name]}, ["{name}"]'
            if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
                place = f"{self.files[name]}, [{shown(name)}]"
                raise Problem(f"{place}: a name is one line of 1 to {_MAX_NAME} characters; shorten it.")
            yield name, where, row


def read_companies(tables: Tables) -> dict[str, Company]:
    """The companies of companies.toml and its likes. Raises Problem."""
    companies, places = {}, {}
    for name, where, row in tables.items():
        companies[name], places[name] = _read_company(where, name, row), where
    for company in companies.values():
        for other in (*filter(None, [company.parent]), *company.platforms):
            _refuse_unknown_company(places[company.name], other, companies)
        _refuse_circle(places[company.name], company, companies)
    return companies


def read_services(tables: Tables, companies: Mapping[str, Company]) -> dict[str, Service]:
    """The services of services.toml and its likes. Raises Problem."""
    services = {}
    for name, where, row in tables.items():
        _refuse_strange(where, row, _SERVICE_KEYS)
        company, kind = _text(where, row, "company"), _text(where, row, "kind")
        _refuse_unknown_company(where, company, companies)
        if kind not in _KINDS:
            raise Problem(f"{where}: kind {shown(kind)} is not one of {_listed(_KINDS)}; write the nearest of them.")
        if name in companies and companies[name].devices:
            raise Problem(f"{where}: {shown(name)} is a maker of devices; give the service its own name.")
        services[name] = Service(name, company, kind, _text(where, row, "stops"))
    return services


def read_sources(tables: Tables) -> dict[str, tuple[str, str]]:
    """Key -> (title and address, date) of every source in sources.toml and its likes. Raises Problem."""
    sources = {}
    for key, where, row in tables.items():
        if not _KEY.fullmatch(key):
            raise Problem(f"{where}: the key of a source is one word of small letters, digits and _; choose another.")
        _refuse_strange(where, row, _SOURCE_KEYS)
        date = _text(where, row, "date", optional=True)
        if date and not _DATE.fullmatch(date):
            raise Problem(f"{where}: date {shown(date)} must look like 2026, 2026-09 or 2026-09-08.")
        url = _text(where, row, "url")
        if not url.startswith("https://"):
            raise Problem(f"{where}: url {shown(url)} must be an https:// address where a reader finds the statement.")
        if not isinstance(row.get("lived_without", False), bool):
            raise Problem(f"{where}: lived_without must be true or false, without quotes.")
        sources[key] = (f"{_text(where, row, 'title')}, {url}", date)
    return sources


def read_carriers(tables: Tables, sources: Mapping[str, Any]) -> frozenset[str]:
    """The domains of carriers.toml, in which strangers have names. Raises Problem."""
    shared: set[str] = set()
    for _, where, row in tables.items():
        _refuse_strange(where, row, _CARRIER_KEYS)
        said_by, domains = (_texts(where, row, key) for key in ("from", "domains"))
        if not said_by or not sources.keys() >= set(said_by):
            raise Problem(f'{where}: from must name entries of sources.toml, such as ["companiesdb"].')
        if twice := [domain for domain in domains if domain in shared]:
            raise Problem(f"{where}: {shown(twice[0])} stands in another list already; keep one of them.")
        shared.update(domains)
    return frozenset(shared)


def read_rules(file: str, text: str, known: Nameable) -> Iterator[tuple[Pattern, Fact]]:
    """Every pattern of one file of rules with what is said about it. Raises Problem."""
    try:
        for row in read_rows(text):
            where = f"{file}, the rule at line {row.line} ({shown(row.names[0])})"
            fact = _read_fact(where, row, known)
            for name in row.names:
                try:
                    yield parse_pattern(name), fact
                except ValueError as error:
                    raise Problem(f"{file}, the rule at line {row.line}: {error}") from None
    except Problem:
        raise
    except ValueError as error:
        raise Problem(f"{file}, {error}") from None


def _read_fact(where: str, row: Row, known: Nameable) -> Fact:
    values, companies = row.values, known.companies
    _refuse_strange(where, values, _RULE_KEYS)
    for key, value in values.items():
        # What a rule file says is text that is not empty.
        if len(value) > _MAX_TEXT or not value.isprintable():
            raise Problem(f"{where}: {shown(key)} must be one line of at most {_MAX_TEXT} characters; shorten it.")
    company, identifies = values.get("company"), values.get("identifies")
    for name in (company, identifies):
        if name is not None:
            _refuse_unknown_company(where, name, companies)
    if identifies and not companies[identifies].devices:
        raise Problem(
            f"{where}: identifies names {shown(identifies)}, which sells no devices; add devices = true to its entry, "
            "or leave identifies out."
        )
    need = _choice(where, values, "need", _NEEDS, "unknown")
    symptom = values.get("symptom", "")
    if not symptom and need in (Need.REQUIRED, Need.DEGRADES):
        raise Problem(f"{where}: need is {need.value!r}, so add a symptom: what a person sees when it is blocked.")
    if symptom and need in (Need.UNKNOWN, Need.NOT_NEEDED) and "needed by" not in values:
        raise Problem(
            f"{where}: a symptom is said, and need is {need.value!r}; write need: degrades or required, or leave the "
            "symptom out."
        )
    return Fact(
        company=company,
        category=_choice(where, values, "category", _CATEGORIES),
        need=need,
        confidence=_read_confidence(where, values.get("confidence", "")),
        evidence=_read_evidence(where, row.evidence, known),
        brand=values.get("brand"),
        symptom=symptom,
        identifies=identifies,
        cadence=_read_cadence(where, values["cadence"]) if "cadence" in values else None,
        service=_read_service(where, values["service"], known.services) if "service" in values else None,
        needed_by=_read_needed_by(where, values, need, known) if "needed by" in values else (),
        asked_idle=_read_idle(where, values) if "idle" in values else False,
    )


def _read_service(where: str, service: str, services: Mapping[str, Service]) -> str:
    if service not in services:
        raise Problem(
            f"{where}: the service {shown(service)} has no entry in services.toml or a services-….toml; add one or fix "
            "its spelling."
            f"{meant(service, services)}"
        )
    return service


def _read_idle(where: str, values: Mapping[str, str]) -> bool:
    if values["idle"] != "yes":
        raise Problem(f'{where}: write "idle: yes", or leave idle out where nobody has seen the name asked for idly.')
    if "service" not in values:
        raise Problem(f"{where}: idle is said of a name of a service; add the service, or leave idle out.")
    return True


def _read_needed_by(where: str, values: Mapping[str, str], need: Need, known: Nameable) -> tuple[str, ...]:
    if need is not Need.DEGRADES:
        raise Problem(
            f"{where}: with needed by, need must be degrades: something stops on some devices. Write "
            '"need: degrades" and its symptom, or leave needed by out.'
        )
    names = tuple(name.strip() for name in values["needed by"].split(";"))
    for name in names:
        maker = known.companies.get(name)
        if name not in known.services and not (maker and maker.devices):
            makers = {each.name for each in known.companies.values() if each.devices}
            raise Problem(
                f"{where}: needed by names {shown(name)}, which is neither a service of services.toml nor a company "
                "with devices = true; add it there or fix its spelling, and part several by a semicolon."
                f"{meant(name, known.services.keys() | makers)}"
            )
    return names


def _read_confidence(where: str, text: str) -> float:
    if not text:
        raise Problem(f'{where}: confidence is missing; add how sure the sources make you, such as "confidence: 0.7".')
    if not _NUMBER.fullmatch(text) or not 0 < float(text) <= 1:
        raise Problem(f"{where}: confidence {shown(text)} must be a number above 0 and up to 1, such as 0.8 for 80 %.")
    return float(text)


def _read_cadence(where: str, text: str) -> int:
    found = _CADENCE.fullmatch(text)
    if found is None:
        raise Problem(f'{where}: cadence {shown(text)} must look like "15 s": the seconds between two contacts.')
    return int(found[1])


def _read_evidence(where: str, said: Mapping[str, str], known: Nameable) -> tuple[Evidence, ...]:
    if not said:
        raise Problem(f'{where}: at least one source must speak for it; add "perflyst says: Blocks it." or the like.')
    spoken = []
    for key, says in said.items():
        evidence = known.heard.get((key, says))
        if evidence is None:
            if key not in known.sources:
                lines = " Each source has a line of its own." if "," in key or " " in key else ""
                raise Problem(
                    f"{where}: the source {shown(key)} has no entry in sources.toml or a sources-….toml; add one, or "
                    f"fix its spelling.{lines}{meant(key, known.sources)}"
                )
            evidence = known.heard[key, says] = Evidence(_text(where, said, key), *known.sources[key])
        spoken.append(evidence)
    return tuple(spoken)


def _read_company(where: str, name: str, row: Any) -> Company:
    _refuse_strange(where, row, _COMPANY_KEYS)
    country = _text(where, row, "country")
    if country not in COUNTRY_WORDS:
        kingdom = " The United Kingdom is GB." if country.upper() in ("UK", "EN") else ""
        raise Problem(
            f"{where}: country {shown(country)} is no code of ISO 3166-1, which is two capital letters, such as KR."
            f"{kingdom}{meant(country, COUNTRY_WORDS)}"
        )
    privacy = _text(where, row, "privacy", optional=True)
    if privacy and not privacy.startswith("https://"):
        raise Problem(f"{where}: privacy {shown(privacy)} must be an https:// address; leave it out when it has none.")
    for key in ("devices", "iot_platform"):
        if not isinstance(row.get(key, False), bool):
            raise Problem(f"{where}: {key} must be true or false, without quotes.")
    platforms = row.get("platforms", [])
    if not isinstance(platforms, list) or not all(isinstance(p, str) for p in platforms):
        raise Problem(f'{where}: platforms must be a list of companies, such as ["Roku", "Google"].')
    parent = _text(where, row, "parent", optional=True) or None
    since, source = (_text(where, row, key, optional=True) for key in ("owned_since", "owner_source"))
    if since and not _DATE.fullmatch(since):
        raise Problem(f"{where}: owned_since {shown(since)} must look like 2022, 2022-01 or 2022-01-01.")
    if source and not source.startswith("https://"):
        raise Problem(f"{where}: owner_source {shown(source)} must be an https:// address that says who owns it.")
    if (since or source) and not (parent and since and source):
        raise Problem(f"{where}: parent, owned_since and owner_source belong together; add what is missing.")
    return Company(
        name=name,
        country=country,
        business=_text(where, row, "business"),
        privacy=privacy,
        line=_text(where, row, "line"),
        parent=parent,
        devices=row.get("devices", False),
        platforms=tuple(platforms),
        owned_since=since,
        owner_source=source,
        iot_platform=row.get("iot_platform", False),
    )


def _refuse_unknown_company(where: str, name: str, companies: Mapping[str, Company]) -> None:
    if name not in companies:
        raise Problem(
            f"{where}: {shown(name)} has no entry in companies.toml or a companies-….toml; add one or fix its spelling."
            f"{meant(name, companies)}"
        )


def _refuse_circle(where: str, company: Company, companies: Mapping[str, Company]) -> None:
    seen, at = {company.name}, company.parent
    while at is not None:
        if at in seen or at not in companies:
            raise Problem(f"{where}: its parents run in a circle, by way of {shown(at)}; one parent is wrong.")
        seen.add(at)
        at = companies[at].parent


def _refuse_strange(where: str, row: Any, known: set[str]) -> None:
    if not isinstance(row, dict):
        raise Problem(f'{where}: must be a table; begin it with ["its name"] in a line of its own.')
    if not row.keys() <= known:
        strange = min(row.keys() - known)
        if known is _RULE_KEYS and strange.casefold().strip() in _SOURCE_WORDS:
            raise Problem(f"{where}: {shown(strange)} is not known here; {_HOW_A_SOURCE_SPEAKS}.")
        if known is _RULE_KEYS and strange.casefold().endswith(" says"):
            raise Problem(f"{where}: {shown(strange)} is not known here; {_HOW_A_SOURCE_SPEAKS}, in small letters.")
        if isinstance(row[strange], dict):
            raise Problem(f'{where}: {shown(strange)} is a table in a table; a name with a dot needs quotes: ["…"].')
        raise Problem(f"{where}: {shown(strange)} is not known here; use {_listed(known)}.{meant(strange, known)}")


def _text(where: str, row: Mapping[str, Any], key: str, *, optional: bool = False) -> str:
    value = row.get(key)
    if value is None and optional:
        return ""
    if value is None:
        raise Problem(f'{where}: {key} is missing; add {key} = "…".')
    if not isinstance(value, str) or (not value and not optional):
        raise Problem(f'{where}: {key} must be text in quotes, as {key} = "…".')
    if len(value) > _MAX_TEXT or not (value.isprintable() or not value):
        raise Problem(f"{where}: {key} must be one line of at most {_MAX_TEXT} characters; shorten it.")
    return value


def _texts(where: str, row: Mapping[str, Any], key: str) -> list[str]:
    values = row.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Problem(f'{where}: {key} must be a list of texts, such as ["one", "two"].')
    return values


def _choice(where: str, row: Mapping[str, Any], key: str, choices: Mapping[str, Any], default: str = "") -> Any:
    value = row.get(key, default)
    if not value:
        raise Problem(f"{where}: {key} is missing; add one of {_listed(set(choices))}.")
    if value not in choices:
        remark = "a comment needs a line of its own" if "#" in value else "knowledge/README.md says what each means"
        raise Problem(
            f"{where}: {key} {shown(value)} is not one of {_listed(set(choices))}; {remark}.{meant(value, choices)}"
        )
    return choices[value]


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))
