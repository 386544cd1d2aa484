"""Whoever wants to put an address into the cache: from afar, on the way, or as an upstream that says too much."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rrset
import pytest

from gateway.resolver.options import ResolverOptions
from tests.support.client import addresses, ask, ask_raw, question
from tests.support.serving import Serving
from tests.support.upstream import Asked, Upstream
from tests.support.waiting import PATIENCE, wait_until
from tests.support.zone import Reply

pytestmark = pytest.mark.integration

NAME = "www.televisions-and-more.example.com"
TRUE, FALSE = "192.0.2.1", "203.0.113.66"
ZONE = {NAME: f"60 A {TRUE}", "bank.example.net": f"60 A {TRUE}", "example.net": f"60 A {TRUE}"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can forge the sender of a datagram")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


@pytest.fixture
def forge(upstream: Upstream) -> Iterator[Callable[..., None]]:
    """Sends a datagram that claims to come from the upstream, or from wherever it should."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:

        def send(wire: bytes, to: tuple[str, int], source: tuple[str, int] | None = None) -> None:
            host, port = source or upstream.address
            udp = struct.pack("!4H", port, to[1], 8 + len(wire), 0) + wire
            ends = socket.inet_aton(host) + socket.inet_aton(to[0])
            raw.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends + udp, to)

        yield send


def forged(asked: Asked, *, name: str | None = None, message_id: int | None = None, rtype: str = "A") -> bytes:
    """The best forgery there is, but for what is given."""
    made = dns.message.make_response(dns.message.from_wire(asked.wire), recursion_available=True)
    made.id = asked.id if message_id is None else message_id
    spelled = name or asked.name
    made.question = dns.message.make_query(spelled, rtype).question
    made.answer.append(dns.rrset.from_text(spelled + ".", 86400, "IN", "A", FALSE))
    return made.to_wire()


def answered_while(upstream: Upstream, attack: Callable[[Asked], None]) -> list[str]:
    """What a television gets, at once and from memory, when somebody attacks while the upstream thinks."""
    upstream.fail_all(held=True, transport="udp", times=1)
    with Serving(upstream.url) as serving:
        heard: list[str] = []
        asking = threading.Thread(target=lambda: heard.extend(addresses(ask(NAME, server=serving.server))))
        asking.start()
        wait_until(lambda: upstream.asked)
        attack(upstream.asked[0])
        upstream.release()
        asking.join(PATIENCE)
        return heard + addresses(ask(NAME, server=serving.server))


@needs_root
def test_the_attack_itself_works(upstream: Upstream, forge: Callable[..., None]) -> None:
    """Whoever knows everything wins: so the tests below fail for the reason that they name."""
    assert answered_while(upstream, lambda asked: forge(forged(asked), asked.client)) == [FALSE, FALSE]


@needs_root
@pytest.mark.parametrize(
    "spoil",
    [
        lambda asked: forged(asked, message_id=asked.id ^ 1),
        lambda asked: forged(asked, name="bank.example.net"),
        lambda asked: forged(asked, rtype="AAAA"),
        lambda asked: forged(asked, name=asked.name.swapcase()),
        lambda asked: asked.wire,
        lambda asked: forged(asked)[:11],
        lambda asked: b"",
    ],
    ids=["id", "question", "type", "case", "query", "scrap", "nothing"],
)
def test_an_answer_that_does_not_fit_is_none(
    upstream: Upstream, forge: Callable[..., None], spoil: Callable[[Asked], bytes]
) -> None:
    assert answered_while(upstream, lambda asked: forge(spoil(asked), asked.client)) == [TRUE, TRUE]


@needs_root
@pytest.mark.parametrize("where", ["port", "address"])
def test_an_answer_from_elsewhere_is_none(upstream: Upstream, forge: Callable[..., None], where: str) -> None:
    source = ("127.0.0.1", upstream.port ^ 1) if where == "port" else ("127.0.0.2", upstream.port)
    assert answered_while(upstream, lambda asked: forge(forged(asked), asked.client, source)) == [TRUE, TRUE]


