"""What is asked: names, a block list, and query files for dnsperf."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

HOT, POPULAR, QUERIES = 1_000, 5_000, 100_000
MISS, MISSES = "misses", 10_000
_WORDS = ("ads", "track", "metrics", "pixel", "log", "beacon", "stat", "tag", "cdn", "data", "event", "count")
_TOPS = ("com", "net", "org", "io", "tv", "info")


@dataclass(frozen=True)
class Workload:
    """`asked` is what to ask, in order; `blocked` which names of it are on the block list."""

    name: str
    asked: tuple[str, ...]
    blocked: frozenset[str]

    def write(self, folder: Path) -> Path:
        path = folder / f"{self.name}.queries"
        path.write_text("".join(f"{name} A\n" for name in self.asked), encoding="ascii")
        return path


def block_list(size: int) -> Iterator[str]:
    """That many different names that look like those of real lists; the same size gives the same names."""
    rng = random.Random(size)
    for number in range(size):
        word, other = rng.choice(_WORDS), rng.choice(_WORDS)
        yield f"{word}{number % 97}.{other}-{number:x}.{rng.choice(_TOPS)}"


def allowed_names(count: int) -> list[str]:
    return [f"www{number % 7}.shop-{number}.example" for number in range(count)]


def workloads(list_size: int, *, seed: int = 1) -> tuple[Workload, ...]:
    """`hot`: 1,000 allowed names. `blocked`: 1,000 blocked ones. `mixed`: Zipf over 5,000 names, 25 % of the queries
    blocked. 100,000 queries each, drawn with this seed."""
    rng = random.Random(seed)
    some = min(list_size, POPULAR // 4)
    blocked = list(itertools.islice(block_list(list_size), some))
    allowed = allowed_names(POPULAR)
    hot = tuple(rng.choices(allowed[:HOT], k=QUERIES))
    bad = tuple(rng.choices(blocked[:HOT], k=QUERIES))
    mixed = list(_zipf(rng, allowed[: POPULAR - some], QUERIES * 3 // 4)) + list(_zipf(rng, blocked, QUERIES // 4))
    rng.shuffle(mixed)
    return (
        Workload("hot", hot, frozenset()),
        Workload("blocked", bad, frozenset(blocked)),
        Workload("mixed", tuple(mixed), frozenset(blocked)),
    )


def misses(tag: str, count: int = MISSES) -> Workload:
    """Names that nobody has asked for before, as long as no two tags are the same."""
    return Workload(MISS, tuple(f"n{number}.{tag}.example" for number in range(count)), frozenset())


def address_of(name: str) -> str:
    """Where the bench's own authority says that a name leads to: always in 198.51.100.0/24 (RFC 5737)."""
    return f"198.51.100.{1 + blake2b(name.lower().encode('ascii'), digest_size=1).digest()[0] % 254}"


def _zipf(rng: random.Random, names: Sequence[str], count: int) -> list[str]:
    """Names drawn with probabilities that fall with their rank, exponent 1."""
    order = list(names)
    rng.shuffle(order)
    return rng.choices(order, [1 / rank for rank in range(1, len(order) + 1)], k=count)
