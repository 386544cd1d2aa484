"""The study's rules and ours, on the names where they differ."""

from __future__ import annotations

import pytest

from gateway.classifier.loader import load_knowledge
from gateway.classifier.party_rules import PartyRules, party_by
from gateway.model.tag import Category, Party

_COMPANIES = load_knowledge().companies


def _party(rules: PartyRules, name: str, company: str | None, category: Category, maker: str) -> Party:
    return party_by(rules, name, company, category, maker, _COMPANIES)


@pytest.mark.parametrize(
    ("name", "company", "category", "maker", "telltale", "study"),
    [
        ("api.netflix.com", "Netflix", Category.CONTENT, "Roku", Party.THIRD, Party.FIRST),
        ("api.netflix.com", "Netflix", Category.CONTENT, "LG", Party.THIRD, Party.THIRD),
        ("eu-acr1.alphonso.tv", "Alphonso", Category.ACR, "LG", Party.FIRST, Party.THIRD),
        ("x.cloudfront.net", "Amazon Web Services", Category.CDN, "LG", Party.SUPPORT, Party.SUPPORT),
        ("x.cloudfront.net", "Amazon Web Services", Category.CDN, "Amazon", Party.FIRST, Party.FIRST),
        ("aax.amazon-adsystem.com", "Amazon", Category.ADVERTISING, "Samsung", Party.THIRD, Party.SUPPORT),
        ("api.ring.com", "Ring", Category.ACCOUNT, "Amazon", Party.FIRST, Party.THIRD),
        ("log.samsungacr.com", "Samsung", Category.ACR, "Samsung", Party.FIRST, Party.FIRST),
        ("a.b.akamai.net", "Akamai", Category.CDN, "Sony", Party.SUPPORT, Party.SUPPORT),
        ("doubleclick.net", "Google", Category.ADVERTISING, "Sony", Party.THIRD, Party.THIRD),
    ],
)
def test_both_rule_sets_decide(
    name: str, company: str, category: Category, maker: str, telltale: Party, study: Party
) -> None:
    assert _party(PartyRules.TELLTALE, name, company, category, maker) is telltale
    assert _party(PartyRules.STUDY, name, company, category, maker) is study


def test_the_study_finds_org_inside_other_words() -> None:
    assert _party(PartyRules.STUDY, "x.example", "Forgotten Films", Category.CONTENT, "LG") is Party.SUPPORT


def test_names_inside_the_home_are_local_under_both() -> None:
    for rules in PartyRules:
        assert _party(rules, "printer.lan", None, Category.LOCAL, "LG") is Party.LOCAL
