from __future__ import annotations

import dns.message

from gateway.model.response import Source
from gateway.resolver.answer import failed, lifetime, peek_of
from gateway.wire.message import negative_answer, null_answer
from gateway.wire.peek import peek_response
from tests.unit.resolver.stage import answer
from tests.unit.wire.samples import query, response

SOA = "example.com. {} SOA ns.example.com. host.example.com. 1 2 3 4 {}"


def test_an_answer_lives_as_long_as_its_shortest_record() -> None:
    asked = query("www.example.com")
    assert (
        lifetime(peek_response(response(asked, ["www.example.com. 300 CNAME a.example.", "a.example. 20 A 192.0.2.1"])))
        == 20
    )


def test_a_negative_answer_lives_as_its_soa_record_says() -> None:
    asked = query("no.example.com")
    assert lifetime(peek_response(response(asked, (), [SOA.format(900, 60)], rcode="NXDOMAIN"))) == 60
    assert lifetime(peek_response(response(asked, ["no.example.com. 7 CNAME x.example."], [SOA.format(900, 60)]))) == 7
    assert lifetime(peek_response(response(asked))) == 5
    assert lifetime(peek_response(negative_answer(asked, 0, 10))) == 10


def test_what_is_known_of_an_answer_is_not_read_twice() -> None:
    made = answer(query("www.example.com"), "www.example.com. 60 A 192.0.2.1")
    assert peek_of(made) is made.peek
    assert peek_of(failed(query("www.example.com"), 22)).rcode == 2


def test_a_failure_says_why() -> None:
    made = failed(query("www.example.com"), 23, ttl=2)
    assert (made.rcode, made.source, made.ede, made.ttl) == (2, Source.ERROR, 23, 2)
    assert dns.message.from_wire(made.wire).question[0].name.to_text() == "www.example.com."
    assert peek_response(null_answer(query("x"), 5)).ttl == 5
