from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.journal import scope as module
from gateway.journal.engine import open_engine
from gateway.journal.scope import SearchScope, find_scope
from gateway.journal.views import LookupFilter
from tests.unit.journal.home import TELEVISION, record, row


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Callable[[LookupFilter], SearchScope]]:
    path = tmp_path / "journal.sqlite"
    record(path, [row(f"name{n}.example", n, blocked=n % 2 == 0) for n in range(10)])
    engine = open_engine(path, read_only=True)
    with engine.connect() as connection:
        yield lambda wanted: find_scope(connection, wanted)
    engine.dispose()


def test_no_filter_is_everything(find: Callable[[LookupFilter], SearchScope]) -> None:
    assert find(LookupFilter()).is_everything
    assert not find(LookupFilter()).is_nothing


def test_few_streams_are_named(find: Callable[[LookupFilter], SearchScope]) -> None:
    assert len(find(LookupFilter(verdict="block")).streams or ()) == 5
    assert find(LookupFilter(name="name3")).streams is not None


def test_many_streams_are_described(
    find: Callable[[LookupFilter], SearchScope], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FEW", 3)
    scope = find(LookupFilter(name="name"))
    assert scope.streams is None
    assert not scope.is_everything
    assert not scope.is_nothing


@pytest.mark.parametrize(
    "wanted", [LookupFilter(name="other"), LookupFilter(client="192.0.2.77"), LookupFilter(device="nobody")]
)
def test_what_never_asked_is_nothing(find: Callable[[LookupFilter], SearchScope], wanted: LookupFilter) -> None:
    assert find(wanted).is_nothing


def test_a_client_means_its_ids(find: Callable[[LookupFilter], SearchScope]) -> None:
    assert find(LookupFilter(client=TELEVISION)).clients == (1,)
