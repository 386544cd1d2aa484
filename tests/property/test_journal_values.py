"""What is stored comes back as it was; what is hostile is refused in a sentence."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import JournalError
from gateway.journal import cursor
from gateway.journal.coverage import DAY, HOUR, MINUTE, Kept, cover
from gateway.journal.hooks import Hooks
from gateway.journal.preparation import prepare
from gateway.journal.reader import LookupFilter, Reader
from gateway.journal.stores import BookStore, DeviceStore
from gateway.journal.writer import Writer
from gateway.model.book import Book, Subscription
from gateway.model.device import Device
from gateway.model.mac import Mac
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from tests.unit.journal.home import device_of, record, row, tag_of

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
ids = st.integers(1, 2**60)
rules = st.builds(
    Rule,
    st.sampled_from(Action),
    st.builds(Scope, st.sampled_from(ScopeKind), texts),
    times,
    texts,
    device=st.none() | texts,
    ends=st.none() | times,
    comment=texts,
    id=ids,
)
lists = st.builds(Subscription, ids, texts, texts, st.sampled_from(Action), times, st.booleans(), texts)
books = st.builds(
    Book,
    st.integers(0, 2**60),
    ids,
    st.lists(rules, max_size=5, unique_by=lambda rule: rule.id).map(tuple),
    st.lists(lists, max_size=5, unique_by=lambda each: each.id).map(tuple),
)
devices = st.builds(
    Device,
    texts.filter(bool),
    st.none() | st.binary(min_size=6, max_size=6).map(lambda packed: Mac(packed.hex(":"))),
    st.lists(texts, max_size=4).map(tuple),
    times,
    times,
    *[texts] * 5,
    st.booleans(),
)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    path = tmp_path_factory.mktemp("values") / "journal.sqlite"
    prepare(path)
    writer = Writer(
        path,
        deque(),
        hooks=Hooks(tag=tag_of, device_of=device_of, publish=lambda _: None, report=lambda _: None),
        interval=0.01,
    )
    writer.start()
    yield writer
    writer.stop()


@contextmanager
def refusing_in_a_sentence() -> Iterator[None]:
    """Whatever is asked, it is answered, or refused with one sentence."""
    try:
        yield
    except JournalError as error:
        if not str(error).endswith("."):
            raise


@settings(max_examples=60, deadline=None)
@given(book=books)
def test_every_book_comes_back(writer: Writer, book: Book) -> None:
    store = BookStore(writer)
    store.save(book)
    assert store.load() == book


@settings(max_examples=60, deadline=None)
@given(device=devices)
def test_every_device_comes_back(writer: Writer, device: Device) -> None:
    store = DeviceStore(writer)
    store.save(device).result(10)
    assert device in store.load()


@given(before=st.integers(0, cursor.MAX_ID))
def test_every_cursor_comes_back(before: int) -> None:
    assert cursor.decode(cursor.encode(before)) == before


@given(text=st.text(max_size=30) | st.text("ABCDQAQ_-=", min_size=9, max_size=13))
def test_no_text_makes_the_cursor_stumble(text: str) -> None:
    with refusing_in_a_sentence():
        assert cursor.encode(cursor.decode(text)) == text


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    path = tmp_path_factory.mktemp("reader") / "journal.sqlite"
    record(path, [row("ads.example", n) for n in range(20)])
    reader = Reader(path)
    yield reader
    reader.close()


anything = st.none() | st.text(max_size=300) | st.text("%_*!\\'\"\0 a.", max_size=300)
any_time = st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC))


@settings(max_examples=150, deadline=None)
@given(
    wanted=st.builds(LookupFilter, anything, anything, anything, anything, anything, anything, any_time, any_time),
    limit=st.integers(),
    before=anything,
)
def test_no_filter_makes_the_reader_stumble(
    reader: Reader, wanted: LookupFilter, limit: int, before: str | None
) -> None:
    with refusing_in_a_sentence():
        reader.lookups(wanted, limit=limit, before=before)


@settings(max_examples=100, deadline=None)
@given(since=any_time, until=any_time, text=anything, step=st.integers())
def test_no_range_makes_the_tables_stumble(
    reader: Reader, since: datetime | None, until: datetime | None, text: str | None, step: int
) -> None:
    questions = [
        lambda: reader.totals(since, until, text),
        lambda: reader.companies(since, until, text),
        lambda: reader.names(since, until, text, text, text),
        lambda: reader.devices(since, until),
        lambda: reader.name(text or ""),
        lambda: since and until and reader.chart(since, until, step, text, text),
    ]
    for ask in questions:
        with refusing_in_a_sentence():
            ask()


@given(
    start=st.integers(0, 9 * DAY),
    length=st.integers(0, 9 * DAY),
    kept=st.builds(lambda a, b: Kept(a * DAY, b * DAY), st.integers(0, 9), st.integers(0, 9)),
    coarsest=st.sampled_from([MINUTE, HOUR, DAY]),
)
def test_stretches_cover_every_minute_once_and_only_what_is_kept(
    start: int, length: int, kept: Kept, coarsest: int
) -> None:
    stretches = cover(start, start + length, kept, coarsest=coarsest)
    covered = sorted((each.start, each.end) for each in stretches)
    if length == 0:
        assert covered == []
        return
    assert covered[0][0] <= start
    assert covered[-1][1] >= start + length
    assert all(end == begin for (_, end), (begin, _) in pairwise(covered))
    for each in stretches:
        assert each.start % each.size == each.end % each.size == 0
        assert each.size != MINUTE or each.start >= kept.minutes_from
        assert each.size != HOUR or each.start >= kept.hours_from
    if start >= max(kept.minutes_from, kept.hours_from):
        assert (covered[0][0], covered[-1][1]) == (start, start + length)
        assert all(each.size <= coarsest for each in stretches)
