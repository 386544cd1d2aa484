"""Rules that differ in types and exceptions are merged only where nothing changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.lists.compiled import Limits
from gateway.lists.merging import Variant, merged
from gateway.lists.sayings import Saying
from gateway.model.listed import Extent
from gateway.model.name import ancestors
from gateway.model.verdict import Action

NUMBERS = (1, 28, 65)
NAMES = ("a.example", "x.a.example", "y.x.a.example", "b.example", "example")
types = st.sets(st.sampled_from(NUMBERS), max_size=3).map(lambda found: tuple(sorted(found)))
either_types = types | types.map(lambda found: tuple(sorted(-number for number in found)))
exceptions = st.sets(st.sampled_from(NAMES), max_size=3).map(lambda found: tuple(sorted(found)))
variants = st.lists(st.tuples(either_types, exceptions), min_size=1, max_size=6)


def speaks(variant: Variant, name: str, qtype: int) -> bool:
    limits = Limits.of(Saying(0, Extent.SUBTREE, Action.BLOCK, False, *variant))
    return limits is None or limits.hold(frozenset(ancestors(name)), qtype)


@given(variants)
def test_together_they_speak_of_the_same_lookups(several: list[Variant]) -> None:
    fewer = merged(several)
    assert 0 < len(fewer) <= len(set(several))
    for name in (*NAMES, "z.y.x.a.example", "c.test"):
        for qtype in (*NUMBERS, 16):
            before = any(speaks(variant, name, qtype) for variant in several)
            assert any(speaks(variant, name, qtype) for variant in fewer) == before


def test_a_thousand_types_become_one_rule() -> None:
    assert merged([((number,), ()) for number in range(1, 1001)]) == [(tuple(range(1, 1001)), ())]
    assert merged([((), (f"n{number}.example",)) for number in range(1000)]) == [((), ())]
