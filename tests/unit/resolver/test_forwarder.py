from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.model.dns import Rcode
from gateway.model.event import HealthChanged
from gateway.model.response import Source
from gateway.resolver.forwarder import Forwarder
from gateway.wire.question import Question
from tests.support.clock import run_simulated, simulated_now
from tests.support.zone import Reply
from tests.unit.resolver.stage import ScriptedUpstream, together
from tests.unit.wire.samples import query

ZONE = {
    ".": "60 NS a.root-servers.net.",
    "www.example.com": "300 A 192.0.2.1",
    "alias.example.com": "60 CNAME www.example.com.",
}


def pair() -> tuple[ScriptedUpstream, ScriptedUpstream]:
    return ScriptedUpstream(ZONE, name="a"), ScriptedUpstream(ZONE, name="b")


def never(change: HealthChanged) -> None:
    raise AssertionError(change)


def test_the_first_upstream_is_asked_and_the_second_left_alone() -> None:
    async def story() -> None:
        first, second = pair()
        forwarder = Forwarder([first, second], never)
        answer = await forwarder.resolve(query("alias.example.com", edns=1232))
        assert (answer.source, answer.rcode, answer.ttl) == (Source.UPSTREAM, 0, 60)
        assert answer.targets == ("www.example.com",)
        assert answer.wire[:2] == b"\0\0"
        assert answer.peek is not None
        assert max(answer.peek.ttl_offsets) < len(answer.wire)
        assert (len(first.asked), len(second.asked)) == (1, 0)
        assert forwarder.states()[0].latency_ms == pytest.approx(10)

    run_simulated(story())


HALF = Reply(("www.example.com. 3600 CNAME edge.example.net.",))
REFERRAL = Reply(authority=("example.com. 3600 NS ns.example.com.",))


@pytest.mark.parametrize("poor", [HALF, REFERRAL])
def test_the_next_upstream_may_know_more_than_half(poor: Reply) -> None:
    async def story() -> None:
        first, second = ScriptedUpstream(lambda name, rtype: poor, name="a"), ScriptedUpstream(ZONE, name="b")
        forwarder = Forwarder([first, second], never)
        answer = await forwarder.resolve(query("www.example.com"))
        assert (answer.rcode, answer.ttl, answer.half) == (0, 300, False)
        assert (len(first.asked), len(second.asked)) == (1, 1)

    run_simulated(story())


@pytest.mark.parametrize("replies", [(HALF, HALF), (HALF, REFERRAL), (REFERRAL, HALF), (HALF, Reply(rcode="SERVFAIL"))])
def test_where_none_knows_more_half_an_answer_is_better_than_a_failure(replies: tuple[Reply, Reply]) -> None:
    async def story() -> None:
        upstreams = [
            ScriptedUpstream(lambda name, rtype, reply=reply: reply, name=letter)
            for letter, reply in zip("ab", replies, strict=True)
        ]
        answer = await Forwarder(upstreams, never).resolve(query("www.example.com"))
        assert (answer.rcode, answer.half, answer.targets) == (0, True, ("edge.example.net",))
        assert [len(upstream.asked) for upstream in upstreams] == [1, 1]

    run_simulated(story())


def test_equal_questions_share_a_flight() -> None:
    async def story() -> None:
        first, _ = pair()
        forwarder = Forwarder([first], never)
        answers = await together(*(forwarder.resolve(query("WWW.example.com", message_id=n)) for n in range(50)))
        assert len(first.asked) == 1
        assert len(answers) == 50
        await together(forwarder.resolve(query("www.example.com")), forwarder.resolve(query("www.example.com", "AAAA")))
        assert len(first.asked) == 3

    run_simulated(story())


