from __future__ import annotations

import pytest

from gateway.classifier.company import Company
from gateway.classifier.loader import load_knowledge
from gateway.classifier.party import family, party_of
from gateway.model.tag import Category, Party

COMPANIES = load_knowledge().companies


def party(company: str | None, category: Category, maker: str) -> Party:
    return party_of(company, category, maker, COMPANIES)


@pytest.mark.parametrize("company", ["Amazon", "Ring", "Twitch", "Amazon Web Services"])
def test_the_makers_family_is_the_first_party(company: str) -> None:
    assert party(company, Category.CONTENT, "Amazon") is Party.FIRST


def test_the_label_is_relative_to_the_device() -> None:
    assert party("Amazon", Category.CONTENT, "Samsung") is Party.THIRD
    assert party("Alphonso", Category.ACR, "LG") is Party.FIRST
    assert party("Alphonso", Category.ACR, "Sony") is Party.THIRD


def test_netflix_is_a_third_party_on_every_television() -> None:
    for maker in ("Samsung", "LG", "Roku", "Amazon", "Apple"):
        assert party("Netflix", Category.CONTENT, maker) is Party.THIRD


@pytest.mark.parametrize("category", [Category.CDN, Category.CLOUD, Category.DNS, Category.TIME])
def test_who_only_helps_is_a_support_party(category: Category) -> None:
    assert party("Akamai", category, "Samsung") is Party.SUPPORT
    assert party("Amazon Web Services", category, "Samsung") is Party.SUPPORT
    assert party("Akamai", category, "") is Party.SUPPORT


def test_a_cloud_is_the_first_party_for_devices_of_its_own_family() -> None:
    assert party("Amazon Web Services", Category.CLOUD, "Amazon") is Party.FIRST


def test_roku_is_the_platform_of_a_television_by_tcl() -> None:
    assert party("Roku", Category.TELEMETRY, "TCL") is Party.FIRST
    assert party("Roku", Category.UPDATE, "TCL") is Party.FIRST
    assert party("TCL", Category.TELEMETRY, "Roku") is Party.THIRD


def test_a_platforms_advertising_is_its_own_business() -> None:
    assert party("Google", Category.UPDATE, "Sony") is Party.FIRST
    assert party("Google", Category.ADVERTISING, "Sony") is Party.THIRD
    assert party("Google", Category.ANALYTICS, "Sony") is Party.THIRD


def test_without_a_maker_only_companies_without_devices_are_surely_third() -> None:
    assert party("Netflix", Category.CONTENT, "") is Party.THIRD
    assert party("Samsung", Category.ACR, "") is Party.UNKNOWN
    assert party("Twitch", Category.CONTENT, "") is Party.UNKNOWN


def test_a_maker_that_nobody_described_makes_everybody_else_third() -> None:
    assert party("Samsung", Category.ACR, "Bedroom Inc") is Party.THIRD


def test_local_names_and_unknown_owners_have_no_side() -> None:
    assert party(None, Category.LOCAL, "Samsung") is Party.LOCAL
    assert party(None, Category.UNKNOWN, "Samsung") is Party.UNKNOWN
    assert party(None, Category.CDN, "Samsung") is Party.SUPPORT


def test_a_family_runs_up_to_the_topmost_parent() -> None:
    assert family("Inscape", COMPANIES) == ("Inscape", "Vizio", "Walmart")
    assert family("Nobody", COMPANIES) == ("Nobody",)


def test_a_circle_of_parents_ends() -> None:
    ring = {n: Company(n, "US", "b", "", "l", parent=p) for n, p in (("a", "b"), ("b", "a"))}
    assert len(family("a", ring)) <= 17


@pytest.mark.parametrize("company", ["Tuya", "AWS IoT", "Azure IoT"])
def test_a_platform_that_runs_devices_of_many_makers_is_a_party_of_its_own(company: str) -> None:
    for category in (Category.CLOUD, Category.ESSENTIAL, Category.TELEMETRY):
        for maker in ("Signify", "A brand that nobody knows", ""):
            assert party(company, category, maker) is Party.PLATFORM


def test_a_platform_is_the_makers_own_where_it_is_of_its_family() -> None:
    assert party("AWS IoT", Category.CLOUD, "Ring") is Party.FIRST
    assert party("Azure IoT", Category.CLOUD, "Microsoft") is Party.FIRST
    assert party("Amazon Web Services", Category.CLOUD, "Signify") is Party.SUPPORT


def test_what_a_platform_owns_is_of_the_platform() -> None:
    companies = {
        "Platform": Company("Platform", "CN", "an IoT platform", "", "Runs devices.", iot_platform=True),
        "Pictures": Company("Pictures", "CN", "pictures", "", "Keeps pictures.", parent="Platform"),
    }
    assert party_of("Pictures", Category.CONTENT, "Signify", companies) is Party.PLATFORM
