"""A journal in memory with the reader's answers, counted the simple way from the scene's lookups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from gateway.errors import JournalError
from gateway.journal.reader import Bar, CompanyRow, DeviceRow, Filter, NameRow, Page, Totals
from gateway.model.lookup import Lookup
from gateway.model.tag import Category
from tests.browser.scene import Scene

_TRACKING = {category.value for category in Category if category.tracks}


class MemoryReader:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.broken = False

    def _all(self, since: datetime | None = None, until: datetime | None = None, **exact: Any) -> list[Lookup]:
        if self.broken:
            raise JournalError("The journal cannot be read; telltale doctor says why.")
        wanted = {key: value for key, value in exact.items() if value is not None}
        return [
            each
            for each in self._scene.lookups
            if (since is None or each.time >= since)
            and (until is None or each.time < until)
            and all(getattr(each, key) == value for key, value in wanted.items())
        ]

    def lookups(self, wanted: Filter, *, limit: int = 100, before: str | None = None) -> Page:
        found = self._all(
            wanted.since,
            wanted.until,
            device=wanted.device,
            client=wanted.client,
            company=wanted.company,
            category=wanted.category,
            verdict=wanted.verdict,
        )
        if wanted.name:
            pattern = wanted.name.lower()
            found = [
                each for each in found if (fnmatchcase(each.name, pattern) if "*" in pattern else pattern in each.name)
            ]
        found = [each for each in reversed(found) if before is None or each.id < int(before)]
        return Page(tuple(found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)

    def lookup(self, number: int) -> Lookup | None:
        return next((each for each in self._all() if each.id == number), None)

    def totals(self, since: datetime, until: datetime, device: str | None = None) -> Totals:
        found = self._all(since, until, device=device)
        trackers = [each for each in found if each.category in _TRACKING]
        return Totals(
            len(found),
            _blocked(found),
            len({each.company for each in found if each.company}),
            len({each.name for each in found}),
            len(trackers),
            _blocked(trackers),
        )

    def chart(
        self, since: datetime, until: datetime, step: int, device: str | None = None, company: str | None = None
    ) -> tuple[Bar, ...]:
        grouped = _group(
            self._all(since, until, device=device, company=company),
            lambda each: (int(each.time.timestamp()) // step, each.category),
        )
        return tuple(
            Bar(datetime.fromtimestamp(slot * step, UTC), category, len(found), _blocked(found))
            for (slot, category), found in grouped.items()
        )

    def companies(
        self, since: datetime, until: datetime, device: str | None = None, limit: int = 50
    ) -> tuple[CompanyRow, ...]:
        grouped = _group(
            [each for each in self._all(since, until, device=device) if each.company], lambda each: each.company
        )
        rows = [
            CompanyRow(
                company,
                _main(found),
                len(found),
                _blocked(found),
                len({each.name for each in found}),
                len({each.device for each in found}),
                found[0].time,
                found[-1].time,
            )
            for company, found in grouped.items()
        ]
        return tuple(sorted(rows, key=lambda row: -row.lookups)[:limit])

    def names(
        self,
        since: datetime,
        until: datetime,
        device: str | None = None,
        company: str | None = None,
        category: str | None = None,
        limit: int = 200,
    ) -> tuple[NameRow, ...]:
        grouped = _group(
            self._all(since, until, device=device, company=company, category=category), lambda each: each.name
        )
        return tuple(sorted((_name_row(found) for found in grouped.values()), key=lambda row: -row.lookups)[:limit])

    def name(self, name: str) -> NameRow | None:
        found = self._all(name=name)
        return _name_row(found) if found else None

    def devices(self, since: datetime, until: datetime) -> tuple[DeviceRow, ...]:
        return tuple(
            DeviceRow(
                device,
                found[-1].device_name,
                len(found),
                _blocked(found),
                len({each.company for each in found if each.company}),
                sum(each.category in _TRACKING for each in found),
                found[-1].time,
            )
            for device, found in _group(self._all(since, until), lambda each: each.device).items()
        )


def _group(lookups: Iterable[Lookup], key: Callable[[Lookup], Any]) -> dict[Any, list[Lookup]]:
    grouped: dict[Any, list[Lookup]] = {}
    for each in lookups:
        grouped.setdefault(key(each), []).append(each)
    return grouped


def _blocked(lookups: Iterable[Lookup]) -> int:
    return sum(each.verdict == "block" for each in lookups)


def _main(lookups: Iterable[Lookup]) -> str:
    return Counter(each.category for each in lookups).most_common(1)[0][0]


def _name_row(found: list[Lookup]) -> NameRow:
    return NameRow(
        found[-1].name,
        found[-1].company,
        _main(found),
        len(found),
        _blocked(found),
        len({each.device for each in found}),
        found[0].time,
        found[-1].time,
    )
