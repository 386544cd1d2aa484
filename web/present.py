"""How things are said to a person: numbers, times and sentences. Pure functions; nothing here knows a web page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, tzinfo
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from gateway.model.countries import COUNTRY_WORDS
from gateway.model.rule import PRESET_OFF
from gateway.model.tag import Category
from gateway.model.verdict import Action, Reason

CATEGORY_WORDS: Mapping[str, str] = {
    "acr": "screen recognition",
    "advertising": "advertising",
    "analytics": "analytics",
    "telemetry": "telemetry",
    "crash reports": "crash reports",
    "voice": "voice",
    "recommendations": "recommendations",
    "content": "films and shows",
    "app store": "app store",
    "account": "account",
    "update": "updates",
    "time": "clock",
    "connectivity check": "connection check",
    "cdn": "content delivery",
    "cloud": "rented servers",
    "dns": "name lookups",
    "social": "social media",
    "essential": "needed to work",
    "local": "your own network",
    "unknown": "unknown purpose",
}

TRACKING = frozenset(category.value for category in Category if category.tracks)
"""Categories of names that report on people."""

CATEGORY_LINES: Mapping[str, str] = {
    "acr": "The television recognises what is on its screen and reports it, whatever the source.",
    "advertising": "Chooses, shows and counts advertisements.",
    "analytics": "Counts what you press and how long you stay.",
    "telemetry": "Reports how the device is used and how it is doing.",
}

PARTY_WORDS: Mapping[str, str] = {
    "first": "the maker of the device",
    "support": "a helper of the maker",
    "platform": "a platform that runs devices for many makers",
    "third": "somebody else",
    "local": "your own network",
    "unknown": "not known",
}

NEED_WORDS: Mapping[str, str] = {
    "required": "The television needs this to work.",
    "degrades": "Something stops working without this.",
    "not needed": "The television works without this.",
    "disputed": "People disagree whether the television needs this.",
    "unknown": "Nobody has written down what stops without this.",
}

_REASON_WORDS: Mapping[str, str] = {
    Reason.PAUSED.value: "filtering is paused",
    Reason.DEVICE_RULE.value: "your rule for this device",
    Reason.RULE.value: "your rule",
    Reason.KEEP_LIST.value: "the television needs it",
    Reason.NEEDED.value: "an app in use needs it",
    Reason.ALLOW_LIST.value: "on an allow list",
    Reason.PRESET.value: "your preset",
    Reason.BLOCK_LIST.value: "on a block list",
    Reason.REBINDING.value: "the answer pointed into your own network",
    Reason.LOCAL.value: "answered in your own network",
    Reason.NOTHING.value: "no rule or list names it",
}

_ADDRESS = re.compile(r"https?://[^\s,;<>\"']+")
# Controls, and the characters that reverse the direction of text: a name that carries them shows that it does.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Looked(Protocol):
    """The part of a lookup that sentences are made of."""

    @property
    def verdict(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def company(self) -> str | None: ...
    @property
    def lists(self) -> tuple[str, ...]: ...
    @property
    def matched(self) -> str | None: ...


def plain(text: object) -> str:
    """The text with every control and direction character shown as the replacement character."""
    return _UNSEEN.sub("\ufffd", "" if text is None else str(text))


def number(count: float) -> str:
    """ "1,204", and from a million on "1.2 million": short enough for a tile."""
    size = max(0, int(count))
    for unit, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if size >= unit:
            tenths = size * 10 // unit
            return f"{tenths // 10:,}.{tenths % 10} {word}" if tenths % 10 else f"{tenths // 10:,} {word}"
    return f"{size:,}"


def counted(count: float, one: str, many: str | None = None) -> str:
    """ "1 lookup", "1,204 lookups"."""
    return f"{number(count)} {one if int(count) == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """A share that never rounds something to nothing, nor almost all to all; "–" of nothing."""
    if whole <= 0:
        return "–"
    share = min(max(part / whole, 0.0), 1.0) * 100
    if 0 < share < 1:
        return "<1 %"
    if 99 < share < 100:
        return ">99 %"
    return f"{share:.0f} %"


def duration(seconds: float) -> str:
    """The largest fitting unit: "30 seconds", "5 minutes", "1 hour", "3 days"."""
    left = max(0, round(seconds))
    for size, unit in _UNITS:
        if left >= size:
            return counted(left // size, unit)
    return "0 seconds"


def countdown(seconds: float) -> str:
    """ "4:32", "1:00:09", "3 days"."""
    left = max(0, int(seconds))
    if left >= 86400 * 2:
        return duration(left)
    hours, rest = divmod(left, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def moment(value: datetime | str | None) -> datetime | None:
    """The aware UTC time in a value of the journal or of a JSON answer; None when there is none in it.

    So for one at the ends of the calendar, which another time zone would push over them.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if value is None or not MINYEAR < value.year < MAXYEAR:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def iso(value: datetime | str | None) -> str:
    """For `datetime` attributes: "2026-11-23T20:15:00Z", or ""."""
    when = moment(value)
    return when.isoformat(timespec="seconds").replace("+00:00", "Z") if when else ""


