"""A dashboard over a home that only exists in memory: a resolver that remembers what it was given, and a journal."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from gateway.catalogue.sentences import OTHER
from gateway.control.client import ControlClient
from gateway.control.codec import rule_to_json
from gateway.errors import JournalError, Refused, Unavailable
from gateway.journal.reader import (
    Bar,
    CompanyRow,
    DetourRow,
    DeviceRow,
    ExchangeRow,
    LookupFilter,
    NameRow,
    Page,
    Reader,
    Totals,
)
from gateway.lists.known import KNOWN_LISTS
from gateway.model.effect import Effect
from gateway.model.lookup import Lookup
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.schema.checking import convert
from gateway.schema.requests import AddRule
from web.application import create_app
from web.auth import AuthStore
from web.visitors import NO_TELEVISIONS, Televisions

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)


def finding(part: str, healthy: bool, sentence: str) -> dict[str, Any]:
    """A finding as the resolver reports it."""
    severity = "ok" if healthy else "warning"
    return {
        "part": part, "healthy": healthy, "severity": severity, "code": OTHER, "arguments": {"sentence": sentence},
        "since": "2026-11-23T20:00:00.000Z",
    }  # fmt: skip


PASSWORD = "correct horse"
ORIGIN = {"Origin": "http://localhost"}
TELEVISION = "mac:8c:79:f5:01:02:03"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def lookup(number: int, **changes: Any) -> Lookup:
    """The television's lookup of this number, a second after the one before."""
    made = Lookup(
        number, NOW + timedelta(seconds=number), "ads.samsung.com", "A", TELEVISION, "Living room", "192.168.4.20",
        "block", "block list", "Samsung Ads", "advertising", "first", "policy", "NOERROR", 0.02,
        "||ads.samsung.com^", None, ("Smart TV trackers",),
    )  # fmt: skip
    return replace(made, **changes)


