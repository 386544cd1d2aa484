from __future__ import annotations

import dns.flags
import dns.message

from gateway.wire.question import Question, build_query, shuffle_case
from tests.unit.wire.samples import query


def test_equal_questions_have_equal_keys_however_they_are_spelled() -> None:
    assert Question.of(query("Example.COM")).key == Question.of(query("example.com", edns=1232, message_id=9)).key


def test_what_changes_the_answer_changes_the_key() -> None:
    keys = {
        Question.of(asked).key
        for asked in (
            query("example.com"),
            query("example.net"),
            query("example.com", "AAAA"),
            query("example.com", 97),
            query("example.com", "HTTPS"),  # type 65, whose byte is a capital A as 97 is a small one
            query("example.com", dnssec_ok=True),
            query("example.com", checking_disabled=True),
            query("example.com", dnssec_ok=True, checking_disabled=True),
        )
    }
    assert len(keys) == 8


def test_a_name_is_spelled_by_the_noise() -> None:
    name = b"\3www\7ex-mp1e\3com\0"
    assert shuffle_case(name, b"\xff" * 40) == b"\3WWW\7EX-MP1E\3COM\0"
    assert shuffle_case(name, bytes(40)) == name
    assert shuffle_case(name, b"\x20\x20\x00\x20" + bytes(20)) == b"\3Ww" + b"W\7ex-mp1e\3com\0"


def test_bytes_that_are_no_letters_stay_as_they_are() -> None:
    name = bytes((63,)) + bytes(range(63)) + b"\0"
    assert shuffle_case(name, b"\xff" * 80) == name


def test_an_upstream_is_asked_with_our_own_opt_record() -> None:
    asked = Question.of(query("example.com", "AAAA", edns=4096, dnssec_ok=True, checking_disabled=True))
    message = dns.message.from_wire(build_query(99, asked, spelled=b"\7EXAMPLE\3com\0"))
    assert message.id == 99
    assert message.question[0].to_text() == "EXAMPLE.com. IN AAAA"
    assert message.flags == dns.flags.RD | dns.flags.AD | dns.flags.CD
    assert (message.edns, message.payload, message.ednsflags, message.options) == (0, 1232, 0x8000, ())


def test_an_upstream_that_knows_no_edns_is_asked_without() -> None:
    message = dns.message.from_wire(build_query(1, Question.of(query("example.com")), edns=False))
    assert message.edns == -1
    assert message.question[0].to_text() == "example.com. IN A"
