from __future__ import annotations

from gateway.devices.fingerprint import Fingerprint, decide_maker


def test_three_names_of_one_maker_are_enough() -> None:
    seen = Fingerprint()
    for name in ("scribe.logs.roku.com", "api.sr.roku.com"):
        seen.add("Roku", name)
        assert seen.maker() is None
    seen.add("Roku", "tvupdate.roku.com")
    assert seen.maker() == "Roku"


def test_the_same_name_again_tells_nothing_new() -> None:
    seen = Fingerprint()
    for _ in range(10):
        seen.add("Roku", "scribe.logs.roku.com")
    assert seen.maker() is None


def test_a_telephone_with_two_television_apps_is_no_television() -> None:
    assert decide_maker({"Roku": 2, "Samsung": 2}) is None


def test_a_box_behind_which_two_televisions_hide_is_neither() -> None:
    assert decide_maker({"Roku": 5, "Samsung": 4}) is None
    assert decide_maker({"Roku": 8, "Samsung": 4}) == "Roku"


def test_nothing_seen_is_nothing_known() -> None:
    assert decide_maker({}) is None


def test_what_is_kept_is_bounded() -> None:
    seen = Fingerprint()
    for number in range(1000):
        seen.add("Roku", f"{number}.logs.roku.com")
    assert sum(map(len, seen._names.values())) <= 32