@dataclass
class FakeControl:
    """The resolver's verbs over dictionaries. `asleep` makes it unreachable, `dns` is what its DNS says
    of itself; `tell` is an event to every subscriber.
    """

    asleep: bool = False
    dns: Effect | Literal["as it seems"] | None = "as it seems"
    blocking: bool = True
    pauses: list[dict[str, Any]] = field(default_factory=lambda: [{"device": None, "ends": "2026-11-23T20:30:00.000Z"}])
    rules: dict[int, dict[str, Any]] = field(default_factory=dict)
    lists: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    subscribers: list[queue.Queue[dict[str, Any] | None]] = field(default_factory=list)
    subscriptions: int = 0
    network: dict[str, Any] | None = None
    ailments: list[dict[str, Any]] = field(default_factory=list)
    _ids: int = 0

    def call(self, verb: str, **arguments: Any) -> Any:
        self.asked.append((verb, arguments))
        if self.asleep:
            raise Unavailable("The resolver does not answer; is Telltale running?")
        return getattr(self, "do_" + verb.replace(".", "_"))(**arguments)

    def subscribe(self) -> Iterator[dict[str, Any] | None]:
        if self.asleep:
            raise Unavailable("The resolver does not answer; is Telltale running?")
        self.subscriptions += 1
        inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.subscribers.append(inbox)
        try:
            yield {"event": "hello"}
            while True:
                try:
                    event = inbox.get(timeout=0.2)
                except queue.Empty:
                    event = None
                if event is not None and event["event"] == "hang up":
                    raise Unavailable("The resolver does not answer; is Telltale running?")
                yield event
        finally:
            self.subscribers.remove(inbox)

    def tell(self, event: dict[str, Any]) -> None:
        for inbox in list(self.subscribers):
            inbox.put(event)

    def effect(self) -> Effect | None:
        """What DNS says: by default that the resolver is dead when it is asleep."""
        if self.dns != "as it seems":
            return self.dns
        if self.asleep:
            return None
        if any(each["device"] is None for each in self.pauses):
            return Effect.PAUSED
        return Effect.BLOCKS if self.blocking else Effect.NOTHING

    def do_status(self) -> dict[str, Any]:
        return {
            "version": "0.2.0",
            "started": "2026-11-23T20:00:00.000Z",
            "uptime_s": 900.5,
            "dns": ["127.0.0.1:5335"],
            "simulated": False,
            "generation": 3,
            "listed_names": 245,
            "blocking": self.blocking,
            "pauses": self.pauses,
            "health": [finding("upstream", True, "All upstreams answer."), *self.ailments],
            "upstreams": [{"url": 'udp://9.9.9.9"\\', "healthy": True, "latency_ms": 11.5}],
            "counters": {"queries_udp": 12, "hit_ratio": 0.5, "in_flight": 3},
            "latency": {"cache": {"buckets": [[0.001, 4], [0.002, 6]], "sum": 0.0115, "count": 7}},
        }

    def do_rules_list(self) -> dict[str, Any]:
        return {"rules": list(self.rules.values())}

    def do_rules_add(self, **said: Any) -> dict[str, Any]:
        asked = convert(AddRule, {key: value for key, value in said.items() if value is not None})
        return self._add_rule(asked.action, asked.scope, asked.device, asked.seconds, asked.comment, asked.made_by)

    def _add_rule(
        self, action: Action, scope: Scope, device: str | None, seconds: int | None, comment: str | None, made_by: str
    ) -> dict[str, Any]:
        self._known(device)
        shown = rule_to_json(Rule(action, scope, NOW, made_by, device, comment=comment or "", id=self._next_id()))
        self.rules[shown["id"]] = {**shown, "ends": "2026-11-23T20:30:00.000Z" if seconds else None}
        return self.rules[shown["id"]]

    def do_rules_remove(self, *, id: int) -> dict[str, Any]:  # noqa: A002
        if id not in self.rules:
            raise Refused("There is no rule with this id.", "id")
        return self.rules.pop(id)

    def do_presets_effects(self) -> dict[str, Any]:
        calm = {"names": 530, "stops": 214, "open": 9, "missed": 0, "needed_by": ["Disney+", "Paramount+"]}
        return {"home": {"calm": calm}, "devices": {TELEVISION: {"calm": {**calm, "names": 90, "open": 0}}}}

    def do_services(self) -> dict[str, Any]:
        return {
            "services": [
                {"service": "Samba Play", "company": "Samba", "kind": "television",
                 "stops": "Samba Play does not start.", "watched": True, "devices": [TELEVISION]},
                {"service": "Tunes", "company": "Tunes Inc", "kind": "music", "stops": "Tunes is silent.",
                 "watched": False, "devices": []},
            ]
        }  # fmt: skip

    def do_presets(self) -> dict[str, Any]:
        return {
            "presets": [
                {"preset": "off", "title": "Off", "stops": "Nothing.", "costs": "Nothing."},
                {"preset": "calm", "title": "Calm", "stops": "Advertising.", "costs": "Nothing that we know of."},
                {"preset": "quiet", "title": "Quiet", "stops": "Reports.", "costs": "Fewer suggestions."},
                {"preset": "silent", "title": "Silent", "stops": "The rest.", "costs": "Voice control."},
            ]
        }

    def do_pause(self, *, seconds: int, made_by: str, device: str | None = None) -> dict[str, Any] | None:
        self._known(device)
        if not seconds:
            return None
        return self._add_rule(Action.ALLOW, Scope(ScopeKind.EVERYTHING), device, seconds, "", made_by)

    def do_explain(
        self,
        *,
        name: str,
        device: str | None,
        targets: list[str] | None = None,
        times: list[float] | None = None,
        devices: int = 1,
    ) -> dict[str, Any]:
        self._known(device)
        return {
            "name": name, "company": "Samsung Ads", "category": "advertising", "party": "first", "need": "not needed",
            "verdict": "block", "reason": "block list", "matched": "||ads.samsung.com^", "lists": ["Smart TV trackers"],
            "rules": [], "evidence": [{"says": "It serves ads.", "source": "https://example.org", "date": "2024"}],
            "symptom": "", "brand": None, "hosted_at": None, "confidence": 0.9, "sentence": "Blocked: advertising.",
            "leads_to": targets or [], "via": None, "presets": ["calm", "quiet", "silent"], "special": None,
            "cadence": {"seconds": 15, "source": "A study", "says": "It asks about every 15 seconds, says A study."},
            "parties": {"telltale": "first", "study": "third", "maker": "Samsung", "says": "Two rules, two answers."},
            "owners": [{"company": "Samsung Ads", "parent": "Samsung", "since": "2015-03", "source": "https://example.org/owns",
                        "says": "Samsung Ads belongs to Samsung since 2015-03."}],
            "seen": {"lookups": len(times), "period": None, "beacon": False, "devices": devices,
                     "says": f"In your home {devices} devices ask for it."} if times else None,
        }  # fmt: skip

    def do_devices_list(self) -> dict[str, Any]:
        return {"devices": [self._device]}

    def do_devices_update(self, *, id: str, **changes: str) -> dict[str, Any]:  # noqa: A002
        self._known(id)
        self._device.update(changes)
        return dict(self._device)

    def do_lists_list(self) -> dict[str, Any]:
        known = [asdict(each) for each in KNOWN_LISTS]
        return {"lists": list(self.lists.values()), "refreshing": False, "known": known}

    def do_lists_add(self, **said: Any) -> dict[str, Any]:
        if any(one["source"] == said["source"] for one in self.lists.values()):
            raise Refused("This list is subscribed to already.", "source")
        added = {
            "id": self._next_id(), **said, "enabled": True, "added": "2026-11-23T20:15:00.000Z", "syntax": None,
            "entries": 0, "skipped": {}, "fetched": None, "error": None, "shrinking": None,
            "kind": "names", "licence": None,
        }  # fmt: skip
        self.lists[added["id"]] = added
        return added

    def do_lists_remove(self, *, id: int) -> dict[str, Any]:  # noqa: A002
        if id not in self.lists:
            raise Refused("There is no list with this id.", "id")
        return self.lists.pop(id)

    def do_lists_accept(self, *, id: int) -> dict[str, Any]:  # noqa: A002
        if id not in self.lists:
            raise Refused("rules.no-such-list", "id")
        if not self.lists[id]["shrinking"]:
            raise Refused("lists.list-not-shrunken", "id")
        self.lists[id]["shrinking"] = None
        return self.lists[id]

    def do_lists_refresh(self) -> dict[str, Any]:
        return {"started": True}

    def do_company(self, *, name: str) -> dict[str, Any] | None:
        if name != "Samsung Ads":
            return None
        return {
            "name": name, "parent": "Samsung", "country": "KR", "business": "advertising",
            "privacy": "https://samsung.com", "line": "Sells ads on Samsung televisions.", "devices": False,
            "owned_since": "2015-03", "owner_source": "https://example.org/owns",
        }  # fmt: skip

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _known(self, device: str | None) -> None:
        if device not in (None, TELEVISION):
            raise Refused("There is no such device.", "device")

    def do_network_status(self) -> dict[str, Any]:
        if self.network is None:
            raise Refused("There is no verb 'network.status'.", "verb")
        return self.network

    def do_network_isolate(self, isolated: bool) -> dict[str, Any]:
        if self.network is not None:
            self.network = {**self.network, "isolated": isolated}
        return {"isolated": isolated}

    def do_network_join(self) -> dict[str, Any]:
        secret = "abcde-fghjk-mnpqr-stuvw"
        picture = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z"/></svg>'
        return {"ssid": "Telltale TV", "passphrase": secret, "uri": "WIFI:T:WPA;;", "svg": picture}

    def do_network_counters(self) -> dict[str, Any]:
        return {"counters": {"dns_turned": 1204, "dot_refused": 3, "doq_refused": 0}}

    def do_resolvers_whose(self, servers: list[str]) -> dict[str, str]:
        return {each: "Google Public DNS" for each in servers if each == "8.8.8.8"}

    def __post_init__(self) -> None:
        self._device = {
            "id": TELEVISION, "mac": "8c:79:f5:01:02:03", "addresses": ["192.168.4.20"],
            "first_seen": "2026-11-01T08:00:00.000Z", "last_seen": "2026-11-23T20:15:00.000Z", "name": "Living room",
            "host": "Samsung", "vendor": "Samsung Electronics", "maker": "Samsung", "kind": "television",
            "simulated": False, "label": "Living room",
        }  # fmt: skip


