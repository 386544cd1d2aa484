from __future__ import annotations

import dns.message
import pytest

from gateway.model.response import Source
from gateway.resolver.answer import FAILURE_TTL, Answer, answer_of, failed, lifetime, peek_of
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
    assert lifetime(peek_response(response(asked))) == FAILURE_TTL
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


def from_upstream(name: str, rtype: str, *parts: tuple[str, ...], rcode: str = "NOERROR") -> Answer:
    return answer_of(response(query(name, rtype), *parts, rcode=rcode))


ALIAS = "www.example.com. 3600 CNAME a.cdn.example."


@pytest.mark.parametrize(
    ("answer", "authority", "rcode", "half"),
    [
        ((ALIAS,), (), 0, True),
        ((ALIAS, "a.cdn.example. 3600 CNAME b.cdn.example."), (), 0, True),
        (("example.com. 3600 DNAME example.net.",), (), 0, True),
        ((ALIAS,), ("cdn.example. 3600 NS ns.cdn.example.",), 0, True),
        ((), ("example.com. 3600 NS ns.example.com.",), 2, False),
        ((), ("com. 3600 NS a.gtld-servers.net.",), 2, False),
        ((), (". 3600 NS a.root-servers.net.",), 2, False),
        ((), (), 0, False),
        ((), ("other.example. 3600 NS ns.example.com.",), 0, False),
    ],
)
def test_half_an_answer_is_never_kept_longer_than_a_failure(
    answer: tuple[str, ...], authority: tuple[str, ...], rcode: int, half: bool
) -> None:
    made = from_upstream("www.example.com", "A", answer, authority)
    assert (made.rcode, made.half) == (rcode, half)
    assert made.ttl <= FAILURE_TTL
    assert made.ede == (22 if rcode else None)


@pytest.mark.parametrize(
    ("rtype", "answer", "authority", "ttl"),
    [
        ("A", (ALIAS,), ("cdn.example. 900 SOA ns.cdn.example. h.cdn.example. 1 2 3 4 600",), 600),
        ("CNAME", (ALIAS,), (), 3600),
        ("ANY", (ALIAS,), (), 3600),
        ("A", (ALIAS, "a.cdn.example. 60 A 192.0.2.1"), ("cdn.example. 900 NS ns.cdn.example.",), 60),
        ("DNAME", ("www.example.com. 600 DNAME example.net.",), (), 600),
    ],
)
def test_a_whole_one_is_kept_as_long_as_it_says(
    rtype: str, answer: tuple[str, ...], authority: tuple[str, ...], ttl: int
) -> None:
    made = from_upstream("www.example.com", rtype, answer, authority)
    assert (made.rcode, made.half, made.ttl) == (0, False, ttl)


def test_a_chain_without_an_end_says_why_it_fails() -> None:
    circle = ("www.example.com. 60 CNAME a.example.com.", "a.example.com. 60 CNAME www.example.com.")
    made = from_upstream("www.example.com", "A", circle)
    assert (made.rcode, made.ede) == (2, 0)
