"""Rules of one list on one name that differ in their record types and exceptions, as few as say the same.

Without this a list can have a thousand rules on `com`, each looked at for every name below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from gateway.model.name import ancestors

Types: TypeAlias = tuple[int, ...]
Exceptions: TypeAlias = tuple[str, ...]
Variant: TypeAlias = tuple[Types, Exceptions]
"""`dnstypes` and `denyallow` of an Entry, each sorted; () is all types, and no exceptions."""


def merged(variants: Iterable[Variant]) -> list[Variant]:
    """Variants of one rule that together speak of what all of them together spoke of."""
    by_exceptions: dict[Exceptions, list[Types]] = {}
    for types, exceptions in variants:
        by_exceptions.setdefault(exceptions, []).append(types)
    by_types: dict[Types, Exceptions] = {}
    for exceptions, several in by_exceptions.items():
        types = any_type(several)
        earlier = by_types.get(types)
        by_types[types] = exceptions if earlier is None else in_both(earlier, exceptions)
    if by_types.get(()) == ():
        return [((), ())]
    return sorted(by_types.items())


def any_type(several: list[Types]) -> Types:
    """The types that at least one of several rules speaks of."""
    if () in several:
        return ()
    wanted: set[int] = set()
    spared: set[int] | None = None
    for types in several:
        if types[0] > 0:
            wanted.update(types)
        else:
            spared = set(types) if spared is None else spared.intersection(types)
    if spared is None:
        return tuple(sorted(wanted))
    return tuple(sorted(number for number in spared if -number not in wanted))


def in_both(one: Exceptions, other: Exceptions) -> Exceptions:
    """The subtrees that two rules both except: what only one excepts, the other speaks of."""
    first, second = set(one), set(other)
    both = {name for name in first if not second.isdisjoint(ancestors(name))}
    both |= {name for name in second if not first.isdisjoint(ancestors(name))}
    return tuple(sorted(both))