@dataclass
class FakeReader:
    """A journal in memory, newest last. `broken` makes every question fail."""

    stored: list[Lookup] = field(default_factory=lambda: [lookup(1), lookup(2, verdict="allow", reason="no rule")])
    broken: bool = False
    filters: list[LookupFilter] = field(default_factory=list)

    def lookups(self, wanted: LookupFilter, *, limit: int = 100, before: str | None = None) -> Page:
        self._check()
        if before is not None and not before.isdigit():
            raise JournalError("This page mark is not one of ours.")
        self.filters.append(wanted)
        fitting = [
            one
            for one in reversed(self.stored)
            if (before is None or one.id < int(before))
            and wanted.verdict in (None, one.verdict)
            and (wanted.since is None or one.time >= wanted.since)
        ]
        return Page(tuple(fitting[:limit]), str(fitting[limit - 1].id) if len(fitting) > limit else None)

    def after(self, last: int, *, limit: int = 100) -> tuple[Lookup, ...]:
        self._check()
        return tuple(one for one in self.stored if one.id > last)[:limit]

    def lookup(self, number: int) -> Lookup | None:
        self._check()
        return next((one for one in self.stored if one.id == number), None)

    def totals(self, since: datetime, until: datetime, device: str | None = None) -> Totals:
        self._check()
        return Totals(lookups=2, blocked=1, companies=1, names=1, trackers=2, blocked_trackers=1)

    def chart(self, since: datetime, until: datetime, step: int, device: str | None = None) -> tuple[Bar, ...]:
        self._check()
        return (Bar(NOW, "advertising", 2, 1),)

    def companies(self, since: datetime, until: datetime, **_: Any) -> tuple[CompanyRow, ...]:
        self._check()
        return (CompanyRow("Samsung Ads", "advertising", 2, 1, 1, 1, NOW, NOW),)

    def names(self, since: datetime, until: datetime, company: str | None = None, **_: Any) -> tuple[NameRow, ...]:
        self._check()
        row = NameRow("ads.samsung.com", "Samsung Ads", "advertising", 2, 1, 1, NOW, NOW)
        return (row,) if company in (None, row.company) else ()

    def exchanges(self, since: datetime, until: datetime, **_: Any) -> tuple[ExchangeRow, ...]:
        self._check()
        return (
            ExchangeRow("ads.samsung.com", "Samsung Ads", "advertising", 12_345, 6_789_000, 17),
            ExchangeRow(None, None, "unknown", 700, 1_900, 2),
        )

    def detours(self, since: datetime, until: datetime, **_: Any) -> tuple[DetourRow, ...]:
        self._check()
        rest = ("8.8.8.8", "udp", 53, "answered by us", 1204, 0, NOW - timedelta(hours=3), NOW)
        return (DetourRow(TELEVISION, "plain DNS to another resolver", *rest),)

    def devices(self, since: datetime, until: datetime) -> tuple[DeviceRow, ...]:
        self._check()
        return (DeviceRow(TELEVISION, "Living room", 2, 1, 1, 2, NOW),)

    def _check(self) -> None:
        if self.broken:
            raise JournalError("The journal cannot be read.")


