"""How far retention may go: a clock that jumps must not take the past with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from gateway.journal import statements as say
from gateway.journal.engine import raw_connection
from gateway.journal.schema import marks, shelves
from gateway.linux.process import since_boot

DAY: Final = 86_400.0
_HOUR = 3_600.0
_MARK = "horizon"


@dataclass(frozen=True, slots=True)
class Reach:
    """`now` is what retention counts back from, in seconds since the epoch; `most` how much of the past, in seconds, a
    sweep may take at once, None for all that is due.
    """

    now: float
    most: float | None = None


class Horizon:
    """Knows what time it must be: what it was when it was certain, and what has passed since, also over a restart.

    A clock that shows another day is in doubt. Then history goes at most a day at once, counted from the time that must
    be; what the clock claims is followed when a time server agrees, or for each hour in which it ran evenly by a day.
    Whoever hears a time server calls `vouch`, from any thread; everything else belongs to the journal's.
    """

    def __init__(self, steady: Callable[[], float] = since_boot) -> None:
        self._steady = steady
        # What time it was for sure, and when that was by the steady clock.
        self._known: tuple[float, float] | None = None
        self._heard: tuple[float, float] | None = None
        self._shown: tuple[float, float] | None = None
        self._vouched = self._sound = False
        self._agrees_since: float | None = None
        self._odd = (0.0, 0.0)
        self.in_doubt = False
        """Whether a time server should be asked."""

    def vouch(self, at: float) -> None:
        """A time server says that it is `at`, in seconds since the epoch. Ends the doubt when the clock shows that."""
        steady = self._steady()
        self._heard = (at, steady)
        if self._shown is not None:
            shown, then = self._shown
            self.in_doubt = abs(shown + steady - then - at) > DAY

    def begin(self, connection: Connection, shown: float) -> None:
        """Before the first row of this run is written: the newest one is of a time that is over."""
        if self._known is None:
            with connection.begin():
                known = connection.execute(select(marks.c.value).where(marks.c.name == _MARK)).scalar()
                newest = select(shelves.c.minute).order_by(shelves.c.id.desc()).limit(1)
                minute = known if known is not None else connection.execute(newest).scalar()
            self._known = (shown if minute is None else minute * 60.0, self._steady())

    def look(self, connection: Connection, shown: float) -> Reach:
        """How far a sweep may go now that the clock shows this."""
        steady = self._steady()
        self._shown = (shown, steady)
        if self._heard is not None:
            self._known, self._heard, self._vouched = self._heard, None, True
        sure = self._sure(shown, steady)
        if abs(shown - sure) <= DAY:
            reach = self._agreeing(shown, steady)
        else:
            sure = self._doubting(shown, sure, steady)
            reach = Reach(min(shown, sure), DAY)
        with connection.begin():
            raw_connection(connection).execute(say.SET_MARK, (_MARK, int(sure // 60)))
        return reach

    def _sure(self, shown: float, steady: float) -> float:
        known, then = self._known or (shown, steady)
        return known + steady - then

    def _agreeing(self, shown: float, steady: float) -> Reach:
        self.in_doubt = False
        if self._agrees_since is None:
            self._agrees_since = steady
        if self._vouched or self._sound:
            return Reach(shown)
        if steady - self._agrees_since < _HOUR:
            return Reach(shown, DAY)
        # Once: a clock that is set a little every day would lead astray.
        self._known, self._sound = (shown, steady), True
        return Reach(shown)

    def _doubting(self, shown: float, sure: float, steady: float) -> float:
        """What time it must be, a day later for each hour in which nothing spoke against the clock."""
        ahead, since = self._odd
        self._agrees_since, self._sound = None, False
        if not self.in_doubt or abs(shown - steady - ahead) > _HOUR:
            self._odd = (shown - steady, steady)
        elif steady - since >= _HOUR and shown > sure and not self._vouched:
            self._odd = (shown - steady, steady)
            sure += DAY
            self._known = (sure, steady)
        self.in_doubt = True
        return sure
