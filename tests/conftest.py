"""What every test gets: a log that must stay quiet."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from tests.support.shared_data import MISSING, find_shared_data

_OURS = ("gateway", "web")

# The processes that tests start are started as at people's homes: with modules that are compiled already.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _OURS:
            self.records.append(record)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "expects_log(text): a WARNING or ERROR with this text is part of the story")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the shared data are missing, one skip says how many large comparisons are left out."""
    large = [item for item in items if item.get_closest_marker("large")]
    if not large or find_shared_data() is not None:
        return
    for each in large[1:]:
        items.remove(each)
    config.hook.pytest_deselected(items=large[1:])
    large[0].add_marker(pytest.mark.skip(reason=f"{MISSING}: {len(large)} large comparisons are left out"))


@pytest.fixture(autouse=True)
def _quiet_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """A WARNING or ERROR of ours that the test did not announce fails it."""
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(listener)
    expected = [str(mark.args[0]) for mark in request.node.iter_markers("expects_log")]
    said = [record.getMessage() for record in listener.records]
    surprises = [line for line in said if not any(text in line for text in expected)]
    assert not surprises, f"unexpected in the log: {surprises}"
    missing = [text for text in expected if not any(text in line for line in said)]
    assert not missing, f"expected in the log, never said: {missing}"