@dataclass
class Home:
    """A dashboard with its resolver and journal, both fake, and its keys, which are real."""

    app: Flask
    control: FakeControl
    reader: FakeReader

    @property
    def store(self) -> AuthStore:
        return cast(AuthStore, self.app.extensions["telltale.auth"])

    def visitor(self, address: str = "192.168.4.7") -> FlaskClient:
        """A browser that has not logged in."""
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client

    def owner(self) -> FlaskClient:
        """A browser that has."""
        if not self.store.has_password:
            self.store.set_first_password(PASSWORD)
        client = self.visitor()
        answer = client.post("/login", data={"password": PASSWORD}, headers=ORIGIN)
        assert answer.status_code == 303, answer.text
        return client

    def token(self, label: str = "tests") -> dict[str, str]:
        """The header of a program that may."""
        return {"Authorization": f"Bearer {self.store.create_token(label)}"}


def home(folder: Path, hosts: tuple[str, ...] = (), televisions: Televisions = NO_TELEVISIONS) -> Home:
    """A new one whose keys lie in `folder`."""
    control, reader = FakeControl(), FakeReader()
    app = create_app(
        data=folder,
        control=cast(ControlClient, control),
        reader=cast(Reader, reader),
        hasher=QUICK,
        hosts=hosts,
        televisions=televisions,
        effect=control.effect,
    )
    return Home(app, control, reader)