def test_a_client_that_leaves_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        first, _ = pair()
        forwarder = Forwarder([first], never)
        leaver = asyncio.create_task(forwarder.resolve(query("www.example.com")))
        stayer = asyncio.create_task(forwarder.resolve(query("www.example.com")))
        await asyncio.sleep(0.001)
        leaver.cancel()
        assert (await stayer).rcode == 0

    run_simulated(story())


def test_a_slow_upstream_is_overtaken_and_its_late_answer_still_counts() -> None:
    async def story() -> None:
        first, second = pair()
        first.delay = 1.0
        forwarder = Forwarder([first, second], never)
        start = simulated_now()
        await forwarder.resolve(query("www.example.com"))
        assert simulated_now() - start == pytest.approx(0.41)
        await asyncio.sleep(1)
        assert forwarder.states()[0].latency_ms == pytest.approx(1000)

    run_simulated(story())


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_an_upstream_that_cannot_answer_is_passed_over_at_once(rcode: str) -> None:
    async def story() -> None:
        first, second = pair()
        first.rcode = rcode
        forwarder = Forwarder([first, second], never)
        start = simulated_now()
        assert (await forwarder.resolve(query("www.example.com"))).rcode == 0
        assert simulated_now() - start < 0.1

    run_simulated(story())


def test_when_all_say_servfail_that_is_the_answer() -> None:
    async def story() -> None:
        first, second = pair()
        first.rcode = second.rcode = "SERVFAIL"
        answer = await Forwarder([first, second], never).resolve(query("www.example.com"))
        assert answer.rcode == Rcode.SERVFAIL
        assert (len(first.asked), len(second.asked)) == (1, 1)

    run_simulated(story())


def test_when_all_refuse_there_is_no_answer() -> None:
    async def story() -> None:
        first, second = pair()
        first.rcode = second.rcode = "REFUSED"
        with pytest.raises(UpstreamError, match="refuses"):
            await Forwarder([first, second], lambda change: None).resolve(query("www.example.com"))

    run_simulated(story())


def test_an_answer_that_cannot_be_read_is_none() -> None:
    async def story() -> None:
        first, second = pair()
        first.spoil = lambda wire: wire[:-3]
        assert (await Forwarder([first, second], never).resolve(query("www.example.com"))).rcode == 0

    run_simulated(story())


def test_a_lost_datagram_is_sent_again() -> None:
    async def story() -> None:
        first, _ = pair()
        first.delay = 9
        forwarder = Forwarder([first], never)
        flight = asyncio.create_task(forwarder.resolve(query("www.example.com")))
        await asyncio.sleep(0.2)
        first.delay = 0.01
        assert (await flight).rcode == 0
        assert len(first.asked) == 2
        await forwarder.close()

    run_simulated(story())


def test_the_deadline_holds_whatever_upstreams_do() -> None:
    async def story() -> None:
        first, second = pair()
        first.delay = second.delay = 60
        forwarder = Forwarder([first, second], never)
        start = simulated_now()
        with pytest.raises(UpstreamTimeout):
            await forwarder.resolve(query("www.example.com"))
        assert simulated_now() - start == pytest.approx(2.5)
        assert len(first.asked) + len(second.asked) <= 5
        await forwarder.close()

    run_simulated(story())


def test_a_mistake_of_one_transport_is_its_failure_and_the_deadline_goes_on_holding() -> None:
    async def story() -> None:
        first, second = pair()
        forwarder = Forwarder([first, second], lambda change: None)
        first.delay = second.delay = 9.0
        ask, mistakes = second.ask, [RuntimeError("a mistake of ours")]

        def mistaken(question: Question) -> asyncio.Future[bytes]:
            if mistakes:
                raise mistakes.pop()
            return ask(question)

        second.ask = mistaken  # type: ignore[method-assign]
        for _ in range(2):
            began = simulated_now()
            with pytest.raises(RuntimeError if mistakes else UpstreamError):
                await forwarder.resolve(query("www.example.com"))
            assert simulated_now() - began < 2.6
        await forwarder.close()

    run_simulated(story())


