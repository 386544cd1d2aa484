from __future__ import annotations

from dataclasses import replace

from gateway.classifier.heuristics import OWN_GUESS
from gateway.classifier.service import Classifier
from gateway.classifier.wording import LOOKS_LIKE, sentence
from gateway.model.tag import Category, Evidence, Need, Party, Tag


def test_a_tracker_in_plain_words() -> None:
    tag = Tag("Samsung", Category.ACR, Party.FIRST, Need.NOT_NEEDED, brand="Samsung ACR", confidence=0.95)
    assert sentence("log.samsungacr.com", tag) == (
        "log.samsungacr.com was contacted. It belongs to Samsung (Samsung ACR); it is for recognising what is on the "
        "screen (ACR). Nothing visible is known to be lost when it is blocked."
    )


def test_what_breaks_is_reported_before_the_click() -> None:
    tag = Tag("Samsung", Category.TIME, Party.FIRST, Need.REQUIRED, symptom="The clock stops.", confidence=0.9)
    assert sentence("time.x.tv", tag).endswith("it is for setting the clock. If it is blocked: The clock stops.")


def test_a_third_party_and_a_landlord_are_called_so() -> None:
    tag = Tag("Netflix", Category.CONTENT, Party.THIRD, hosted_at="Akamai", confidence=0.9)
    assert sentence("x.nflximg.com", tag) == (
        "x.nflximg.com was contacted. It belongs to Netflix, a third party; it is for programmes, pictures and apps. "
        "The computers are rented from Akamai, which only carries it."
    )


def test_a_platform_is_called_so() -> None:
    tag = Tag("Tuya", Category.ESSENTIAL, Party.PLATFORM, confidence=0.9)
    assert sentence("a3.tuyaeu.com", tag) == (
        "a3.tuyaeu.com was contacted. It belongs to Tuya, which runs devices for many makers; it is for something the "
        "device needs to work."
    )


def test_a_disguise_is_lifted() -> None:
    tag = Tag("Adobe", Category.ANALYTICS, Party.THIRD, via="x.omtrdc.net", confidence=0.9)
    assert "It leads to x.omtrdc.net: behind it stands Adobe, a third party" in sentence("m.example.com", tag)


def test_a_dispute_is_reported() -> None:
    assert "Sources disagree" in sentence("a.b", Tag("Amazon", Category.TELEMETRY, need=Need.DISPUTED, confidence=0.7))


def test_a_guess_is_called_uncertain() -> None:
    unsure, likely, fact = (Tag(None, Category.TELEMETRY, confidence=sure) for sure in (0.3, LOOKS_LIKE, 0.5))
    assert "a word in it may mean reports" in sentence("log.example.org", unsure)
    assert "but we are not sure" in sentence("log.example.org", unsure)
    assert "by its spelling it looks like reports" in sentence("log.example.org", likely)
    assert "not certain" in sentence("log.example.org", fact)
    assert "but we are not sure" in sentence("log.roku.com", replace(unsure, company="Roku"))


def test_nothing_known_is_said_plainly() -> None:
    assert sentence("x.example.org", Tag()) == (
        "x.example.org was contacted. Nobody has said yet whose it is or what it is for."
    )
    assert "what it is for is not known" in sentence("x.roku.com", Tag("Roku", confidence=0.5))


def test_names_of_the_home_are_looked_up_not_contacted() -> None:
    assert sentence("tv.lan", Tag(category=Category.LOCAL)) == "tv.lan was looked up: a name inside your own network."
    assert "own network" in sentence("home.arpa", Tag(category=Category.LOCAL))
    assert "asks what an address is called" in sentence("4.3.2.1.in-addr.arpa", Tag(category=Category.LOCAL))


def test_a_name_of_monstrous_length_is_shortened() -> None:
    assert len(sentence("a" * 250, Tag())) < 160


def test_every_listed_name_can_be_said_and_nothing_is_ever_sent() -> None:
    classifier = Classifier.load()
    for text, domain, _ in classifier._index.items():
        said = sentence(domain, classifier.tag(domain, maker="Samsung"))
        assert "contacted" in said, text
        assert " sent" not in said, text
        assert not said.endswith(".."), text
        assert said.endswith("."), text


def test_a_known_owner_and_a_guessed_purpose_are_kept_apart() -> None:
    guess = Evidence("The word ads.", OWN_GUESS)
    tag = Tag("Samsung", Category.ADVERTISING, rule=".samsung.com", confidence=0.3, evidence=(guess,))
    said = sentence("ads.samsung.com", tag)
    assert said.endswith("It belongs to Samsung; a word in it may mean advertising, but we are not sure.")
