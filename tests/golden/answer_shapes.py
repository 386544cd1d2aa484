"""Five hundred shapes of answers as upstreams give them, honest and careless ones; always the same five hundred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final, TypeAlias

from tests.support.written import spelled_out

COUNT: Final = 500
SEED: Final = 4343
_TTLS = (0, 1, 5, 60, 300, 3_600, 86_399, 86_400, 86_401, 604_800, 2**31 - 1, 2**31, 2**32 - 1)
_ZONES = ("example.com", "a.long-label-of-a-cloud.region-eu-central-1.example.net", "x.example", "shop.example.org")
_SOA = "ns.@z. hostmaster.@z. 2026112801 7200 3600 1209600"
# How an upstream spells names: as it was asked, in lower case, in capitals, or as its zone file has them.
_LETTERS: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title)


@dataclass(frozen=True)
class Shape:
    """What is asked and what the upstream says. In records "@" is the name that was asked for and "@z" its zone, both
    in the upstream's letters; no two shapes share either. `targets` are the answers about the names that this one leads
    to.
    """

    number: int
    kind: str
    name: str
    rtype: str
    answer: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    rcode: int = 0
    letters: int = 0
    compressed: bool = False
    flags: int = 0x8180
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        """Every name, in lower case, that there is an answer about, and how it stands in `targets`."""
        return {self.name: "@", **{self._in(name, self.name).lower(): name for name in self.targets}}

    def written(self, spelled: str, rtype: str, about: str = "@") -> bytes:
        """The response to the question as it was spelled, about the name itself or one that it leads to."""
        name = _LETTERS[self.letters](spelled if about == "@" else self.name)
        answer = self.targets.get(about, self.answer) if rtype == self.rtype else ()
        return spelled_out(
            spelled,
            rtype,
            [self._in(line, name) for line in answer],
            [self._in(line, name) for line in self.authority],
            compressed=self.compressed,
            rcode=self.rcode,
            flags=self.flags,
        )

    def _in(self, line: str, name: str) -> str:
        return line.replace("@z", name.partition(".")[2]).replace("@", name)


Draft: TypeAlias = dict[str, object]


def _addresses(rng: Random, owner: str, count: int, ttls: Sequence[int], rtype: str = "A") -> list[str]:
    first = "192.0.2." if rtype == "A" else "2001:db8::"
    return [f"{owner}. {rng.choice(ttls)} {rtype} {first}{n + 1:{'d' if rtype == 'A' else 'x'}}" for n in range(count)]


def _ttl(rng: Random) -> int:
    return rng.choice(_TTLS)


def addresses(rng: Random) -> Draft:
    rtype, ttl = rng.choice(("A", "AAAA")), _ttl(rng)
    return {"rtype": rtype, "answer": _addresses(rng, "@", rng.randint(1, 30), [ttl], rtype)}


def uneven_ttls(rng: Random) -> Draft:
    return {"answer": _addresses(rng, "@", rng.randint(2, 6), _TTLS)}


def twice_the_same(rng: Random) -> Draft:
    lines = _addresses(rng, "@", rng.randint(1, 4), [_ttl(rng)])
    return {"answer": [*lines, *rng.sample(lines, rng.randint(1, len(lines)))]}


def foreign_records(rng: Random) -> Draft:
    lines = _addresses(rng, "@", rng.randint(1, 30), [300])
    for n in range(rng.randint(1, 3)):
        lines.insert(rng.randint(0, len(lines)), f"bank{n}.invalid. 300 A 198.51.100.{n + 1}")
    if rng.random() < 0.5:
        lines.insert(0, "@. 300 AAAA 2001:db8::66")
    return {"answer": lines}


def _path(rng: Random, length: int) -> list[str]:
    return ["@", *(rng.choice((f"t{n}.@z", f"t{n}.z%.cdn.example")) for n in range(length))]


def aliases(rng: Random) -> Draft:
    path = _path(rng, rng.randint(1, 7))
    lines = [f"{a}. {_ttl(rng)} CNAME {b}." for a, b in pairwise(path)]
    return {"answer": lines + _addresses(rng, path[-1], rng.randint(1, 8), [_ttl(rng)]), "chain": path}


def many_aliases(rng: Random) -> Draft:
    path = _path(rng, rng.randint(8, 32))
    lines = [f"{a}. 300 CNAME {b}." for a, b in pairwise(path)]
    return {"answer": lines + _addresses(rng, path[-1], 1, [300]), "chain": path}


def aliases_in_disorder(rng: Random) -> Draft:
    path = _path(rng, rng.randint(1, 4))
    lines = [f"{a}. 300 CNAME {b}." for a, b in pairwise(path)] + _addresses(rng, path[-1], 2, [60])
    rng.shuffle(lines)
    return {"answer": lines, "chain": path}


def two_aliases_of_one_name(rng: Random) -> Draft:
    lines = ["@. 300 CNAME t0.@z.", "@. 300 CNAME t1.@z.", *_addresses(rng, "t0.@z", 1, [60])]
    return {"answer": lines, "chain": ["@", "t0.@z"]}


def alias_to_nothing(rng: Random) -> Draft:
    path = _path(rng, rng.randint(1, 3))
    lines = [f"{a}. {_ttl(rng)} CNAME {b}." for a, b in pairwise(path)]
    zone = "@z" if path[-1].endswith("@z") else "z%.cdn.example"
    soa = f"{zone}. {_ttl(rng)} SOA ns.{zone}. host.{zone}. 1 2 3 4 {_ttl(rng)}"
    return {"answer": lines, "authority": [soa], "rcode": rng.choice((0, 3)), "chain": path}


def alias_in_a_circle(rng: Random) -> Draft:
    path = _path(rng, rng.randint(1, 5))
    return {"answer": [f"{a}. 300 CNAME {b}." for a, b in pairwise([*path, "@"])], "chain": path}


def half_an_answer(rng: Random) -> Draft:
    path = _path(rng, rng.randint(1, 2))
    lines = [f"{a}. 3600 CNAME {b}." for a, b in pairwise(path)]
    # Who asks for the rest gets it, or not.
    return {"answer": lines, "chain": path, "behind": _addresses(rng, path[-1], rng.randint(0, 1), [60])}


def referral(rng: Random) -> Draft:
    return {"authority": [f"@z. {_ttl(rng)} NS ns{n}.@z." for n in range(rng.randint(1, 3))], "flags": 0x8100}


def negative(rng: Random) -> Draft:
    soa = f"@z. {_ttl(rng)} SOA {_SOA} {_ttl(rng)}"
    return {"authority": [soa], "rcode": rng.choice((0, 3)), "rtype": rng.choice(("A", "AAAA", "HTTPS", "MX"))}


def negative_with_name_servers(rng: Random) -> Draft:
    return {"authority": ["@z. 300 NS ns.@z.", f"@z. 300 SOA {_SOA} {_ttl(rng)}"], "rcode": rng.choice((0, 3))}


def negative_of_the_root(rng: Random) -> Draft:
    soa = ". 3600 SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
    return {"authority": [soa], "rcode": 3}


def negative_of_another_zone(rng: Random) -> Draft:
    return {"authority": [f"victim.example. {_ttl(rng)} SOA ns.evil.example. h.evil.example. 1 2 3 4 9"], "rcode": 3}


def negative_without_a_word(rng: Random) -> Draft:
    return {"rcode": rng.choice((0, 3)), "rtype": rng.choice(("A", "TXT"))}


def with_name_servers(rng: Random) -> Draft:
    authority = [f"@z. 3600 NS ns{n}.@z." for n in range(rng.randint(1, 4))]
    return {"answer": _addresses(rng, "@", rng.randint(1, 4), [_ttl(rng)]), "authority": authority}


def renamed_subtree(rng: Random) -> Draft:
    new = "z%.new.example"
    lines = [f"@z. 300 DNAME {new}.", f"@. 300 CNAME s.{new}.", *_addresses(rng, f"s.{new}", 2, [60])]
    return {"answer": lines, "chain": ["@", f"s.{new}"]}


def service_binding(rng: Random) -> Draft:
    data = rng.choice(
        ("1 . alpn=h2,h3", "1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1", "0 svc.@z.", "2 svc.@z. port=8443",
         "1 . alpn=h3 key65333=xyz")
    )  # fmt: skip
    rtype = rng.choice(("HTTPS", "SVCB"))
    return {"rtype": rtype, "answer": [f"@. {_ttl(rng)} {rtype} {data}"]}


def texts(rng: Random) -> Draft:
    lines = [f'@. 300 TXT "{"x" * rng.randint(0, 255)}" "v={n}"' for n in range(rng.randint(1, 12))]
    return {"rtype": "TXT", "answer": lines}


_OTHERS = {
    "MX": ("10 mx.@.", "20 mx.@z.", "30 mx.elsewhere.example."), "NS": ("ns1.@z.", "ns2.@.", "ns.elsewhere.example."),
    "SRV": ("1 2 443 s1.@z.", "2 2 443 s2.elsewhere.example."), "PTR": ("Living-Room.@z.", "other.@z."),
    "SOA": (f"{_SOA} 60",), "CAA": ('0 issue "ca.example"', '0 iodef "mailto:x"'),
    "NAPTR": ('10 20 "u" "E2U+sip" "!^.*$!sip:x!" .', '10 20 "s" "SIP+D2T" "" _sip._tcp.@z.'),
    "TLSA": ("3 1 1 " + "ab" * 32,), "SSHFP": ("4 2 " + "cd" * 32,), "LOC": ("52 22 23.000 N 4 53 32.000 E -2.00m",),
    "RP": ("mbox.@z. txt.@z.",), "AFSDB": ("1 afs.@z.",), "KX": ("10 kx.@z.",), "HINFO": ('"RFC8482" ""',),
    "DNAME": ("new.example.",), "DS": ("60485 8 2 " + "ef" * 32,), "CNAME": ("edge.@z.",),
}  # fmt: skip


def other_types(rng: Random) -> Draft:
    rtype = rng.choice(sorted(_OTHERS))
    data = _OTHERS[rtype]
    ttl = _ttl(rng)
    return {
        "rtype": rtype,
        "answer": [f"@. {ttl} {rtype} {each}" for each in rng.sample(data, rng.randint(1, len(data)))],
    }


def unknown_types(rng: Random) -> Draft:
    rtype = f"TYPE{rng.randint(1000, 65000)}"
    size = rng.randint(0, 200)
    return {"rtype": rtype, "answer": [rf"@. {_ttl(rng)} {rtype} \# {size} {rng.randbytes(size).hex()}"]}


def failures(rng: Random) -> Draft:
    return {"rcode": rng.choice((1, 2, 4, 5)), "rtype": rng.choice(("A", "AAAA"))}


def odd_flags(rng: Random) -> Draft:
    # AA and AD set, RA missing, or all that a server may set.
    return {"answer": _addresses(rng, "@", 2, [_ttl(rng)]), "flags": rng.choice((0x8580, 0x81A0, 0x8100, 0x85B0))}


def too_long(rng: Random) -> Draft:
    return {"rtype": "AAAA", "answer": _addresses(rng, "@", rng.randint(50, 250), [_ttl(rng)], "AAAA")}


KINDS: Final = (
    addresses, aliases, negative, service_binding, other_types, uneven_ttls, twice_the_same, foreign_records,
    many_aliases, aliases_in_disorder, two_aliases_of_one_name, alias_to_nothing, alias_in_a_circle, half_an_answer,
    negative_with_name_servers, negative_of_the_root, negative_of_another_zone, negative_without_a_word,
    with_name_servers, renamed_subtree, texts, unknown_types, odd_flags, too_long, addresses, aliases, negative,
    failures, referral,
)  # fmt: skip


def shapes(count: int = COUNT, seed: int = SEED) -> list[Shape]:
    rng = Random(seed)
    return [_shape(rng, n, KINDS[n % len(KINDS)]) for n in range(count)]


def _shape(rng: Random, number: int, kind: Callable[[Random], Draft]) -> Shape:
    draft = kind(rng)
    answer, authority, chain, behind = (
        [line.replace("%", str(number)) for line in _lines(draft, part)]
        for part in ("answer", "authority", "chain", "behind")
    )
    return Shape(
        number,
        kind.__name__,
        f"s.z{number}.{rng.choice(_ZONES)}",
        str(draft.get("rtype", "A")),
        tuple(answer),
        tuple(authority),
        int(str(draft.get("rcode", 0))),
        rng.randrange(len(_LETTERS)),
        rng.random() < 0.5,
        int(str(draft.get("flags", 0x8180))),
        {
            name: tuple(line for line in (*answer, *behind) if not _is_before(line, chain, place))
            for place, name in enumerate(chain)
            if place
        },
    )


def _is_before(line: str, chain: list[str], place: int) -> bool:
    """True for an alias in front of this place of the chain: nobody asked for that."""
    return any(line.startswith(f"{name}. ") for name in chain[:place])


def _lines(draft: Draft, part: str) -> list[str]:
    found = draft.get(part, [])
    assert isinstance(found, list)
    return list(map(str, found))
