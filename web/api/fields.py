"""What a request says, checked field by field; everything wrong is Refused with one sentence and the field's name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from gateway.errors import Refused
from gateway.schema.checking import Message, convert
from gateway.schema.requests import canonical_name

E = TypeVar("E", bound=Enum)
M = TypeVar("M", bound=Message)

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_OFFSET_BY_SPACE = re.compile(r" (\d\d:?\d\d)$")


class Fields:
    """The fields of a query string. One that nobody knows is refused: it may be a misspelling."""

    def __init__(self, values: Mapping[str, Any], known: Collection[str]) -> None:
        for name in values:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise Refused("dashboard.no-parameter-known", _short(name), short=f"{_short(name)}", listed=listed)
        self._values = values

    @classmethod
    def of_query(cls, *known: str) -> Fields:
        """The query string of this request; each parameter at most once, and an empty one counts as absent."""
        values = {}
        for name, said in request.args.lists():
            if len(said) > 1:
                raise Refused("dashboard.can-given-once", _short(name), short=f"{_short(name)}")
            values[name] = said[0] or None
        return cls(values, known)

    def has(self, name: str) -> bool:
        return self._values.get(name) not in (None, False)

    def text(self, name: str, longest: int = 255) -> str | None:
        """A text without control characters, None when absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
            raise Refused("dashboard.text-printable-characters", name, name=name, longest=longest)
        return value.strip()

    def required(self, name: str, longest: int = 255) -> str:
        """As `text`, but it must be there."""
        value = self.text(name, longest)
        if value is None:
            raise Refused("dashboard.missing", name, name=name)
        return value

    def domain_name(self, name: str = "name") -> str:
        """A domain name, as a person may write it; canonical. It must be there."""
        return canonical_name(self.required(name, 1024), name)

    def choice(self, name: str, kind: type[E]) -> str | None:
        """One of the values of an enum, None when absent."""
        value = self._values.get(name)
        if value is None:
            return None
        values = [member.value for member in kind]
        if value not in values:
            raise Refused("dashboard.failed", name, name=name, join=f"{', '.join(values)}")
        return cast(str, value)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number; None when absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", value) or not low <= int(value) <= high:
            raise Refused("dashboard.whole-number", name, name=name, low=low, high=high)
        return int(value)

    def time(self, name: str) -> datetime | None:
        """An ISO 8601 time with its zone, as aware UTC; None when absent."""
        said = self.text(name, 40)
        if said is None:
            return None
        try:
            # A plus that nobody escaped arrives as a space.
            when = datetime.fromisoformat(_OFFSET_BY_SPACE.sub(r"+\1", said))
            when = when.astimezone(UTC) if when.tzinfo else when
        except (ValueError, OverflowError):
            raise Refused("dashboard.time-like-t", name, name=name) from None
        if when.tzinfo is None:
            raise Refused("dashboard.needs-time-zone", name, name=name)
        if not _EARLIEST <= when <= _LATEST:
            raise Refused("dashboard.lies-between-years", name, name=name)
        return when

    def span(self, now: datetime, default: timedelta = timedelta(hours=24)) -> tuple[datetime, datetime]:
        """`since` and `until`; without them the last 24 hours. At most 400 days, which is as far as history goes."""
        until = self.time("until") or now
        since = self.time("since") or until - default
        if since >= until:
            raise Refused("dashboard.since-lies-before", "since")
        if until - since > timedelta(days=400):
            raise Refused("dashboard.since-until-lie", "since")
        return since, until


def body(kind: type[M]) -> M:
    """The message in the body of this request, checked against its declaration. Raises Refused."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        value = request.get_json()
    except RecursionError:
        raise Refused("dashboard.body-nests-too") from None
    return convert(kind, value)


def web_address(said: str, field: str) -> str:
    """An http or https address. Never a path: a dashboard must not read this machine's files. Raises Refused."""
    try:
        parts = urlsplit(said)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or " " in said or "\\" in said:
        raise Refused("dashboard.address-begins-https", field, what=field)
    if parts.username is not None or parts.password is not None:
        raise Refused("dashboard.must-not-hold", field, what=field)
    return said


def _short(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:40])
