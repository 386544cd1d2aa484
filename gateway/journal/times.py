"""Times as the tables keep them: whole numbers since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Microseconds since the epoch, exactly. Raises ValueError for a time without a zone."""
    if time.tzinfo is None:
        raise ValueError("A time in the journal needs its zone.")
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def from_millis(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


def from_minutes(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)
