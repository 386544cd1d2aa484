"""Whatever was recorded, whenever the clock jumped and whatever was swept: a search finds exactly what it should."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal.engine import open_engine
from gateway.journal.horizon import Reach
from gateway.journal.preparation import prepare
from gateway.journal.reader import LookupFilter, Reader
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from gateway.model.lookup import LogRow
from tests.unit.journal.home import NOON, PHONE, TAGS, TELEVISION, device_of, record, row

DAY = 86_400
NAMES = ["ads.example", "log.tv.example", "time.tv.example", "a_b.example", "axb.example"]
CLIENTS = [TELEVISION, PHONE, "192.0.2.9"]


@dataclass(frozen=True)
class Story:
    batches: list[list[LogRow]]
    folds: list[float | None]
    swept: bool


offsets = st.integers(-3 * DAY, 3 * DAY).map(float) | st.integers(-120, 120).map(float)
rows = st.builds(
    lambda name, client, blocked: row(name, client=client, blocked=blocked),
    st.sampled_from(NAMES),
    st.sampled_from(CLIENTS),
    st.booleans(),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    batches, folds = [], []
    for _ in range(draw(st.integers(1, 5))):
        start, pace = draw(offsets), draw(st.sampled_from([0.001, 1.0, 31.0, 4000.0]))
        some = draw(st.lists(rows, max_size=25))
        batches.append([(when + start + n * pace, *rest) for n, (when, *rest) in enumerate(some)])
        folds.append(draw(st.none() | offsets))
    return Story(batches, folds, draw(st.booleans()))  # type: ignore[arg-type]


edges = st.none() | st.integers(-4 * DAY, 4 * DAY).map(lambda seconds: NOON + timedelta(seconds=seconds))
filters = st.builds(
    LookupFilter,
    device=st.none() | st.sampled_from([device_of(client, 0).id for client in CLIENTS]),
    client=st.none() | st.sampled_from(CLIENTS),
    name=st.none() | st.sampled_from(["tv", "a_b", "%", "*.tv.*", "*_*", "ads.example", "*"]),
    company=st.none() | st.sampled_from(["TV Maker", "Ads Inc"]),
    category=st.none() | st.sampled_from(["unknown", "time"]),
    verdict=st.none() | st.sampled_from(["allow", "block"]),
    since=edges,
    until=edges,
)


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite"
        prepare(path)
        yield path


def fits(wanted: LookupFilter, when: float, client: str, name: str, blocked: bool) -> bool:
    tag, millis = TAGS.get(name), int(when * 1000)
    company, category = (tag.company, tag.category.value) if tag else (None, "unknown")
    named = wanted.name is None or (fnmatchcase(name, wanted.name) if "*" in wanted.name else wanted.name in name)
    return (
        named
        and wanted.device in (None, device_of(client, 0).id)
        and wanted.client in (None, client)
        and wanted.company in (None, company)
        and wanted.category in (None, category)
        and wanted.verdict in (None, "block" if blocked else "allow")
        and (wanted.since is None or millis >= wanted.since.timestamp() * 1000)
        and (wanted.until is None or millis < wanted.until.timestamp() * 1000)
    )


def all_pages(reader: Reader, wanted: LookupFilter, limit: int) -> list[int]:
    found: list[int] = []
    before = None
    while True:
        page = reader.lookups(wanted, limit=limit, before=before)
        assert len(page.lookups) <= limit
        found += [lookup.id for lookup in page.lookups]
        if page.next is None:
            return found
        before = page.next


@settings(max_examples=120, deadline=None)
@given(story=stories(), wanted=st.lists(filters, min_size=1, max_size=4), limit=st.integers(1, 30))
def test_a_search_finds_what_a_plain_loop_finds(
    empty: Path, story: Story, wanted: list[LookupFilter], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        shutil.copyfile(empty, path)
        kept: list[tuple[float, str, str, bool]] = []
        for batch, fold_at in zip(story.batches, story.folds, strict=True):
            record(path, batch, fold_at=fold_at)
            kept += [
                (when, client, facts.name, facts.verdict.blocked)
                for when, client, facts, _ in sorted(batch, key=lambda row: row[0])
            ]
        if story.swept:
            # All lookups stay; hints about them go.
            engine = open_engine(path)
            with engine.connect() as connection:
                keep = Retention(minutes=timedelta(hours=20), hours=timedelta(days=2), rollups=timedelta(days=3))
                list(sweep(connection, keep, Reach(NOON.timestamp()), forget=lambda: None))
            engine.dispose()
        reader = Reader(path)
        for each in wanted:
            expected = [number for number, lookup in enumerate(kept, 1) if fits(each, *lookup)]
            assert all_pages(reader, each, limit) == expected[::-1]
        if not story.swept:
            assert reader.totals(None, None).lookups == len(kept)
            assert reader.totals(None, None).blocked == sum(blocked for *_, blocked in kept)
            assert sum(
                bar.lookups for bar in reader.chart(NOON - timedelta(days=9), NOON + timedelta(days=9), 3600)
            ) == len(kept)
            for since in (NOON, NOON - timedelta(hours=30)):
                until = since + timedelta(hours=25, minutes=7)
                inside = [when for when, *_ in kept if since.timestamp() <= int(when * 1000) / 1000 < until.timestamp()]
                assert reader.totals(since, until).lookups == len(inside)
        reader.close()
