"""A company, as a person wants to read about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Company:
    """`parent` is the company that owns it, as this file spells it; `country` its seat (ISO 3166-1 alpha-2).

    `business` is what it lives from in two or three words, `privacy` its privacy page, `line` one plain sentence.
    `devices` is true when it sells devices of its own; `platforms` are the companies whose operating system runs on
    devices of its brand. `owned_since` is the day, month or year from which on it belongs to its parent ("2022-01-01"),
    and `owner_source` the https address of a press release, a filing or a page of the company that says so.
    `iot_platform` is true when it runs devices for many makers, who sell them as their own.
    """

    name: str
    country: str
    business: str
    privacy: str
    line: str
    parent: str | None = None
    devices: bool = False
    platforms: tuple[str, ...] = ()
    owned_since: str = ""
    owner_source: str = ""
    iot_platform: bool = False