@needs_root
def test_thousands_of_guesses_of_the_id_are_in_vain(upstream: Upstream, forge: Callable[..., None]) -> None:
    """Even the right one: the spelling of the name is as random as the id."""

    def attack(asked: Asked) -> None:
        guesses = random.Random(1).sample([n for n in range(65_536) if n != asked.id], 4_000)
        for guess in guesses[:2_000]:
            forge(forged_at(asked, guess), asked.client)
        forge(forged(asked, name=asked.name.lower()), asked.client)
        for guess in guesses[2_000:]:
            forge(forged_at(asked, guess), asked.client)

    def forged_at(asked: Asked, guess: int) -> bytes:
        return guess.to_bytes(2) + known[2:]

    known = b""

    def prepare(asked: Asked) -> None:
        nonlocal known
        known = forged(asked, name=asked.name.lower())
        attack(asked)

    assert answered_while(upstream, prepare) == [TRUE, TRUE]
    assert upstream.asked[-1].transport == "tcp", "whoever guesses does not guess for long"


def test_what_answers_no_question_is_counted(upstream: Upstream) -> None:
    upstream.fail_all(wrong_id=True, transport="udp", times=1)
    with Serving(upstream.url) as serving:
        assert addresses(ask(NAME, server=serving.server)) == [TRUE]
        assert serving.counters()["upstream_forged"] == 1


def test_an_answer_that_must_have_come_in_fragments_is_fetched_over_tcp() -> None:
    long = [f'60 TXT "{"x" * 200}{n}"' for n in range(9)]
    with Upstream({"long.example.com": long}) as rude:
        rude.fail_all(oversize=True)
        with Serving(rude.url) as serving:
            assert len(ask("long.example.com", "TXT", serving.server, tcp=True).answer[0]) == 9
        assert [one.transport for one in rude.asked] == ["udp", "tcp"]


@needs_root
def test_thousands_of_guesses_of_the_port_are_in_vain(upstream: Upstream, forge: Callable[..., None]) -> None:
    def attack(asked: Asked) -> None:
        wire = forged(asked)
        for port in random.Random(1).sample([n for n in range(1_024, 65_535) if n != asked.client[1]], 4_000):
            forge(wire, (asked.client[0], port))

    assert answered_while(upstream, attack) == [TRUE, TRUE]


@needs_root
def test_the_end_of_an_answer_that_a_forged_fragment_replaced_is_worth_nothing(
    upstream: Upstream, forge: Callable[..., None]
) -> None:
    """Id, port, question and spelling stand in the first fragment; the second holds additional records."""

    def attack(asked: Asked) -> None:
        made = dns.message.make_response(dns.message.from_wire(asked.wire), recursion_available=True)
        made.answer.append(dns.rrset.from_text(asked.name + ".", 60, "IN", "A", TRUE))
        made.authority.append(dns.rrset.from_text("example.net.", 86400, "IN", "NS", "ns.example.net."))
        for name in (NAME + ".", "bank.example.net.", "ns.example.net."):
            made.additional.append(dns.rrset.from_text(name, 86400, "IN", "A", FALSE))
        forge(made.to_wire(), asked.client)

    assert answered_while(upstream, attack) == [TRUE, TRUE]


_BANK = f"bank.example.net. 86400 A {FALSE}"


