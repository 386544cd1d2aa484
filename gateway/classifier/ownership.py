"""Who owns a whole domain, earned from what is known about the names in it.

A tenant is not its landlord: a film of HBO on a carrier's computers says nothing about the carrier. So one name, or
two, never give a domain away, and neither does any number of them where strangers can have names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from gateway.classifier.fact import Fact
from gateway.classifier.public_suffix import give_out_names, registrable_domain

# Countries keep such names for whole trades, and where none does, somebody lets names below one: amazon.com.be.
_FOR_TRADES = frozenset({"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "ne", "net", "nom", "or", "org"})
_ENOUGH = 3
_OUTWEIGHS = 2


def earned_owners(rules: Iterable[tuple[str, str, Fact]], shared: Collection[str]) -> dict[str, str]:
    """Registrable domain -> the company that every unlisted name below it belongs to.

    `rules` are (pattern, domain, what it says) as the index yields them; `shared` are the domains of carriers, clouds,
    CDNs and platforms. A rule about the domain itself decides. Without one an owner has three listed names at least,
    and more than twice as many as all others together: one guest does not take the domain from its owner.
    """
    named: dict[str, str] = {}
    hosting = set(shared)
    names: dict[str, dict[tuple[str, bool], str]] = defaultdict(dict)
    for pattern, domain, fact in rules:
        top = registrable_domain(domain)
        if top is None:
            continue
        expression = pattern.startswith("/")
        if domain == top and not expression:
            if fact.hosts:
                hosting.add(top)
            elif fact.company is not None:
                named[top] = fact.company
        elif fact.company is not None and not fact.hosts:
            # ads.tv.example and .ads.tv.example are one name, expressions below one domain are several.
            names[top][pattern if expression else domain, expression] = fact.company
    majority = {top: owner for top, below in names.items() if (owner := _outweighs(below.values())) is not None}
    hosting |= give_out_names(majority.keys() - named.keys())
    return {
        top: owner
        for top, owner in (majority | named).items()
        if top not in hosting and top.partition(".")[0] not in _FOR_TRADES
    }


def _outweighs(companies: Collection[str]) -> str | None:
    (owner, most), *others = Counter(companies).most_common()
    weight = sum(number for _, number in others)
    return owner if most >= _ENOUGH and most > _OUTWEIGHS * weight else None
