from __future__ import annotations

import asyncio

import dns.message
import pytest

from gateway.model.response import Response, Source
from gateway.model.verdict import Reason
from gateway.resolver.filter import Filter
from gateway.wire.patch import fit
from tests.support.serving import Rules, rules
from tests.unit.resolver.stage import Below, answer
from tests.unit.wire.samples import query


def make(policy: Rules, mode: str = "null") -> Filter:
    return Filter(policy, lambda client: client, mode=mode, ttl=10)  # type: ignore[arg-type]


def cloaked() -> Below:
    return Below(
        lambda asked: answer(asked, "www.example.com. 60 CNAME t.tracker.example.", "t.tracker.example. 60 A 192.0.2.9")
    )


def resolve(link: Filter, name: str, below: Below, **more: str) -> Response:
    return asyncio.run(link.resolve(query(name, **more), below))  # type: ignore[arg-type]


def test_a_blocked_name_is_not_asked_for() -> None:
    below = cloaked()
    response = resolve(make(rules(block=["ads.example"])), "x.ads.example", below)
    assert (response.source, response.ede, response.ttl) == (Source.POLICY, 15, 10)
    assert response.verdict.matched == "ads.example"
    assert below.asked == []


@pytest.mark.parametrize("rtype", ["A", "HTTPS"])
def test_a_blocked_name_may_be_said_not_to_exist(rtype: str) -> None:
    link = make(rules(block=["ads.example"]), "nxdomain")
    asked = query("ads.example", rtype)
    response = asyncio.run(link.resolve(asked, cloaked()))
    message = dns.message.from_wire(fit(response.wire, asked))
    assert (response.rcode, message.rcode(), message.answer) == (3, 3, [])
    assert message.authority[0].ttl == 10


def test_where_an_answer_leads_is_judged_too() -> None:
    response = resolve(make(rules(block=["tracker.example"])), "www.example.com", cloaked())
    assert response.source is Source.POLICY
    assert (response.verdict.via, response.targets) == ("t.tracker.example", ("t.tracker.example",))


def test_a_name_that_somebody_allowed_may_lead_anywhere() -> None:
    link = make(rules(block=["tracker.example"], allow=["www.example.com"]))
    response = resolve(link, "www.example.com", cloaked())
    assert response.source is Source.UPSTREAM
    assert response.verdict.reason is Reason.RULE


def test_the_verdict_is_that_of_the_device() -> None:
    link = make(rules(devices={"192.168.7.21": rules(block=["www.example.com"])}))
    assert not resolve(link, "www.example.com", cloaked()).verdict.blocked
    assert resolve(link, "www.example.com", cloaked(), client="192.168.7.21").verdict.blocked


@pytest.mark.parametrize("clicked", ["www.example.com", "tracker.example"])
def test_an_answer_under_way_obeys_a_rule_made_meanwhile(clicked: str) -> None:
    async def story() -> None:
        link, below = make(rules()), cloaked()
        below.delay = 0.01
        under_way = asyncio.create_task(link.resolve(query("www.example.com"), below))
        await asyncio.sleep(0)
        link.policy = rules(block=[clicked], generation=2)
        assert (await under_way).verdict.matched == clicked

    asyncio.run(story())


def test_a_persons_own_rule_pardons_and_nothing_else_does() -> None:
    link = make(rules(allow=["home.example.com"]))
    assert link.pardons(query("home.example.com"))
    assert not link.pardons(query("www.example.com"))
