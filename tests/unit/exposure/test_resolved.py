"""What explains an address, and what a block takes away with it."""

from __future__ import annotations

from gateway.exposure.resolved import ResolvedNames

TV, PHONE = "mac:02:00:00:00:00:01", "mac:02:00:00:00:00:02"
HERE, THERE, CDN = b"\xcb\x00\x71\x01", b"\xcb\x00\x71\x02", b"\xcb\x00\x71\x03"


def test_an_address_is_explained_by_the_answer_that_gave_it() -> None:
    said = ResolvedNames()
    said.note(TV, "ads.example", (HERE, THERE), 10.0)
    assert said.explain(TV, HERE, 11.0) == "ads.example"
    assert said.explain(PHONE, HERE, 11.0) is None
    assert said.explain(TV, CDN, 11.0) is None


def test_of_several_names_the_one_reported_last_before_the_connection_explains_it() -> None:
    said = ResolvedNames()
    said.note(TV, "old.example", (CDN,), 10.0)
    said.note(TV, "shop.example", (CDN,), 20.0)
    said.note(TV, "later.example", (CDN,), 30.0)
    assert said.explain(TV, CDN, 25.0) == "shop.example"
    assert said.explain(TV, CDN, 99.0) == "later.example"


def test_names_that_share_an_address_begin_spans() -> None:
    """A page calls one and the other within a second, and what they exchanged is counted seconds later."""
    said = ResolvedNames()
    spans = [("ads.example", 10.0), ("film.example", 10.1), ("film.example", 10.15), ("ads.example", 10.2)]
    for name, when in spans:
        said.note(TV, name, (CDN,), when)
    said.note(TV, "late.example", (CDN,), 10.17)
    seen = [said.explain(TV, CDN, when) for when in (9.9, 10.05, 10.11, 10.16, 10.18, 10.3, 99.0)]
    ads, film = "ads.example", "film.example"
    assert seen == [ads, ads, film, film, "late.example", ads, ads]


def test_changes_are_bounded_by_number_and_by_age() -> None:
    said = ResolvedNames()
    for number in range(1000):
        said.note(TV, f"{'ab'[number % 2]}.example", (CDN,), number * 0.01)
    assert said.explain(TV, CDN, 9.9801) == "a.example"
    assert said.explain(TV, CDN, 9.9901) == "b.example"
    # Of the first spans nothing is left.
    assert said.explain(TV, CDN, 0.0) == said.explain(TV, CDN, 9.3601) == "a.example"
    assert said.explain(TV, CDN, 0.0101) == "a.example"
    said.note(TV, "new.example", (CDN,), 500.0)
    assert said.explain(TV, CDN, 9.9801) == "b.example"


def test_a_row_that_comes_late_still_explains() -> None:
    said = ResolvedNames()
    said.note(TV, "slow.example", (HERE,), 12.0)
    assert said.explain(TV, HERE, 11.9) == "slow.example"


def test_a_name_that_is_reported_again_is_the_newest() -> None:
    said = ResolvedNames()
    for name, when in (("a.example", 1.0), ("b.example", 2.0), ("a.example", 3.0)):
        said.note(TV, name, (HERE,), when)
    assert said.names_of(TV, HERE) == ("b.example", "a.example")


def test_only_what_no_allowed_name_explains_is_taken_away() -> None:
    said = ResolvedNames()
    said.note(TV, "ads.example", (HERE, CDN), 10.0)
    said.note(TV, "film.example", (CDN, THERE), 10.0)
    assert said.only(TV, 0.0, lambda name: name == "ads.example") == {HERE}
    assert said.only(TV, 0.0, lambda name: True) == {HERE, THERE, CDN}
    assert said.only(TV, 11.0, lambda name: True) == frozenset()
    assert said.only(PHONE, 0.0, lambda name: True) == frozenset()


def test_nothing_grows_without_bound() -> None:
    said = ResolvedNames(devices=3, addresses=10, names=2)
    for number in range(100):
        address = number.to_bytes(4)
        said.note(TV, f"n{number}.example", (address, HERE), float(number))
        said.note(f"d{number}", "x.example", (HERE,), float(number))
        said.note(TV, "again.example", (), float(number))
    assert len(said.devices()) == 3
    assert said.names_of(TV, HERE) == ("n98.example", "n99.example")
    assert sum(bool(said.names_of(TV, number.to_bytes(4))) for number in range(100)) == 9


def test_a_device_whose_network_card_becomes_known_keeps_what_it_was_asked() -> None:
    said = ResolvedNames()
    said.note("ip:10.0.0.7", "ads.example", (HERE,), 1.0)
    said.move("ip:10.0.0.7", TV)
    said.move("ip:10.0.0.9", TV)
    assert said.explain(TV, HERE, 2.0) == "ads.example"
    assert "ip:10.0.0.7" not in said.devices()