def test_who_floods_keeps_nothing_from_others_that_it_has_asked_for_before_them() -> None:
    async def story() -> None:
        upstream = ScriptedUpstream(lambda name, rtype: Reply((f"{name}. 60 A 192.0.2.1",)))
        upstream.delay = 0.001
        forwarder = Forwarder([upstream], never)
        await forwarder.resolve(query("first.example.com"))
        upstream.delay = 0.1
        await asyncio.sleep(0.02)
        flood = [asyncio.ensure_future(forwarder.resolve(query(f"n{n}.example.com"))) for n in range(600)]
        await asyncio.sleep(0)
        assert forwarder.is_crowded
        began = simulated_now()
        await forwarder.resolve(query("n599.example.com", client="192.168.7.99"))
        assert simulated_now() - began < 0.15
        await asyncio.gather(*flood, return_exceptions=True)
        assert not forwarder.is_crowded
        await forwarder.close()

    run_simulated(story())


def test_without_upstreams_there_is_no_answer() -> None:
    async def story() -> None:
        with pytest.raises(UpstreamError, match="No upstream"):
            await Forwarder([], never).resolve(query("www.example.com"))

    run_simulated(story())


def test_an_ill_upstream_comes_last_until_a_probe_finds_it_well() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        first, second = pair()
        first.error = UpstreamTimeout("no answer")
        forwarder = Forwarder([first, second], reported.append)
        for n in range(3):
            await forwarder.resolve(query(f"n{n}.example.com"))
        assert [(change.part, change.healthy) for change in reported] == [(f"upstream {first.url}", False)]
        assert forwarder.reachable
        asked = len(first.asked)
        await forwarder.resolve(query("x.example.com"))
        assert len(first.asked) == asked
        first.error = None
        await asyncio.sleep(40)
        assert [change.healthy for change in reported] == [False, True]
        await forwarder.resolve(query("y.example.com"))
        assert len(first.asked) > asked
        await forwarder.close()

    run_simulated(story())


def test_when_all_are_ill_all_are_asked_all_the_same() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        first, second = pair()
        first.error = second.error = UpstreamError("the network is down")
        forwarder = Forwarder([first, second], reported.append)
        for n in range(4):
            with contextlib.suppress(UpstreamError):
                await forwarder.resolve(query(f"n{n}.example.com"))
        assert not forwarder.reachable
        first.error = None
        assert (await forwarder.resolve(query("www.example.com"))).rcode == 0
        assert forwarder.reachable
        assert [change.healthy for change in reported] == [False, False, True]
        await forwarder.close()

    run_simulated(story())


def test_closing_ends_what_is_under_way() -> None:
    async def story() -> None:
        first, _ = pair()
        first.delay = 60
        forwarder = Forwarder([first], never)
        flight = asyncio.create_task(forwarder.resolve(query("www.example.com")))
        await asyncio.sleep(0.1)
        await forwarder.close()
        with pytest.raises(UpstreamError):
            await flight
        assert first.closed

    run_simulated(story())


def encrypted(name: str, scheme: str = "tls") -> ScriptedUpstream:
    upstream = ScriptedUpstream(ZONE, name=name)
    upstream.url = f"{scheme}://{name}.invalid"
    return upstream


def test_a_plain_upstream_beside_an_encrypted_one_is_never_asked() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        plain, first, second = ScriptedUpstream(ZONE), encrypted("b"), encrypted("c", "https")
        first.error = second.error = UpstreamError("the network is down")
        for strategy in ("strict", "fastest"):
            forwarder = Forwarder([plain, first, second], reported.append, strategy=strategy)
            for n in range(8):
                with pytest.raises(UpstreamError):
                    await forwarder.resolve(query(f"n{n}.example.com"))
            await asyncio.sleep(30)
            assert [state.url for state in forwarder.states()] == [first.url, second.url]
            await forwarder.close()
        assert plain.asked == []

    run_simulated(story())


