"""Equal datagrams of one client share one way; nobody takes every way."""

from __future__ import annotations

from gateway.resolver.waiting import Waiting

TV = "192.168.7.20"


def silent(reply: bytes) -> None:
    raise AssertionError("nobody answers here")


def test_an_equal_datagram_joins_and_a_different_one_does_not() -> None:
    waiting = Waiting(10)
    tv = ("192.168.7.20", b"tv.example")
    assert not waiting.join(tv, (b"\0\1", silent, 0.0))
    assert waiting.admit(tv, TV)
    assert waiting.join(tv, (b"\0\2", silent, 1.0))
    assert not waiting.join(("192.168.7.21", b"tv.example"), (b"\0\3", silent, 1.0))
    assert not waiting.join(("192.168.7.20", b"cdn.example"), (b"\0\4", silent, 1.0))
    assert [message_id for message_id, _, _ in waiting.leave(tv, TV)] == [b"\0\2"]
    assert not waiting.join(tv, (b"\0\5", silent, 2.0)), "it is over"
    assert len(waiting) == 0


def test_of_a_storm_the_latest_tries_are_answered() -> None:
    waiting = Waiting(10)
    tv = ("192.168.7.20", b"tv.example")
    assert waiting.admit(tv, TV)
    for n in range(5_000):
        assert waiting.join(tv, (n.to_bytes(2), silent, 0.0))
    left = [int.from_bytes(message_id) for message_id, _, _ in waiting.leave(tv, TV)]
    assert left == list(range(3_976, 5_000))


def test_what_storms_remember_is_bounded_altogether_and_comes_back() -> None:
    waiting = Waiting(100)
    keys = [("192.168.7.20", b"%d" % n) for n in range(20)]
    for _ in range(2):
        before = waiting.joined
        assert all(waiting.admit(key, TV) for key in keys)
        for key in keys:
            for _ in range(1_000):
                assert waiting.join(key, (b"\0\1", silent, 0.0))
        assert waiting.joined - before == 16_384
        assert sum(len(list(waiting.leave(key, TV))) for key in keys) == 16_384


def test_one_client_leaves_room_for_the_others() -> None:
    waiting = Waiting(100)
    greedy = sum(waiting.admit(("192.168.7.20", b"%d" % n), "192.168.7.20") for n in range(1_000))
    assert greedy == 80
    assert waiting.turned_away == 920
    assert waiting.admit(("192.168.7.21", b"tv.example"), "192.168.7.21")
    second = 1 + sum(waiting.admit(("192.168.7.21", b"%d" % n), "192.168.7.21") for n in range(1_000))
    assert 10 < second < 20
    assert waiting.admit(("192.168.7.22", b"tv.example"), "192.168.7.22")


def test_many_addresses_of_one_holder_get_one_share() -> None:
    waiting = Waiting(100)
    greedy = sum(waiting.admit((f"192.168.7.{n}", b"tv.example"), "the same television") for n in range(200))
    assert greedy == 80


def test_room_comes_back_when_answers_go_out() -> None:
    waiting = Waiting(5)
    keys = [("192.168.7.20", b"%d" % n) for n in range(4)]
    assert all(waiting.admit(key, TV) for key in keys)
    assert not waiting.admit(("192.168.7.20", b"more"), "192.168.7.20")
    for key in keys:
        assert list(waiting.leave(key, TV)) == []
    assert waiting.admit(("192.168.7.20", b"more"), "192.168.7.20")
