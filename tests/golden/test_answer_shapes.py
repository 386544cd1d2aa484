"""Five hundred shapes of upstreams' answers, through us and through the real unbound: what a client gets is the same,
but for what stands in the table below, each with the RFC that permits it.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from tests.golden.answer_shapes import COUNT, KINDS, Shape, shapes
from tests.golden.beside import Given, upstream_of
from tests.support.client import Server, ask_raw, question
from tests.support.running_unbound import MISSING, UNBOUND, RunningUnbound
from tests.support.serving import Serving
from tests.support.upstream import Upstream
from tests.support.written import spelled_out

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not UNBOUND.exists(), reason=MISSING),
]
_HIGH = 2**31


@dataclass(frozen=True)
class Permitted:
    """A difference that may be: in these respects, of these kinds of shapes, when `applies` to ours and theirs.
    `always` when a run without it would mean that the row is not needed any more.
    """

    respects: frozenset[str]
    kinds: frozenset[str]
    applies: Callable[[Shape, Given, Given], bool]
    rfc: str
    why: str
    always: bool = True


Applies: TypeAlias = Callable[[Shape, Given, Given], bool]


def _row(respects: str, kinds: str, rfc: str, why: str, applies: Applies, *, always: bool = True) -> Permitted:
    every = frozenset(kind.__name__ for kind in KINDS)
    return Permitted(
        frozenset(respects.split(", ")), frozenset(kinds.split(", ")) if kinds else every, applies, rfc, why, always
    )


def _lowest(given: Given) -> int:
    return min(ttl for ttl, _ in given.answer.values())


def _minimum(shape: Shape) -> int:
    return max((int(line.split()[-1]) for line in shape.authority if " SOA " in line), default=0)


PERMITTED = [
    _row(
        "rcode, flags, answer, aliases", "many_aliases", "RFC 1034 section 3.6.2",
        "Chains of aliases should be followed. unbound gives up after eleven, we after thirty-two.",
        lambda shape, ours, theirs: (ours.rcode, theirs.rcode) == ("NOERROR", "SERVFAIL") and len(shape.targets) > 8,
    ),
    _row(
        "answer", "half_an_answer", "RFC 1034 section 5.3.1, RFC 1123 section 6.1.3.1",
        "A full resolver follows an alias that was left open; we ask a full resolver and rely on it. What it left open "
        "is kept for two seconds.",
        lambda shape, ours, theirs: theirs.answer.keys() > ours.answer.keys(),
    ),
    _row(
        "rcode, authority", "referral", "RFC 1034 section 4.3.1",
        "Who is asked to recurse answers or fails. unbound hands the referral on as if nothing were there.",
        lambda shape, ours, theirs: (ours.rcode, ours.authority, theirs.rcode) == ("SERVFAIL", {}, "NOERROR"),
    ),
    _row(
        "authority", "negative_of_another_zone", "RFC 2181 section 5.4.1, RFC 5452 section 6",
        "A zone that the name is not in has nothing to say about it; unbound, as a forwarder, believes it.",
        lambda shape, ours, theirs: not ours.authority,
    ),
    _row(
        "answer ttl", "uneven_ttls", "RFC 2181 section 5.2",
        "All records of an RRset count as if they had the lowest TTL of theirs. unbound passes each on.",
        lambda shape, ours, theirs: all(abs(ttl - _lowest(theirs)) <= 30 for ttl, _ in ours.answer.values()),
    ),
    _row(
        "repeats", "twice_the_same", "RFC 2181 section 5",
        "Two records that are equal mean nothing and should be suppressed. unbound passes them on.",
        lambda shape, ours, theirs: theirs.repeats and not ours.repeats,
    ),
    _row(
        "authority ttl", "negative, alias_to_nothing, negative_with_name_servers", "RFC 2181 section 8, RFC 2308",
        "MINIMUM is a TTL, and one of 2^31 or more counts as 0. unbound reads it as a large one.",
        lambda shape, ours, theirs: _minimum(shape) >= _HIGH and [ttl for ttl, _ in ours.authority.values()] == [0],
    ),
    _row(
        "authority ttl", "negative_of_the_root", "RFC 2181 section 5.4",
        "unbound's cache holds RRsets, ours answers: its SOA record of the root is that of an earlier answer.",
        lambda shape, ours, theirs: all(
            theirs.authority[line][0] <= ttl for line, (ttl, _) in ours.authority.items()
        ),
    ),
    _row(
        "letters", "", "RFC 4343 sections 3 and 4.1",
        "Names are equal whatever their letters. A label that an upstream happens to spell as we asked is lower case "
        "in our answer: nobody can tell whose letters they are.",
        lambda shape, ours, theirs: True, always=False,
    ),
    _row(
        "reasons", "alias_in_a_circle, failures, many_aliases, referral", "RFC 8914 section 2",
        "Whoever fails may say why. unbound says so only of what it validates.",
        lambda shape, ours, theirs: theirs.reasons == frozenset() and ours.rcode == "SERVFAIL",
    ),
    _row(
        "size", "negative_of_the_root", "RFC 1035 section 4.1.4",
        "Compression is free to whoever writes. What an upstream wrote well enough is not written anew.",
        lambda shape, ours, theirs: ours.size - theirs.size <= 8,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    said = upstream_of(shapes())

    def written(spelled: str, rtype: str) -> bytes | None:
        if spelled.lower() == "plain.example":
            return spelled_out(spelled, rtype, [f"{spelled}. 60 A 192.0.2.1"])
        return said(spelled, rtype)

    settings = "  module-config: iterator\n  ede: yes"
    with (
        Upstream(written=written) as upstream,
        Serving(upstream.url) as ours,
        RunningUnbound(tmp_path_factory.mktemp("unbound"), upstream.port, server=settings) as theirs,
    ):
        yield ours.server, theirs.address


def test_the_shapes_are_always_the_same_and_of_every_kind() -> None:
    made = shapes()
    assert len(made) == len({shape.name for shape in made}) == COUNT
    assert made == shapes()
    assert {shape.kind for shape in made} == {kind.__name__ for kind in KINDS}
    assert {shape.letters for shape in made} == {0, 1, 2, 3}
    assert {shape.compressed for shape in made} == {False, True}


WAYS = [("UDP", False, 1232), ("UDP without EDNS", False, None), ("TCP", True, None)]


def test_a_client_gets_what_unbound_gives_or_what_an_rfc_permits(servers: tuple[Server, Server]) -> None:
    ours, theirs = servers
    used: dict[Permitted, set[int]] = defaultdict(set)
    unexplained: list[str] = []
    for shape in shapes():
        began = time.monotonic()
        for way, tcp, edns in WAYS:
            query = question(shape.name, shape.rtype, edns=edns).to_wire()

            def given(server: Server, query: bytes = query, tcp: bool = tcp) -> Given:
                return Given.of(ask_raw(query, server, tcp=tcp, timeout=10.0))

            expected = given(theirs)
            for source in ("the upstream", "the cache", "the memo"):
                received = given(ours)
                for respect in received.differences(expected, time.monotonic() - began):
                    rows = [row for row in PERMITTED if respect in row.respects and shape.kind in row.kinds]
                    row = next((row for row in rows if row.applies(shape, received, expected)), None)
                    if row is None:
                        unexplained.append(f"{shape} over {way} from {source}: {respect}\n  {received}\n  {expected}")
                    else:
                        used[row].add(shape.number)
    for row in PERMITTED:
        print(f"{len(used[row]):4} shapes: {', '.join(sorted(row.respects))} ({row.rfc}): {row.why}")
    print(f"{COUNT - len(set().union(*used.values())):4} shapes: no difference")
    assert unexplained == [], f"{len(unexplained)}: " + "\n".join(unexplained[:5])
    assert [row.why for row in PERMITTED if row.always and not used[row]] == [], "rows that nothing needs"


def test_few_kinds_differ_at_all() -> None:
    """Most of what upstreams say leaves no room for opinion."""
    named = Counter(kind for row in PERMITTED if row.always for kind in row.kinds)
    assert len({kind.__name__ for kind in KINDS} - named.keys()) >= len(named)
