"""Which names make up a service, and which name gives away that a device uses it."""

from __future__ import annotations

import threading
from collections.abc import Collection

from gateway.classifier.fact import Fact
from gateway.classifier.index import Index
from gateway.model.tag import Category

_MEMO = 4_096
_UNKNOWN = ("", False)
_GOES_WITHOUT = frozenset({Category.CRASH_REPORTS, Category.RECOMMENDATIONS})


class ServiceNames:
    """Safe to use from several threads. A name that was seen before costs one dict look-up."""

    def __init__(self, index: Index, services: Collection[str] = ()) -> None:
        self._index = index
        self._services = services
        self._signs: dict[str, tuple[str, bool] | None] = {}
        self._patterns: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] | None = None
        self._lock = threading.Lock()

    def used_by(self, name: str) -> str | None:
        """The service that somebody uses who asks for this canonical name, or None.

        Neither what watches in a service is a sign of use, nor what a device asks for with nobody in front of it.
        """
        sign = self.sign_of(name)
        return sign[0] if sign and sign[1] else None

    def sign_of(self, name: str) -> tuple[str, bool] | None:
        """The service whose own canonical name this is, and whether it is in use for that. Also what a device asks for
        with nobody in front of it may be the first thing that an app asks for which is being opened.
        """
        sign = self._signs.get(name, _UNKNOWN)
        if sign is _UNKNOWN:
            found = self._index.find(name)
            sign = self._sign(found[1]) if found else None
            with self._lock:
                if len(self._signs) >= _MEMO:
                    for old in list(self._signs)[: _MEMO // 8]:
                        del self._signs[old]
                self._signs[name] = sign
        return sign

    def _sign(self, fact: Fact) -> tuple[str, bool] | None:
        if watches(fact):
            return None
        if fact.service is None and len(fact.needed_by) == 1 and not fact.hosts:
            # What one service alone waits for, and what is no tracker, is asked for by its app.
            return (fact.needed_by[0], not fact.asked_idle) if fact.needed_by[0] in self._services else None
        return (fact.service, not fact.asked_idle) if fact.service else None

    def of(self, service: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(its own patterns, the patterns of what watches in it), as the rules spell them; both empty when unknown."""
        if self._patterns is None:
            self._patterns = _sorted_by_service(self._index)
        return self._patterns.get(service, ((), ()))


def watches(fact: Fact) -> bool:
    """True for what a service goes on without, as far as its purpose tells: trackers, crash reports, suggestions."""
    return fact.category.tracks or fact.category in _GOES_WITHOUT


def _sorted_by_service(index: Index) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    own: dict[str, list[str]] = {}
    watching: dict[str, list[str]] = {}
    for text, _, fact in index.items():
        if fact.service is not None:
            (watching if watches(fact) else own).setdefault(fact.service, []).append(text)
    return {name: (tuple(own.get(name, ())), tuple(watching.get(name, ()))) for name in own.keys() | watching.keys()}
