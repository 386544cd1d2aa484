"""What explains an address, and what a block takes away with it."""

from __future__ import annotations

from gateway.exposure.resolved import ResolvedNames

TV, PHONE = "mac:02:00:00:00:00:01", "mac:02:00:00:00:00:02"
HERE, THERE, CDN = b"\xcb\x00\x71\x01", b"\xcb\x00\x71\x02", b"\xcb\x00\x71\x03"


def test_an_address_is_explained_by_the_answer_that_gave_it() -> None:
    resolved = ResolvedNames()
    resolved.note(TV, "ads.example", (HERE, THERE), 10.0)
    assert resolved.explain(TV, HERE, 11.0) == "ads.example"
    assert resolved.explain(PHONE, HERE, 11.0) is None
    assert resolved.explain(TV, CDN, 11.0) is None


def test_of_several_names_the_one_answered_last_before_the_connection_explains_it() -> None:
    resolved = ResolvedNames()
    resolved.note(TV, "old.example", (CDN,), 10.0)
    resolved.note(TV, "shop.example", (CDN,), 20.0)
    resolved.note(TV, "later.example", (CDN,), 30.0)
    assert resolved.explain(TV, CDN, 25.0) == "shop.example"
    assert resolved.explain(TV, CDN, 99.0) == "later.example"


def test_names_that_share_an_address_begin_spans() -> None:
    """A page calls one and the other within a second, and what they exchanged is counted seconds later."""
    resolved = ResolvedNames()
    answers = [("ads.example", 10.0), ("film.example", 10.1), ("film.example", 10.15), ("ads.example", 10.2)]
    for name, when in answers:
        resolved.note(TV, name, (CDN,), when)
    resolved.note(TV, "late.example", (CDN,), 10.17)
    seen = [resolved.explain(TV, CDN, when) for when in (9.9, 10.05, 10.11, 10.16, 10.18, 10.3, 99.0)]
    ads, film = "ads.example", "film.example"
    assert seen == [ads, ads, film, film, "late.example", ads, ads]


def test_changes_are_bounded_by_number_and_by_age() -> None:
    resolved = ResolvedNames()
    for number in range(1000):
        resolved.note(TV, f"{'ab'[number % 2]}.example", (CDN,), number * 0.01)
    assert resolved.explain(TV, CDN, 9.9801) == "a.example"
    assert resolved.explain(TV, CDN, 9.9901) == "b.example"
    # Of the first answers nothing is left.
    assert resolved.explain(TV, CDN, 0.0) == resolved.explain(TV, CDN, 9.3601) == "a.example"
    assert resolved.explain(TV, CDN, 0.0101) == "a.example"
    resolved.note(TV, "new.example", (CDN,), 500.0)
    assert resolved.explain(TV, CDN, 9.9801) == "b.example"


def test_a_row_that_comes_late_still_explains() -> None:
    resolved = ResolvedNames()
    resolved.note(TV, "slow.example", (HERE,), 12.0)
    assert resolved.explain(TV, HERE, 11.9) == "slow.example"


def test_a_name_that_is_answered_again_is_the_newest() -> None:
    resolved = ResolvedNames()
    for name, when in (("a.example", 1.0), ("b.example", 2.0), ("a.example", 3.0)):
        resolved.note(TV, name, (HERE,), when)
    assert resolved.names_of(TV, HERE) == ("b.example", "a.example")


def test_only_what_no_allowed_name_explains_is_taken_away() -> None:
    resolved = ResolvedNames()
    resolved.note(TV, "ads.example", (HERE, CDN), 10.0)
    resolved.note(TV, "film.example", (CDN, THERE), 10.0)
    assert resolved.only(TV, 0.0, lambda name: name == "ads.example") == {HERE}
    assert resolved.only(TV, 0.0, lambda name: True) == {HERE, THERE, CDN}
    assert resolved.only(TV, 11.0, lambda name: True) == frozenset()
    assert resolved.only(PHONE, 0.0, lambda name: True) == frozenset()


def test_nothing_grows_without_bound() -> None:
    resolved = ResolvedNames(devices=3, addresses=10, names=2)
    for number in range(100):
        address = number.to_bytes(4)
        resolved.note(TV, f"n{number}.example", (address, HERE), float(number))
        resolved.note(f"d{number}", "x.example", (HERE,), float(number))
        resolved.note(TV, "again.example", (), float(number))
    assert len(resolved.devices()) == 3
    assert resolved.names_of(TV, HERE) == ("n98.example", "n99.example")
    assert sum(bool(resolved.names_of(TV, number.to_bytes(4))) for number in range(100)) == 9


def test_a_device_whose_network_card_becomes_known_keeps_what_it_was_answered() -> None:
    resolved = ResolvedNames()
    resolved.note("ip:10.0.0.7", "ads.example", (HERE,), 1.0)
    resolved.move("ip:10.0.0.7", TV)
    resolved.move("ip:10.0.0.9", TV)
    assert resolved.explain(TV, HERE, 2.0) == "ads.example"
    assert "ip:10.0.0.7" not in resolved.devices()
