"""Everybody is let in; who holds the most gives one up."""

from __future__ import annotations

from dataclasses import dataclass

from web.serving.places import Places


@dataclass(eq=False)
class Guest:
    key: str
    engaged: bool = False


def test_there_is_room_for_some() -> None:
    places = Places(total=4, each=2)
    assert [places.enter(Guest(key)) for key in ("a", "a", "b", "b")] == [None] * 4
    assert len(places) == 4


def test_an_address_that_wants_too_many_loses_its_oldest_idle_one() -> None:
    places = Places(total=100, each=2)
    first, second, third = Guest("a", engaged=True), Guest("a"), Guest("a")
    assert (places.enter(first), places.enter(second)) == (None, None)
    assert places.enter(third) is second


def test_an_address_whose_connections_are_all_engaged_gets_no_more() -> None:
    places = Places(total=100, each=1)
    places.enter(Guest("a", engaged=True))
    late = Guest("a")
    assert places.enter(late) is late


def test_when_all_places_are_taken_the_greediest_gives_one_up() -> None:
    places = Places(total=5, each=4)
    greedy = [Guest("greedy") for _ in range(4)]
    for guest in (*greedy, Guest("modest")):
        assert places.enter(guest) is None
    owner = Guest("owner")
    assert places.enter(owner) is greedy[0]
    assert places.enter(Guest("neighbour")) is greedy[1], "who was named is not named again"
    places.leave(greedy[0])
    assert len(places) == 5


def test_an_open_page_is_never_given_up_for_a_stranger() -> None:
    places = Places(total=3, each=3)
    for _ in range(3):
        places.enter(Guest("owner", engaged=True))
    stranger = Guest("stranger")
    assert places.enter(stranger) is stranger


def test_an_empty_address_is_forgotten() -> None:
    places = Places(total=3, each=3)
    guest = Guest("a")
    places.enter(guest)
    places.leave(guest)
    places.leave(guest)
    assert len(places) == 0
    assert not places._guests