def test_with_plain_fallback_plain_text_is_the_last_resort_and_is_said() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        plain, secret = ScriptedUpstream(ZONE), encrypted("b")
        forwarder = Forwarder([plain, secret], reported.append, plain_fallback=True)
        await forwarder.resolve(query("www.example.com"))
        assert plain.asked == []
        secret.error = UpstreamError("the network is down")
        for n in range(4):
            assert (await forwarder.resolve(query(f"n{n}.example.com"))).rcode == Rcode.NXDOMAIN
        said = [(change.part, change.healthy) for change in reported]
        assert said == [(f"upstream {secret.url}", False), ("encryption", False)]
        assert "plain text" in reported[-1].says
        secret.error = None
        await asyncio.sleep(1.1)
        assert [(change.part, change.healthy) for change in reported[2:]] == [
            (f"upstream {secret.url}", True),
            ("encryption", True),
        ]
        asked = len(plain.asked)
        await forwarder.resolve(query("www.example.com"))
        assert len(plain.asked) == asked
        await forwarder.close()

    run_simulated(story())


def test_a_failed_validation_is_not_retried_in_plain_text() -> None:
    async def story() -> None:
        plain, secret = ScriptedUpstream(ZONE), encrypted("b")
        secret.rcode = "SERVFAIL"
        forwarder = Forwarder([secret, plain], never, plain_fallback=True)
        assert (await forwarder.resolve(query("www.example.com"))).rcode == Rcode.SERVFAIL
        assert plain.asked == []

    run_simulated(story())


def test_the_two_fastest_race_and_the_others_rest() -> None:
    async def story() -> None:
        three = [ScriptedUpstream(ZONE, name=name) for name in "abc"]
        for upstream, delay in zip(three, (0.2, 0.05, 0.1), strict=True):
            upstream.delay = delay
        forwarder = Forwarder(three, never, strategy="fastest")
        for _ in range(4):
            await forwarder.resolve(query("www.example.com"))
            await asyncio.sleep(1)
        before = [len(upstream.asked) for upstream in three]
        assert min(before) > 0, "nobody is judged unseen"
        start = simulated_now()
        for _ in range(10):
            await forwarder.resolve(query("www.example.com"))
        assert simulated_now() - start == pytest.approx(0.5)
        assert [len(upstream.asked) - was for upstream, was in zip(three, before, strict=True)] == [0, 10, 10]
        three[0].delay = 0.001
        for _ in range(300):
            await forwarder.resolve(query("www.example.com"))
        assert len(three[0].asked) > before[0] + 30, "who has become fast is noticed"
        await forwarder.close()

    run_simulated(story())


def test_a_liar_is_not_believed_and_the_next_is_asked() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        first, second = pair()
        first.rcode = "NXDOMAIN"
        forwarder = Forwarder([first, second], reported.append)
        for n in range(9):
            await forwarder.resolve(query(f"n{n}.example.com"))
            await asyncio.sleep(0.05)
        assert "nothing exists" in reported[0].says
        assert (await forwarder.resolve(query("www.example.com"))).rcode == 0
        await forwarder.close()

    run_simulated(story())


def test_the_only_upstream_that_lies_gives_errors_until_it_tells_the_truth() -> None:
    async def story() -> None:
        reported: list[HealthChanged] = []
        first, _ = pair()
        first.rcode = "NXDOMAIN"
        forwarder = Forwarder([first], reported.append)
        for n in range(8):
            await forwarder.resolve(query(f"n{n}.example.com"))
        await asyncio.sleep(0.05)
        with pytest.raises(UpstreamError, match="not believed"):
            await forwarder.resolve(query("www.example.com"))
        first.rcode = None
        assert (await forwarder.resolve(query("www.example.com"))).rcode == 0
        assert [change.healthy for change in reported] == [False, True]
        await forwarder.close()

    run_simulated(story())