def ago(value: datetime | str | None, now: datetime) -> str:
    """ "just now", "5 minutes ago", "yesterday", "12 Oct 2026"; "never" for None. A little into the future is now."""
    when = moment(value)
    if when is None:
        return "never"
    seconds = (now - when).total_seconds()
    if -60 < seconds < 10:
        return "just now"
    if seconds < 0 or seconds >= 14 * 86400:
        return f"{when.day} {when:%b %Y}"
    if 86400 <= seconds < 2 * 86400:
        return "yesterday"
    return f"{duration(seconds)} ago"


def absolute(value: datetime | str | None, zone: tzinfo | None = None) -> str:
    """ "Monday 23 November 2026, 20:15:00" in `zone`, by default this machine's; "" for None."""
    when = moment(value)
    if when is None:
        return ""
    local = when.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S}"


def clock_time(value: datetime | str | None, zone: tzinfo | None = None) -> str:
    """ "20:15:00"."""
    when = moment(value)
    return f"{when.astimezone(zone):%H:%M:%S}" if when else ""


def until(value: datetime | str | None, now: datetime, zone: tzinfo | None = None) -> str:
    """When a rule ends: "for ever", "until 21:40", "until Tuesday 21:40", "until 12 Oct 2027"."""
    ends = moment(value)
    if ends is None:
        return "for ever"
    local, today = ends.astimezone(zone), now.astimezone(zone)
    days = (local.date() - today.date()).days
    if days <= 0:
        return f"until {local:%H:%M}"
    if days == 1:
        return f"until tomorrow, {local:%H:%M}"
    if days < 7:
        return f"until {local:%A %H:%M}"
    return f"until {local.day} {local:%b %Y}"


def category_words(category: str | None) -> str:
    """What a person calls this category."""
    return CATEGORY_WORDS.get(category or "unknown", plain(category))


def slug(text: str | None) -> str:
    """For class names: lower-case letters and hyphens only."""
    return re.sub(r"[^a-z]+", "-", (text or "unknown").lower()).strip("-") or "unknown"


def subject(category: str | None, company: str | None) -> str:
    """ "advertising (Samsung Ads)", "advertising", "Netflix", or "" when nobody knows."""
    known = bool(category) and category != "unknown"
    if known and company:
        return f"{category_words(category)} ({plain(company)})"
    return category_words(category) if known else plain(company)


def preset_words(preset: str | None) -> str:
    """What a person calls this preset: "Calm"."""
    return plain(preset).capitalize()


