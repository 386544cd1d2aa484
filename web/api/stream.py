"""Events as they happen, as server-sent events."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.catalogue.sentences import Notice
from gateway.control.codec import lookup_to_json
from gateway.errors import JournalError
from gateway.journal.reader import LookupFilter, Reader
from web.api.fields import Fields
from web.api.lookups import FILTERS, filter_of
from web.backend import backend
from web.problems import problem
from web.security import still_holds
from web.serving.bell import BELL, HEARTBEAT, Bell
from web.spoken import spoken
from web.stream import Broadcaster, Listener, StreamEvent, TooManyStreams, frame, health

blueprint = Blueprint("api_stream", __name__, url_prefix="/api/v1")

_NEARLY_A_HEARTBEAT = HEARTBEAT * 0.9
_A_PAGE = 500
_MOST_PAGES = 4


@blueprint.get("/stream")
def stream() -> AnyResponse:
    asked = Fields.of_query(*FILTERS, "after")
    wanted = filter_of(asked)
    after = asked.whole("after", 0, 10**18)
    resumed = request.headers.get("Last-Event-ID", "")
    if re.fullmatch(r"[0-9]{1,18}", resumed):
        after = int(resumed)
    broadcaster = cast(Broadcaster, current_app.extensions["telltale.stream"])
    try:
        listener = broadcaster.open(_ring())
    except TooManyStreams:
        answer = problem(503, "dashboard.too-many-live")
        answer.headers["Retry-After"] = "10"
        return answer
    events = _events(broadcaster, listener, wanted, after, still_holds(g.identity), backend().reader)
    response = Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    # A generator that was never begun runs no finally clause (HEAD, or a browser that has gone already).
    response.call_on_close(lambda: broadcaster.close(listener))
    return response


def _ring() -> Callable[[], None] | None:
    """What wakes the server that serves this request; None when it holds a thread for us, which may wait."""
    bell = request.environ.get(BELL)
    return cast(Bell, bell).take() if bell is not None else None


def _events(
    broadcaster: Broadcaster,
    listener: Listener,
    wanted: LookupFilter,
    after: int | None,
    holds: Callable[[], bool],
    reader: Reader,
) -> Iterator[bytes]:
    """The listener is open before the journal is read, so that no lookup falls between the two; ids tell repeats."""
    yield b"retry: 3000\n: listening\n\n"
    if not broadcaster.connected:
        yield frame("health", spoken(health(False, Notice("dashboard.resolver-does-not"))))
    seen, quiet_since = 0, time.monotonic()
    if after is not None:
        missed, seen, complete = _missed(reader, wanted, after)
        if not complete:
            yield gap(None)
        if missed:
            yield frame("lookups", {"lookups": missed, "left_out": 0}, seen)
    while not listener.over and holds():
        happened = listener.take(HEARTBEAT)
        if listener.over or not holds():
            return
        if happened is None:
            # Whoever rings is asked often; whoever waits has waited.
            quiet = time.monotonic() - quiet_since >= _NEARLY_A_HEARTBEAT or not listener.rings
            quiet_since = time.monotonic() if quiet else quiet_since
            yield b": still here\n\n" if quiet else b""
            continue
        quiet_since = time.monotonic()
        if happened.dropped:
            yield gap(happened.dropped)
        if happened.event.kind == "gap":
            yield gap(None)
        else:
            yield _frame_of(happened.event, wanted, seen)
            seen = max(seen, happened.event.last_id or 0)


def _frame_of(event: StreamEvent, wanted: LookupFilter, seen: int) -> bytes:
    """The frame of one event; of lookups only those that are wanted and new."""
    if event.kind != "lookups":
        return event.frame()
    fitting = [lookup for lookup in event.lookups if lookup["id"] > seen and fits(wanted, lookup)]
    if len(fitting) == len(event.lookups):
        return event.frame()
    left_out = event.event.get("left_out", 0)
    if not fitting and not left_out:
        return b""
    return frame("lookups", {"lookups": fitting, "left_out": left_out}, event.last_id)


def gap(dropped: int | None) -> bytes:
    """Tells a dashboard that it missed something: `dropped` lookups, or None when nobody counted."""
    return frame("gap", {"dropped": dropped})


def fits(wanted: LookupFilter, lookup: dict[str, Any]) -> bool:
    """Whether a lookup, as JSON, is one that the filter speaks of; the same answer as the journal's."""
    exact = ("device", "client", "company", "category", "verdict")
    if any(getattr(wanted, key) not in (None, lookup[key]) for key in exact):
        return False
    return wanted.name is None or _name_fits(wanted.name.strip().lower().removesuffix("."), lookup["name"])


def _name_fits(pattern: str, name: str) -> bool:
    """Linear in the name, whatever the pattern: each piece between gaps is looked for once, leftmost first."""
    if "*" not in pattern:
        return pattern in name
    first, *middle, last = pattern.split("*")
    if not name.startswith(first) or not name.endswith(last) or len(first) + len(last) > len(name):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _missed(reader: Reader, wanted: LookupFilter, after: int) -> tuple[list[dict[str, Any]], int, bool]:
    """What was recorded after the lookup with this id, oldest first; the newest id read; whether that is all of it.

    An id that the journal does not know is from a time before it was begun anew, or long ago: then nothing is certain.
    """
    found: list[dict[str, Any]] = []
    try:
        if after and reader.lookup(after) is None:
            return [], 0, False
        for _ in range(_MOST_PAGES):
            page = reader.after(after, limit=_A_PAGE)
            found += [shown for shown in map(lookup_to_json, page) if fits(wanted, shown)]
            after = page[-1].id if page else after
            if len(page) < _A_PAGE:
                return found, after, True
    except JournalError:
        return [], 0, False
    return found, after, False
