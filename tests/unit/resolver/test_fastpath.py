from __future__ import annotations

from math import inf

import dns.message

from gateway.model.dns import type_name
from gateway.model.lookup import Facts
from gateway.model.query import Query
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict
from gateway.resolver.fastpath import Concern, Memo, Memos, fold
from gateway.wire.message import null_answer
from gateway.wire.patch import bare, fit
from gateway.wire.peek import peek_response
from tests.unit.wire.samples import query, response

FACTS = Facts("www.example.com", 1, 0, Source.CACHE, ALLOWED)


def reply_to(asked: Query, ttl: int = 300) -> tuple[bytes, tuple[int, ...]]:
    wire = response(asked, [f"{asked.name}. {ttl} A 192.0.2.1"])
    kept = bare(wire, peek_response(wire))
    return fit(kept, asked), peek_response(kept).ttl_offsets


def remember(memos: Memos, memo: Memo, asked: Query, *, now: float = 100.0, lifetime: float = 300.0) -> None:
    reply, offsets = reply_to(asked)
    memos.remember(memo, asked.wire, reply, FACTS, now=now, lifetime=lifetime, ttl_offsets=offsets)


def look(memos: Memos, memo: Memo, asked: Query, now: float) -> dns.message.Message | None:
    """As the server does it."""
    key = asked.wire[2:]
    prepared = memo.get(key)
    if prepared is None or prepared[0] <= now:
        prepared = memos.look_again(memo, key, now)
    if prepared is None:
        return None
    assert prepared[2] == len(prepared[1]) + 2
    return dns.message.from_wire(asked.wire[:2] + prepared[1])


def test_the_same_datagram_under_another_id_gets_the_same_answer() -> None:
    memos = Memos(10)
    memo = memos.of(None)
    remember(memos, memo, query("www.example.com", message_id=1))
    answer = look(memos, memo, query("www.example.com", message_id=2), 100.5)
    assert answer is not None
    assert (answer.id, answer.answer[0].ttl) == (2, 300)


def test_an_answer_grows_older_once_a_second_and_ends() -> None:
    memos = Memos(10)
    memo = memos.of(None)
    asked = query("www.example.com")
    remember(memos, memo, asked, now=100.0, lifetime=200.0)
    seen = [(now, look(memos, memo, asked, now)) for now in (100.2, 100.9, 101.0, 101.9, 150.5, 299.9)]
    assert [(now, answer and answer.answer[0].ttl) for now, answer in seen] == [
        (100.2, 300),
        (100.9, 300),
        (101.0, 299),
        (101.9, 299),
        (150.5, 250),
        (299.9, 101),
    ]
    assert look(memos, memo, asked, 300.0) is None
    assert len(memos) == 0, "what has ended is forgotten"


def test_what_we_made_up_ourselves_does_not_age() -> None:
    memos = Memos(10)
    memo = memos.of(None)
    asked = query("ads.example", edns=1232)
    blocked = Facts("ads.example", 1, 0, Source.POLICY, Verdict(Action.BLOCK, Reason.RULE))
    memos.remember(memo, asked.wire, fit(null_answer(asked, 10), asked, ede=15), blocked, now=0.0, lifetime=inf)
    answer = look(memos, memo, asked, 1e9)
    assert answer is not None
    assert answer.answer[0].ttl == 10
    assert memo[fold(asked.wire[2:])][4] == 1


def test_every_spelling_finds_the_one_entry_and_gets_itself_back() -> None:
    memos = Memos(10)
    memo = memos.of(None)
    remember(memos, memo, query("wWw.Example.com"))
    for spelling in ("www.example.com", "WWW.EXAMPLE.COM", "wWw.Example.com", "wwW.eXAMPLE.cOm"):
        answer = look(memos, memo, query(spelling), 105.0)
        assert answer is not None
        assert answer.question[0].name.to_text(omit_final_dot=True) == spelling
        assert answer.answer[0].ttl == 295
    assert len(memos) == 1


def test_whatever_could_change_the_answer_keeps_answers_apart() -> None:
    memos = Memos(100)
    memo = memos.of(None)
    remember(memos, memo, query("www.example.com", "HTTPS"))
    others = [
        query("www.example.com"),
        query("www.example.com", 97),  # type 97 is a small "a" on the wire as type 65, HTTPS, is a capital one
        query("www.example.com", "HTTPS", edns=1232),
        query("www.example.com", "HTTPS", dnssec_ok=True),
        query("www.example.com", "HTTPS", checking_disabled=True),
        query("www.example.com", "HTTPS", recursion=False),
        query("www.example.con", "HTTPS"),
    ]
    for asked in others:
        assert look(memos, memo, asked, 100.0) is None, (asked.name, type_name(asked.qtype))


def test_profiles_do_not_see_each_others_answers() -> None:
    memos = Memos(10)
    asked = query("www.example.com")
    remember(memos, memos.of("tv"), asked)
    assert look(memos, memos.of("phone"), asked, 100.0) is None
    assert memos.of("tv") is memos.of("tv")


def test_all_memos_together_are_bounded_and_the_oldest_go() -> None:
    memos = Memos(50)
    for n in range(400):
        remember(memos, memos.of(n % 3), query(f"n{n}.example.com"))
        assert len(memos) <= 50
    assert look(memos, memos.of(399 % 3), query("n399.example.com"), 100.0) is not None
    assert look(memos, memos.of(0), query("n0.example.com"), 100.0) is None


def test_remembering_again_replaces() -> None:
    memos = Memos(10)
    memo = memos.of(None)
    for _ in range(30):
        remember(memos, memo, query("www.example.com"))
    assert len(memos) == 1


def test_clearing_forgets_everything_and_is_noticed() -> None:
    memos = Memos(10)
    memo, epoch = memos.of(None), memos.epoch
    remember(memos, memo, query("www.example.com"))
    memos.clear()
    assert memos.epoch != epoch
    assert look(memos, memos.of(None), query("www.example.com"), 100.0) is None


def test_only_the_name_is_folded() -> None:
    assert fold(b"\1\0\0\1\0\0\0\0\0\0" + b"\3WwW\0\0A\0Z") == b"\1\0\0\1\0\0\0\0\0\0" + b"\3www\0\0A\0Z"
    assert fold(b"AAAAAAAAAA" + b"\3WwW\0\0A\0Z")[:10] == b"AAAAAAAAAA"
    inner = b"\1\0\0\1\0\0\0\0\0\0" + b"\5a\0bCd\0\0\1\0\1"
    assert fold(inner) == inner


def test_only_answers_about_what_changed_are_forgotten() -> None:
    memos = Memos(10)
    memo, other = memos.of(None), memos.of("a device of its own")
    asked = {name: query(f"{name}.example.com") for name in ("plain", "ads", "cloaked")}
    for name, targets in (("plain", ("cdn.example",)), ("ads", ()), ("cloaked", ("x.tracker.example",))):
        reply, offsets = reply_to(asked[name])
        facts = Facts(f"{name}.example.com", 1, 0, Source.CACHE, ALLOWED, targets)
        for each in (memo, other):
            memos.remember(each, asked[name].wire, reply, facts, now=100.0, lifetime=300.0, ttl_offsets=offsets)
    epoch = memos.epoch
    memos.forget(Concern(frozenset({"ads.example.com"}), (".tracker.example",)))
    assert memos.epoch == epoch + 1
    for each in (memo, other):
        assert [name for name in asked if look(memos, each, asked[name], 100.5)] == ["plain"]
