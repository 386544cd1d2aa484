"""What the model looks at in a name: its runs of three to five characters, its words, and its shape.

The part below the registrable domain and the domain's own label are read apart, because "ads" means something else in
ads.example.com than in roads.com. Digits all read as 0, so that cluster 12 is like cluster 7. Everything is hashed into
one of `BUCKETS` weights (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from gateway.classifier.learned.words import SERVING, TRACKING

BUCKETS = 1 << 17
SIZES = (3, 4, 5)
LONGEST = 96
MOST_BUCKETS = len(SIZES) * (LONGEST + 63) + LONGEST + 8

_MASK = BUCKETS - 1
_BELOW, _OWN, _SHAPE, _WORD = 0, 0x5EED, 0x0DD, 0xB00C
_ZERO = bytes(0x30 if 0x30 <= c <= 0x39 else c for c in range(256))
_LETTERS = re.compile(r"[a-z]+")
_RANDOM = re.compile(r"(?=[a-z]*\d)(?=\d*[a-z])[0-9a-f]{12,}|[bcdfghjklmnpqrstvwxz]{6,}|\d{6,}")


class Feature(NamedTuple):
    """Something that is true of a name: where it stands, or, where it is of the whole name, what it is in words."""

    bucket: int
    start: int = 0
    stop: int = 0
    says: str = ""


def read(name: str, registrable: str | None) -> list[int]:
    """The buckets of any text, sorted, each once, at most `MOST_BUCKETS`: the last `LONGEST` characters below the
    registrable domain, and its own label.
    """
    below, own, suffix, _, _ = _parts(name, registrable)
    found = set(_runs(own, _OWN))
    if below:
        found.update(_runs(below, _BELOW))
        found.update([crc32(word.encode(), _WORD) & _MASK for word in _LETTERS.findall(below)])
    found.update([feature.bucket for feature in _whole(below, suffix)])
    return sorted(found)


def explain(name: str, registrable: str | None) -> Iterator[Feature]:
    """Every feature with its place in the name; one bucket may come several times."""
    below, own, suffix, below_at, own_at = _parts(name, registrable)
    yield from _placed(_runs(own, _OWN), len(own), own_at)
    if below:
        yield from _placed(_runs(below, _BELOW), len(below), below_at)
        for word in _LETTERS.finditer(below):
            bucket = crc32(word[0].encode(), _WORD) & _MASK
            yield Feature(bucket, below_at + word.start(), below_at + word.end())
    for feature in _whole(below, suffix):
        shift = below_at if feature.stop else 0
        yield Feature(feature.bucket, feature.start + shift, feature.stop + shift, feature.says)


def _parts(name: str, registrable: str | None) -> tuple[str, str, str, int, int]:
    """(below the domain, its own label, the public suffix, where the first starts, where the second starts)."""
    under = bool(registrable) and name.endswith(f".{registrable}")
    own, _, suffix = (registrable if under and registrable else name).partition(".")
    below = name[: -len(registrable) - 1] if under and registrable else ""
    cut = max(0, len(below) - LONGEST)
    return below[cut:], own[:63], suffix, cut, len(below) + 1 if below else 0


def _runs(text: str, seed: int) -> list[int]:
    """Runs of three characters, with "." before and behind the text, from left to right; then of four, of five."""
    raw = b"." + text.encode("ascii", "replace").translate(_ZERO) + b"."
    end = len(raw) + 1
    return [crc32(raw[at : at + size], seed) & _MASK for size in SIZES for at in range(end - size)]


def _placed(buckets: list[int], length: int, start: int) -> Iterator[Feature]:
    places = ((at, at + size) for size in SIZES for at in range(-1, length + 2 - size))
    for bucket, (first, last) in zip(buckets, places, strict=True):
        yield Feature(bucket, start + max(first, 0), start + min(last, length))


def _whole(below: str, suffix: str) -> Iterator[Feature]:
    depth = below.count(".") + 1 if below else 0
    yield _shape(f"depth {min(depth, 5)}", "of the number of its labels")
    yield _shape("suffix " + suffix[:24], f"it ends in .{suffix[:24]}")
    if not below:
        return
    yield _shape(f"length {min(int(math.log2(len(below)) * 2), 12)}", "of its length")
    if _RANDOM.search(below):
        yield _shape("random", "a row of characters that looks drawn by lot stands in it")
    words = list(_LETTERS.finditer(below))
    tracking = [word for word in words if word[0] in TRACKING]
    serving = [word for word in words if word[0] in SERVING]
    for kind, found in (("tracking", tracking), ("serving", serving)):
        place = found[0].span() if found else (0, 0)
        yield _shape(f"{kind} words {min(len(found), 2)}", f"of its {kind} words", *place)
    place = tracking[0].span() if tracking else (0, 0)
    yield _shape(f"words {bool(tracking)} {bool(serving)}", "of the mix of its words", *place)


def _shape(text: str, says: str, start: int = 0, stop: int = 0) -> Feature:
    return Feature(crc32(text.encode("ascii", "replace"), _SHAPE) & _MASK, start, stop, says)
