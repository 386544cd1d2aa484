"""What stands round every page: the state of filtering, what is wrong, and how values are said.

A page never fails because a part behind it does: what cannot be asked is left empty and said in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import Blueprint, g, render_template, request
from flask.blueprints import BlueprintSetupState

from gateway.catalogue.sentences import Notice
from gateway.errors import JournalError, Unavailable
from web import ledger, present
from web.api.shapes import to_json
from web.backend import backend
from web.rule_index import RuleIndex
from web.spoken import spoken

T = TypeVar("T")
U = TypeVar("U")

_LOSSES = {
    "history.was-damaged",
    "history.file-was-gone",
    "history.was-missing",
    "history.was-empty",
    "rules.copy-in-force",
}
_SILENT = "control.does-not-answer-telltale"

pages = Blueprint("pages", __name__)

_FILTERS: Mapping[str, Callable[..., Any]] = {
    "plain": present.plain,
    "number": present.number,
    "counted": present.counted,
    "percent": present.percent,
    "duration": present.duration,
    "countdown": present.countdown,
    "iso": present.iso,
    "absolute": present.absolute,
    "clock_time": present.clock_time,
    "category_words": present.category_words,
    "slug": present.slug,
    "name_path": present.name_path,
    "company_path": present.company_path,
    "device_path": present.device_path,
    "outcome": present.outcome,
    "preset_words": present.preset_words,
    "rule_target": present.rule_target,
    "web_address": present.web_address,
    "cite": present.cite,
    "country_words": present.country_words,
    "zip_with": zip,
    "as_json": to_json,
    "size": ledger.size,
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that ends now, and the step in which a chart of it counts."""

    key: str
    words: str
    span: timedelta
    step: int


PERIODS = (
    Period("1h", "the last hour", timedelta(hours=1), 60),
    Period("24h", "the last 24 hours", timedelta(hours=24), 3600),
    Period("7d", "the last 7 days", timedelta(days=7), 6 * 3600),
    Period("30d", "the last 30 days", timedelta(days=30), 86400),
)


@pages.record_once
def _teach(state: BlueprintSetupState) -> None:
    state.app.jinja_env.filters.update(_FILTERS)
    state.app.jinja_env.trim_blocks = True
    state.app.jinja_env.lstrip_blocks = True


def now() -> datetime:
    """The time of this request, the same for the whole page."""
    if "now" not in g:
        g.now = backend().now()
    when: datetime = g.now
    return when


def period() -> Period:
    """The one named in the URL, else 24 hours."""
    wanted = request.args.get("period")
    return next((each for each in PERIODS if each.key == wanted), PERIODS[1])


def ask(question: Callable[[], T], otherwise: U) -> T | U:
    """The answer, or `otherwise` when the journal or the resolver does not give one; the page then says so."""
    try:
        return question()
    except (JournalError, Unavailable) as error:
        says = str(error)
        if isinstance(error, Unavailable):
            _unreached().add(says)
        if says not in _troubles():
            _troubles().append(says)
        return otherwise


def call(verb: str, **arguments: Any) -> Any:
    """As the control client's, once a request: whoever met with silence does not wait for it again."""
    if g.get("silent"):
        raise Unavailable(_SILENT, name="The resolver")
    try:
        return backend().control.call(verb, **arguments)
    except Unavailable as error:
        g.silent = error.code == _SILENT
        raise


def rule_index() -> RuleIndex:
    """The rules in force."""
    answer: dict[str, Any] = ask(lambda: call("rules.list"), {})
    return RuleIndex(answer.get("rules", ()))


def devices() -> list[dict[str, Any]]:
    """Every known device as the resolver tells it, the last one heard of first; asked once a request."""
    if "devices" not in g:
        answer: dict[str, Any] = ask(lambda: call("devices.list"), {})
        g.devices = sorted(answer.get("devices", ()), key=lambda each: str(each.get("last_seen")), reverse=True)
    known: list[dict[str, Any]] = g.devices
    return known


def device_labels() -> dict[str, str]:
    """Device id to what people call it."""
    return {str(each["id"]): str(each.get("label") or each["id"]) for each in devices()}


def page(template: str, section: str, **context: Any) -> str:
    """The page with its frame; `section` is the entry of the menu that it belongs to."""
    return render_template(template, section=section, **context, **frame())


def frame() -> dict[str, Any]:
    """What the frame of a page shows."""
    when = now()
    status: dict[str, Any] | None = ask(lambda: call("status"), None)
    effect = backend().effect()
    labels = device_labels()
    ailments = [spoken(part) for part in (status or {}).get("health", ()) if not part.get("healthy", True)]
    pauses = _pauses(status or {}, labels, when)
    if status is None and effect is not None:
        # DNS has just answered, so "the resolver does not answer" would not be so.
        _troubles()[:] = [each for each in _troubles() if each not in _unreached()]
        _troubles().insert(0, str(Notice("dashboard.dns-answers-unreached")))
    return {
        "now": when,
        "status": status,
        "pauses": pauses,
        "whole": next((each for each in pauses if each["device"] is None), None),
        "ailments": ailments,
        "news": _news(status or {}, when),
        "effect": effect.value if effect else None,
        # The resolver can be well again while televisions are still led past it: the network process knows.
        "filtering": effect is not None and not any(part.get("part") == "network filtering" for part in ailments),
        "troubles": _troubles(),
        "all_devices": devices(),
        "labels": labels,
        "periods": PERIODS,
        "period": period(),
        "ago": lambda value: present.ago(value, when),
        "until": lambda value: present.until(value, when),
        "present": present,
    }


def _news(status: Mapping[str, Any], when: datetime) -> list[dict[str, Any]]:
    """What is well again, but not without a loss that a person should know of: for a day."""
    return [
        spoken(part)
        for part in status.get("health", ())
        if part.get("healthy", True) and part.get("code") in _LOSSES and _is_of_today(part, when)
    ]


def _is_of_today(part: Mapping[str, Any], when: datetime) -> bool:
    since = present.moment(part.get("since"))
    return since is None or when - since < timedelta(days=1)


def _pauses(status: Mapping[str, Any], labels: Mapping[str, str], when: datetime) -> list[dict[str, Any]]:
    """Running pauses, the one for everyone first."""
    found = []
    for each in status.get("pauses", ()):
        device, ends = each.get("device"), present.moment(each.get("ends"))
        left = math.ceil((ends - when).total_seconds()) if ends else None
        if left is None or left > 0:
            whom = labels.get(device, device) if device else "everyone"
            found.append({"device": device, "whom": whom, "ends": ends, "left": left})
    return sorted(found, key=lambda each: each["device"] is not None)


def _troubles() -> list[str]:
    if "troubles" not in g:
        g.troubles = []
    said: list[str] = g.troubles
    return said


def _unreached() -> set[str]:
    """Of the troubles those that say that the resolver cannot be spoken to."""
    if "unreached" not in g:
        g.unreached = set()
    said: set[str] = g.unreached
    return said
