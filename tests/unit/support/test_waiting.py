"""Waiting: until it is true, and with a sentence that says what never came."""

from __future__ import annotations

import asyncio
import threading
from itertools import count

import pytest

from tests.support.clock import run_simulated, simulated_now
from tests.support.waiting import wait_until, wait_until_async


def test_the_first_true_value_is_given_back() -> None:
    numbers = count()
    assert wait_until(lambda: next(numbers) // 3) == 1
    assert next(numbers) == 4


def test_what_another_thread_does_is_seen() -> None:
    done: list[str] = []
    worker = threading.Thread(target=done.append, args=("it",))
    worker.start()
    wait_until(lambda: done)
    worker.join()


def test_what_never_comes_is_said_in_its_own_words() -> None:
    rows: list[int] = []
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: .*lambda: len\(rows\) == 5.*gave False; 0 rows"):
        wait_until(lambda: len(rows) == 5, patience=0.01, shows=lambda: f"{len(rows)} rows")
    with pytest.raises(AssertionError, match=r"s: five rows; the last look gave \[\]$"):
        wait_until(lambda: rows, "five rows", patience=0.01)

    def five_rows() -> bool:
        return len(rows) == 5

    with pytest.raises(AssertionError, match="s: five_rows; the last look gave False"):
        wait_until(five_rows, patience=0.01)


def test_only_expected_errors_mean_not_yet() -> None:
    errors = [ConnectionRefusedError("no"), ConnectionRefusedError("no")]

    def look() -> str:
        if errors:
            raise errors.pop()
        return "up"

    assert wait_until(look, ignoring=(OSError,)) == "up"
    errors.append(ConnectionRefusedError("no"))
    with pytest.raises(ConnectionRefusedError):
        wait_until(look)

    def refused() -> str:
        raise ConnectionRefusedError("no")

    with pytest.raises(AssertionError, match="refused; the last look raised ConnectionRefusedError"):
        wait_until(refused, patience=0.01, ignoring=(OSError,))


def test_it_looks_once_more_when_patience_is_over() -> None:
    assert wait_until(lambda: "at once", patience=0.0) == "at once"


def test_in_an_event_loop_the_others_go_on() -> None:
    async def story() -> None:
        happened: list[str] = []
        asyncio.get_running_loop().call_later(2.5, happened.append, "late")
        assert await wait_until_async(lambda: happened) == ["late"]
        assert 2.5 <= simulated_now() < 3
        with pytest.raises(AssertionError, match="not within 60 s: more"):
            await wait_until_async(lambda: len(happened) > 1, "more")
        assert simulated_now() > 60

        async def looks_itself() -> float:
            return max(simulated_now() - 100, 0)

        assert await wait_until_async(looks_itself) < 1

    run_simulated(story())