@pytest.mark.parametrize(
    "reply",
    [
        Reply((f"{NAME}. 60 A {TRUE}", _BANK)),
        Reply((_BANK, f"{NAME}. 60 A {TRUE}")),
        Reply((f"{NAME}. 60 A {TRUE}",), additional=(_BANK,)),
        Reply((f"{NAME}. 60 A {TRUE}",), ("example.net. 86400 NS bank.example.net.",), (_BANK,)),
        Reply((f"{NAME}. 60 A {TRUE}",), ("net. 86400 NS bank.example.net.", ". 86400 NS bank.example.net."), (_BANK,)),
        Reply((f"{NAME}. 60 A {TRUE}", "example.net. 86400 DNAME evil.example.", _BANK)),
    ],
    ids=["behind", "before", "additional", "glue", "higher", "dname"],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_an_upstream_speaks_for_no_name_but_the_one_it_was_asked_for(
    upstream: Upstream, reply: Reply, tcp: bool
) -> None:
    upstream.set_zone(lambda name, rtype: reply if name.lower() == NAME else None)
    with Serving(upstream.url) as serving:
        for _ in range(2):
            response = ask(NAME, server=serving.server, tcp=tcp, edns=1232)
            assert addresses(response) == [TRUE]
            assert (response.authority, response.additional) == ([], [])
        upstream.set_zone(ZONE)
        for name in ("bank.example.net", "example.net"):
            assert addresses(ask(name, server=serving.server, tcp=tcp)) == [TRUE]


def test_an_alias_cannot_be_used_to_answer_for_its_target(upstream: Upstream) -> None:
    """The chain's own addresses reach the one who asked for the chain, and nobody who asks for its end."""
    lie = Reply((f"{NAME}. 60 CNAME bank.example.net.", _BANK))
    upstream.set_zone(lambda name, rtype: lie if name.lower() == NAME else None)
    with Serving(upstream.url) as serving:
        assert addresses(ask(NAME, server=serving.server)) == [FALSE]
        upstream.set_zone(ZONE)
        assert addresses(ask("bank.example.net", server=serving.server)) == [TRUE]


def test_aliases_in_a_circle_harm_neither_the_client_nor_the_upstreams_health(upstream: Upstream) -> None:
    circle = Reply((f"{NAME}. 60 CNAME a.example.net.", f"a.example.net. 60 CNAME {NAME}."))
    upstream.set_zone(lambda name, rtype: circle)
    with Serving(upstream.url) as serving:
        for n in range(6):
            upstream.set_zone(
                lambda name, rtype: Reply((f"{name}. 60 CNAME a.example.net.", f"a.example.net. 60 CNAME {name}."))
            )
            response = ask(f"n{n}.example.com", server=serving.server, edns=1232)
            assert (response.rcode(), response.answer) == (2, [])
        assert serving.health == []


@pytest.mark.parametrize("trusted", [False, True])
def test_nobody_hears_that_data_is_authentic_unless_the_owner_trusts_who_says_so(trusted: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        liar.bind(("127.0.0.1", 0))

        def lie() -> None:
            wire, client = liar.recvfrom(4096)
            made = dns.message.make_response(dns.message.from_wire(wire), recursion_available=True)
            made.flags |= dns.flags.AD
            made.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "A", TRUE))
            liar.sendto(made.to_wire(), client)

        threading.Thread(target=lie, daemon=True).start()
        options = ResolverOptions(rebinding_protection=False, trust_ad=trusted)
        with Serving(f"udp://127.0.0.1:{liar.getsockname()[1]}", options=options) as serving:
            for _ in range(3):
                response = ask(NAME, server=serving.server, dnssec_ok=True)
                assert bool(response.flags & dns.flags.AD) is trusted


_HOME = ["192.168.1.1", "10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.9.9", "0.0.0.0"]
_HOME6 = ["::1", "fd00::1", "fe80::1", "::ffff:192.168.1.1", "64:ff9b::c0a8:101"]


@pytest.mark.parametrize(
    ("rtype", "records"),
    [
        *[("A", (f"{NAME}. 60 A {address}",)) for address in _HOME],
        *[("AAAA", (f"{NAME}. 60 AAAA {address}",)) for address in _HOME6],
        ("A", (f"{NAME}. 60 A 192.0.2.1", f"{NAME}. 60 A 192.168.1.1")),
        ("A", (f"{NAME}. 60 CNAME a.example.net.", "a.example.net. 60 A 192.168.1.1")),
        ("HTTPS", (f"{NAME}. 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1,192.168.1.1",)),
        ("HTTPS", (f"{NAME}. 60 HTTPS 1 . alpn=h2 ipv6hint=fd00::1",)),
        ("ANY", (f"{NAME}. 60 A 192.168.1.1",)),
    ],
)
def test_no_name_of_the_internet_leads_home(upstream: Upstream, rtype: str, records: tuple[str, ...]) -> None:
    upstream.set_zone(lambda name, _: Reply(records) if name.lower() == NAME else None)
    homes = [ip_address(text).packed for text in (*_HOME, *_HOME6)]
    with Serving(upstream.url, options=ResolverOptions()) as serving:
        for tcp in (False, True, False):
            wire = ask_raw(question(NAME, rtype).to_wire(), serving.server, tcp=tcp)
            assert not [home for home in homes if home in wire[12:] and home.strip(b"\0")]
            assert addresses(dns.message.from_wire(wire)) == []
