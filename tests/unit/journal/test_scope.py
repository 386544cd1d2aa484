from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.journal import scope as module
from gateway.journal.engine import open_engine
from gateway.journal.scope import Scope, find_scope
from gateway.journal.views import Filter
from tests.unit.journal.home import TELEVISION, record, row


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Callable[[Filter], Scope]]:
    path = tmp_path / "journal.sqlite"
    record(path, [row(f"name{n}.example", n, blocked=n % 2 == 0) for n in range(10)])
    engine = open_engine(path, read_only=True)
    with engine.connect() as connection:
        yield lambda wanted: find_scope(connection, wanted)
    engine.dispose()


def test_no_filter_is_everything(find: Callable[[Filter], Scope]) -> None:
    assert find(Filter()).is_everything
    assert not find(Filter()).is_nothing


def test_few_streams_are_named(find: Callable[[Filter], Scope]) -> None:
    assert len(find(Filter(verdict="block")).streams or ()) == 5
    assert find(Filter(name="name3")).streams is not None


def test_many_streams_are_described(find: Callable[[Filter], Scope], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW", 3)
    scope = find(Filter(name="name"))
    assert scope.streams is None
    assert not scope.is_everything
    assert not scope.is_nothing


@pytest.mark.parametrize("wanted", [Filter(name="other"), Filter(client="192.0.2.77"), Filter(device="nobody")])
def test_what_never_asked_is_nothing(find: Callable[[Filter], Scope], wanted: Filter) -> None:
    assert find(wanted).is_nothing


def test_a_client_means_its_ids(find: Callable[[Filter], Scope]) -> None:
    assert find(Filter(client=TELEVISION)).clients == (1,)
