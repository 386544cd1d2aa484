"""The lists that others keep: each can be subscribed to as it stands here."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.lists.known import KNOWN_LISTS
from gateway.settings import list_source


def test_each_is_an_address_that_may_be_subscribed_to() -> None:
    for known in KNOWN_LISTS:
        assert list_source(known.source) == known.source
        for address in (known.source, known.home):
            assert urlsplit(address).scheme == "https", "what comes over http can be changed on its way"


def test_none_is_listed_twice_and_those_for_televisions_come_first() -> None:
    for texts in ([known.source for known in KNOWN_LISTS], [known.title for known in KNOWN_LISTS]):
        assert len(set(texts)) == len(texts)
    suits = [known.suits for known in KNOWN_LISTS]
    assert suits == sorted(suits, key=["televisions", "every device", "owners"].index)


def test_each_says_in_one_sentence_what_it_is_for() -> None:
    for known in KNOWN_LISTS:
        assert known.about.endswith(".")
        assert len(known.about) < 80