def outcome(lookup: Looked) -> str:
    """ "Blocked: advertising (Samsung Ads)", by a preset "Blocked: Calm (advertising, Samsung Ads)"; "Allowed", with
    why when somebody decided it.
    """
    if lookup.verdict == Action.BLOCK.value and lookup.reason == Reason.PRESET.value and lookup.matched:
        about = ", ".join(filter(None, (category_words(lookup.category), plain(lookup.company))))
        return f"Blocked: {preset_words(lookup.matched)} ({about})"
    if lookup.verdict == Action.BLOCK.value:
        about = subject(lookup.category, lookup.company)
        return f"Blocked: {about or because(lookup.reason, lookup.lists)}"
    return "Allowed" if lookup.reason == Reason.NOTHING.value else f"Allowed: {because(lookup.reason)}"


def because(reason: str, lists: Sequence[str] = (), matched: str | None = None) -> str:
    """Why it was decided so, as the tail of a sentence; names the first list and counts the others."""
    if reason in (Reason.BLOCK_LIST.value, Reason.ALLOW_LIST.value) and lists:
        others = len(lists) - 1
        return f"on the list {plain(lists[0])}" + (f" and {counted(others, 'other')}" if others else "")
    words = _REASON_WORDS.get(reason, plain(reason))
    if reason == Reason.PRESET.value and matched:
        return f"{words} {preset_words(matched)}"
    if reason == Reason.NEEDED.value and matched:
        return f"left open for {plain(matched)}"
    if reason in (Reason.RULE.value, Reason.DEVICE_RULE.value) and matched:
        return f"{words}, “{plain(matched)}”"
    return words


def rule_target(rule: Mapping[str, Any]) -> str:
    """What a rule speaks of: "ads.example.com and everything below it", "the company Roku", "advertising"."""
    if rule.get("service"):
        return f"{plain(rule['service'])}, all of it"
    if rule.get("trackers"):
        return f"the trackers of {plain(rule['trackers'])}"
    if rule.get("company"):
        return f"the company {plain(rule['company'])}"
    if rule.get("category"):
        return category_words(str(rule["category"]))
    if rule.get("preset"):
        return f"the preset {preset_words(str(rule['preset']))}" if rule["preset"] != PRESET_OFF else "no preset"
    if rule.get("name"):
        below = " and everything below it" if rule.get("subtree") else ""
        return plain(rule["name"]) + below
    return "everything"


def is_pause(rule: Mapping[str, Any]) -> bool:
    """True for the rule that a pause is."""
    return bool(rule.get("everything")) and rule.get("action") == Action.ALLOW.value


def rule_sentence(rule: Mapping[str, Any], device: str | None = None) -> str:
    """ "Block advertising for everyone", "Pause filtering for Kitchen TV"; `device` is the device's label."""
    whom = plain(device) if device else "everyone"
    if is_pause(rule):
        return f"Pause filtering for {whom}"
    if preset := rule.get("preset"):
        return f"No preset for {whom}" if preset == PRESET_OFF else f"{preset_words(str(preset))} for {whom}"
    verb = "Block" if rule.get("action") == Action.BLOCK.value else "Allow"
    return f"{verb} {rule_target(rule)} for {whom}"


def name_path(name: str) -> str:
    """The page of a name; every byte that means something in a URL is encoded, a slash too."""
    return "/names/" + _quoted(name)


def company_path(company: str) -> str:
    """The page of a company."""
    return "/companies/" + _quoted(company)


def device_path(device: str) -> str:
    """The page of a device."""
    return "/devices/" + _quoted(device)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")


def web_address(text: str | None) -> str | None:
    """The text when it is an http or https address that may be linked to, else None."""
    if not text or len(text) > 2048 or _UNSEEN.search(text) or any(c in text for c in " \"'<>\\"):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname else None


def cite(source: str) -> list[tuple[str, str | None]]:
    """A source in pieces: text, and whether the piece is an address that may be linked to."""
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for found in _ADDRESS.finditer(source):
        if address := web_address(found.group()):
            pieces += [(plain(source[end : found.start()]), None), (address, address)]
            end = found.end()
    pieces.append((plain(source[end:]), None))
    return [piece for piece in pieces if piece[0]]


def country_words(code: str) -> str:
    """The country of an ISO 3166-1 code; what is no code we know stays as it is."""
    return COUNTRY_WORDS.get(code, plain(code))
