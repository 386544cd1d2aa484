"""A clock that jumps takes nothing with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from gateway.journal.engine import open_engine
from gateway.journal.horizon import DAY, Horizon, Reach
from gateway.journal.retention import Retention
from gateway.journal.schema import days, hours, lookups, minutes
from gateway.journal.sweep import _drop_oldest_tenth, sweep
from tests.unit.journal.home import NOON, record, row

HOUR, YEARS = 3_600.0, 3_652 * DAY
KEPT = Retention(lookups=timedelta(days=30), minutes=timedelta(days=3), hours=timedelta(days=62))


@dataclass
class Machine:
    """Its clock can be set; what has passed cannot. Lookups of forty days lie in its journal, two a day."""

    path: Path
    shown: float = NOON.timestamp()
    passed: float = 50.0
    horizon: Horizon = field(init=False)

    def start(self) -> None:
        """Also again: of what was known, only what the journal holds is left."""
        self.horizon = Horizon(lambda: self.passed)
        with self.journal() as connection:
            self.horizon.begin(connection, self.shown)

    def wait(self, seconds: float) -> None:
        self.shown += seconds
        self.passed += seconds

    @contextmanager
    def journal(self) -> Iterator[Connection]:
        engine = open_engine(self.path)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def look(self) -> Reach:
        with self.journal() as connection:
            return self.horizon.look(connection, self.shown)

    def sweep(self) -> None:
        with self.journal() as connection:
            reach = self.horizon.look(connection, self.shown)
            for _ in sweep(connection, KEPT, reach, forget=lambda: None, thorough=True):
                pass

    def left(self) -> list[int]:
        with self.journal() as connection, connection.begin():
            return [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (lookups, minutes, hours, days)
            ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", (n - 79) * DAY / 2) for n in range(80)], fold_at=60.0)
    made = Machine(path)
    made.start()
    return made


def in_force_for_an_hour(machine: Machine) -> None:
    for _ in range(13):
        machine.sweep()
        machine.wait(300)
    machine.sweep()
    assert machine.look() == Reach(machine.shown)


def test_a_clock_that_is_set_a_little_again_and_again_is_not_followed_for_ever(machine: Machine) -> None:
    in_force_for_an_hour(machine)
    true = machine.shown
    for _ in range(10):
        machine.shown += 0.9 * DAY
        reach = machine.look()
    assert machine.horizon.in_doubt
    assert reach.now <= true + DAY


def test_ten_years_forward_take_a_day_at_most_and_nothing_when_they_are_over(machine: Machine) -> None:
    in_force_for_an_hour(machine)
    before = machine.left()
    machine.shown += YEARS
    for _ in range(12):
        machine.sweep()
        machine.wait(300)
    assert machine.horizon.in_doubt
    lost = [was - now for was, now in zip(before, machine.left(), strict=True)]
    assert max(lost) <= 3, "an hour may bring the next day of each"
    machine.shown -= YEARS
    machine.sweep()
    assert not machine.horizon.in_doubt
    assert [was - now for was, now in zip(before, machine.left(), strict=True)] == lost


def test_a_clock_that_stays_wrong_takes_a_day_an_hour(machine: Machine) -> None:
    in_force_for_an_hour(machine)
    machine.shown += YEARS
    before = machine.look().now
    for _ in range(48):
        machine.wait(HOUR / 2)
        reach = machine.look()
    assert reach.most == DAY
    assert before + 23 * DAY <= reach.now <= before + 26 * DAY


def test_what_is_overdue_goes_a_day_at_once_until_the_clock_has_agreed_for_an_hour(machine: Machine) -> None:
    [lookups_then, *_] = machine.left()
    machine.sweep()
    assert 0 < lookups_then - machine.left()[0] <= 2
    in_force_for_an_hour(machine)
    assert machine.left()[0] == 60


def test_a_time_server_that_agrees_lets_all_go_that_is_due(machine: Machine) -> None:
    machine.shown += 20 * DAY
    machine.sweep()
    assert machine.horizon.in_doubt, "it was off for long, or its clock is wrong"
    kept = machine.left()[0]
    assert kept >= 78
    machine.horizon.vouch(machine.shown + 2)
    assert not machine.horizon.in_doubt
    assert machine.look() == Reach(machine.shown)
    assert not machine.horizon.in_doubt
    machine.sweep()
    assert machine.left()[0] == 21


def test_against_a_time_server_the_clock_is_never_right(machine: Machine) -> None:
    machine.shown += YEARS
    machine.look()
    machine.horizon.vouch(NOON.timestamp() + 5)
    assert machine.horizon.in_doubt
    for _ in range(10):
        machine.wait(HOUR)
        assert machine.look() == Reach(NOON.timestamp() + 5 + machine.passed - 50, DAY)
    assert machine.horizon.in_doubt


def test_the_doubt_outlives_a_restart(machine: Machine) -> None:
    in_force_for_an_hour(machine)
    before = machine.left()
    true = machine.shown
    machine.shown += YEARS
    machine.sweep()
    record(machine.path, [row("ads.example", machine.shown - NOON.timestamp())])
    machine.passed = 20.0
    machine.start()
    assert machine.look() == Reach(pytest.approx(true, abs=60), DAY)
    machine.sweep()
    after = machine.left()
    assert max(was - now for was, now in zip(before, after, strict=True)) <= 2


def test_a_clock_that_goes_back_takes_nothing(machine: Machine) -> None:
    in_force_for_an_hour(machine)
    before = machine.left()
    machine.shown -= 365 * DAY
    for _ in range(8):
        machine.wait(HOUR)
        machine.sweep()
    assert machine.left() == before
    assert machine.horizon.in_doubt


def test_a_clock_that_wanders_is_followed_no_day_further(machine: Machine) -> None:
    machine.shown += 100 * DAY
    before = machine.look().now
    for _ in range(30):
        machine.wait(HOUR / 2)
        machine.shown += DAY
        assert machine.look().now <= before + machine.passed


def test_a_full_journal_gives_days_up_and_not_the_time_up_to_a_day_that_never_was(machine: Machine) -> None:
    record(machine.path, [row("ads.example", YEARS)], fold_at=YEARS + 3_600)
    with machine.journal() as connection:
        for _ in _drop_oldest_tenth(connection):
            pass
        with connection.begin():
            left = [len(set(connection.execute(select(table.c.bucket)).scalars())) for table in (days, hours, minutes)]
    assert left == [37, 73, 73], "of forty days and one to come four are gone"


def test_a_new_journal_believes_the_clock_that_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [])
    machine = Machine(path)
    machine.start()
    assert machine.look() == Reach(machine.shown, DAY)
    assert not machine.horizon.in_doubt
