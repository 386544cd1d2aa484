"""Prepared answers: a datagram that was answered before is answered by two look-ups and a copy.

The key of an answer is the whole datagram behind its id, with the name in lower case: flags, question and EDNS in one,
so that nothing that could change the answer is left out. The value is all of the reply behind its id.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from gateway.model.lookup import Facts

MAX_QUERY = 302
_ID = 2
_NAME = 10
_TTL = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Aging:
    """What is needed to make the same answer a second older: `ttl_offsets` are those in the whole reply; `made` and
    `ends` are monotonic seconds.
    """

    tail: bytes
    ttl_offsets: tuple[int, ...]
    made: float
    ends: float


# (good until, reply without its id, length of the whole reply, facts for the log, 1 if blocked, how it ages)
Prepared: TypeAlias = tuple[float, bytes, int, Facts, int, Aging | None]
Memo: TypeAlias = dict[bytes, Prepared]


class Concern(NamedTuple):
    """The canonical names that a change speaks of: these, and all that end so (".ads.example"; "" is every name)."""

    names: frozenset[str]
    below: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        return name in self.names or name.endswith(self.below)


class Memos:
    """All prepared answers, one memo for each profile of the policy; bounded over all of them together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._memos: dict[Hashable, Memo] = {}
        self.epoch = 0

    def __len__(self) -> int:
        return sum(map(len, self._memos.values()))

    @property
    def profiles(self) -> int:
        """How many different ones have a memo."""
        return len(self._memos)

    def of(self, profile: Hashable) -> Memo:
        return self._memos.setdefault(profile, {})

    def clear(self) -> None:
        """No answer decided before this moment will be given again; `epoch` lets those under way notice."""
        self.epoch += 1
        self._memos.clear()

    def forget(self, concern: Concern) -> None:
        """As `clear`, for a change that concerns only answers about these names, or that lead to one of them."""
        self.epoch += 1
        names, below = concern
        for memo in self._memos.values():
            # Nobody is answered meanwhile, and there may be thousands: no call for each.
            gone = [
                key
                for key, (_, _, _, facts, _, _) in memo.items()
                if facts.name in names
                or (below and facts.name.endswith(below))
                or (facts.targets and any(map(concern.has, facts.targets)))
            ]
            for key in gone:
                del memo[key]

    def remember(
        self,
        memo: Memo,
        datagram: bytes,
        reply: bytes,
        facts: Facts,
        *,
        now: float,
        lifetime: float,
        ttl_offsets: tuple[int, ...] = (),
    ) -> None:
        """Prepares this reply for the next such datagram.

        It is good for `lifetime` seconds (inf: until the policy changes). `ttl_offsets` are those, in the reply, of
        records whose TTL shall count down.
        """
        key = fold(datagram[2:])
        tail = _respelled(reply[2:], key)
        blocked = int(facts.verdict.blocked)
        if memo.pop(key, None) is None and len(self) >= self._limit:
            self._make_room()
        if not ttl_offsets:
            memo[key] = (now + lifetime, tail, len(reply), facts, blocked, None)
            return
        aging = Aging(tail, ttl_offsets, now, now + lifetime)
        memo[key] = (min(now + 1, aging.ends), tail, len(reply), facts, blocked, aging)

    def look_again(self, memo: Memo, key: bytes, now: float) -> Prepared | None:
        """The prepared answer that the plain look-up did not find: spelled otherwise, or a second old."""
        folded = fold(key)
        prepared = memo.get(folded)
        if prepared is None:
            return None
        if prepared[0] <= now:
            prepared = _older(prepared, now)
            if prepared is None:
                del memo[folded]
                return None
            memo[folded] = prepared
        if folded == key:
            return prepared
        until, tail, size, facts, blocked, aging = prepared
        return until, _respelled(tail, key), size, facts, blocked, aging

    def _make_room(self) -> None:
        # Oldest first; what is asked often comes back with its next query.
        victim = max(self._memos.values(), key=len)
        for key in list(victim)[: max(1, len(victim) // 16)]:
            del victim[key]


def fold(key: bytes) -> bytes:
    """A datagram without its id, its name in lower case and nothing else touched (type 65 is an "A", too).

    The first zero byte ends the name, or stands inside it; then the rest stays as it was, which is as good a key.
    """
    end = key.find(b"\0", _NAME)
    return key[:_NAME] + key[_NAME:end].lower() + key[end:]


def _respelled(tail: bytes, key: bytes) -> bytes:
    end = key.find(b"\0", _NAME)
    return tail[:_NAME] + key[_NAME:end] + tail[end:]


def _older(prepared: Prepared, now: float) -> Prepared | None:
    _, _, size, facts, blocked, aging = prepared
    if aging is None or aging.ends <= now:
        return None
    age = int(now - aging.made)
    tail = bytearray(aging.tail)
    for offset in aging.ttl_offsets:
        (ttl,) = _TTL.unpack_from(tail, offset - _ID)
        _TTL.pack_into(tail, offset - _ID, max(ttl - age, 0))
    return (min(aging.made + age + 1, aging.ends), bytes(tail), size, facts, blocked, aging)
