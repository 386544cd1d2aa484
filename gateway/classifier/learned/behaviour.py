"""What the way a name is asked for adds to how it is spelled.

Nobody has published labelled DNS traces of televisions, so the three weights are set by hand, small, and said to be so:
together they move a probability of 0.5 to at most 0.86, and never make a tracker of a name that looks like none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.classifier.learned.model import probability_of

MERGE = 30.0
FEWEST_LOOKUPS = 20
SHORTEST_SPAN = 6 * 3600.0
REGULAR = 0.35
_TRIM = 0.1
_MOST_TIMES = 10_000
_IDLE = 0.5
_MANY_DEVICES = 3
_BEACON_ODDS, _IDLE_ODDS, _FAN_IN_ODDS = 0.8, 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`period` in seconds is the usual gap, `variation` the coefficient of variation of the gaps (None: too little was
    seen to tell); `odds` are natural log-odds to add; `says` are the reasons, in plain words.
    """

    lookups: int
    period: float | None
    variation: float | None
    odds: float
    says: tuple[str, ...]

    @property
    def beacon(self) -> bool:
        """True for look-ups as regular as a heartbeat."""
        return self.variation is not None and self.variation <= REGULAR


def behaviour(times: Sequence[float], devices: int = 1, idle_share: float = 0.0) -> Behaviour:
    """From the look-ups of one name: their `times` in seconds, in any order; how many `devices` asked; which share of
    them, 0..1, came while the television was idle.

    Look-ups within 30 s of each other are one. A name needs 20 of them over 6 hours before its rhythm is judged; a
    tenth of the gaps, the shortest and the longest, is left out, because a television that is switched off makes one
    long gap.
    """
    moments = _merged(times)
    period, variation = _rhythm(moments)
    odds, says = 0.0, []
    if period is not None and variation is not None and variation <= REGULAR:
        odds += _BEACON_ODDS
        says.append(f"it is asked for every {_spoken(period)}, as regular as a heartbeat")
    if len(moments) >= FEWEST_LOOKUPS and _IDLE <= idle_share <= 1:
        odds += _IDLE_ODDS
        says.append(f"{idle_share:.0%} of the look-ups came while nobody was watching")
    if devices >= _MANY_DEVICES:
        odds += _FAN_IN_ODDS
        says.append(f"{devices} devices ask for it")
    return Behaviour(len(moments), period, variation, odds, tuple(says))


def with_behaviour(probability: float, seen: Behaviour) -> float:
    """The probability of the spelling, moved by the behaviour; unchanged below one half."""
    if not 0.5 <= probability < 1:
        return probability
    return probability_of(math.log(probability / (1 - probability)) + seen.odds)


def _merged(times: Sequence[float]) -> list[float]:
    moments: list[float] = []
    for time in sorted(time for time in times[-_MOST_TIMES:] if math.isfinite(time)):
        if not moments or time - moments[-1] > MERGE:
            moments.append(time)
    return moments


def _rhythm(moments: list[float]) -> tuple[float | None, float | None]:
    if len(moments) < FEWEST_LOOKUPS or moments[-1] - moments[0] < SHORTEST_SPAN:
        return None, None
    # Here, because it takes as long to load as half of the knowledge base, and is wanted when somebody opens a page.
    import statistics

    gaps = sorted(later - earlier for earlier, later in pairwise(moments))
    trim = max(1, int(len(gaps) * _TRIM / 2))
    gaps = gaps[trim:-trim]
    return statistics.median(gaps), statistics.pstdev(gaps) / statistics.fmean(gaps)


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
