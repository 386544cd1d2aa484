"""A home with televisions, as the journal and the resolver would tell it: enough to fill every page."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.application.presets import preset_texts
from gateway.control.codec import device_to_json, rule_to_json, time_to_json
from gateway.control.hub import Hub
from gateway.errors import Refused, Unavailable
from gateway.lists.known import KNOWN_LISTS, known_at
from gateway.model.device import Device
from gateway.model.dns import QType
from gateway.model.effect import Effect
from gateway.model.event import PolicyChanged
from gateway.model.lookup import Facts, LogRow
from gateway.model.name import Name
from gateway.model.response import Source
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import Category, Need, Party, Tag
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict
from gateway.network.join import join_picture, join_uri
from gateway.schema.checking import convert
from gateway.schema.requests import AddRule
from tests.support.dashboard import finding

HOSTILE = "<img src=x onerror=alert(1)>\"'\u202eevil\u2066"
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])

# name, company, category, need, symptom, blocked by a list, weight
NAMES: tuple[tuple[str, str | None, str, str, str, bool, int], ...] = (
    ("acr-eu-prd.samsungcloud.tv", "Samsung", "acr", "not needed", "", False, 14),
    ("ads.samsungads.com", "Samsung Ads", "advertising", "not needed", "", True, 30),
    ("config.samsungads.com", "Samsung Ads", "advertising", "not needed", "", True, 9),
    (
        "time.samsungcloudsolution.com",
        "Samsung",
        "time",
        "required",
        "The clock stops; every app then refuses to start.",
        False,
        8,
    ),
    (
        "cdn.samsungcloudsolution.com",
        "Samsung",
        "connectivity check",
        "required",
        "The television says it has no internet.",
        False,
        40,
    ),
    ("log-ingestion-eu.samsungacr.com", "Samsung", "acr", "not needed", "", True, 22),
    ("osb-apps-v2.samsungqbe.com", "Samsung", "app store", "degrades", "The app shop stays empty.", False, 6),
    ("eu.info.lgsmartad.com", "LG Ad Solutions", "advertising", "not needed", "", True, 18),
    ("ibs.lgappstv.com", "LG", "app store", "degrades", "The home screen loses its pictures.", False, 7),
    ("snu.lge.com", "LG", "update", "degrades", "No updates.", False, 4),
    ("scribe.logs.roku.com", "Roku", "telemetry", "not needed", "", True, 26),
    ("amarillo.logs.roku.com", "Roku", "telemetry", "not needed", "", False, 9),
    ("api-global.netflix.com", "Netflix", "content", "required", "Netflix does not start.", False, 12),
    ("occ-0-769-768.1.nflxso.net", "Netflix", "cdn", "required", "Netflix shows no pictures.", False, 16),
    ("logs.netflix.com", "Netflix", "telemetry", "not needed", "", True, 20),
    ("graph.facebook.com", "Meta", "analytics", "not needed", "", True, 5),
    ("www.google-analytics.com", "Google", "analytics", "not needed", "", True, 8),
    (
        "connectivitycheck.gstatic.com",
        "Google",
        "connectivity check",
        "required",
        "The television says it has no internet.",
        False,
        10,
    ),
    ("youtubei.googleapis.com", "Google", "content", "required", "YouTube does not start.", False, 14),
    ("device-metrics-us-2.amazon.com", "Amazon", "telemetry", "not needed", "", True, 11),
    ("e12930.a.akamaiedge.net", "Akamai", "cdn", "degrades", "", False, 6),
    ("events.cid.samba.tv", "Samba TV", "acr", "not needed", "", True, 13),
    ("p-7x2.telemetry-x.example", None, "unknown", "unknown", "", False, 3),
)
ENTRIES = {entry[0]: entry for entry in NAMES}
EVIDENCE = [
    {
        "says": "Named as an advertising endpoint of Samsung televisions.",
        "source": "https://example.org/paper.pdf",
        "date": "2019-10",
    },
    {"says": "On the list SmartTV since 2018.", "source": "a public block list", "date": ""},
]
LISTS = ("Smart TV", "AdGuard DNS filter", "Hagezi Pro")


@dataclass
class Scene:
    """What the resolver knows, changed by the verbs that it is asked."""

    now: datetime
    hub: Hub = field(default_factory=Hub)
    devices: list[Device] = field(default_factory=list)
    log: deque[LogRow] = field(default_factory=deque)
    tags: dict[str, Tag] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    lists: list[dict[str, Any]] = field(default_factory=list)
    health: list[dict[str, Any]] = field(default_factory=list)
    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: list[dict[str, Any]] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=lambda: {"home": {}, "devices": {}})
    network: dict[str, Any] | None = None
    counted: dict[str, int] = field(default_factory=dict)
    wifi: tuple[str, str] | None = None
    simulated: bool = False
    asleep: bool = False
    next_id: int = 100
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def handlers(self) -> dict[str, Any]:
        verbs = {
            "status": self.status,
            "rules.list": lambda _: {"rules": [rule_to_json(rule) for rule in self.current()]},
            "rules.add": self.add_rule,
            "rules.remove": self.remove_rule,
            "pause": self.pause,
            "presets": lambda _: {"presets": preset_texts()},
            "presets.effects": lambda _: self.effects,
            "services": lambda _: {"services": self.services},
            "explain": self.explain,
            "devices.list": lambda _: {"devices": [device_to_json(device) for device in self.devices]},
            "devices.update": self.update_device,
            "lists.list": lambda _: {
                "lists": self.lists,
                "refreshing": False,
                "known": [asdict(each) for each in KNOWN_LISTS],
            },
            "lists.add": self.add_list,
            "lists.remove": self.remove_list,
            "lists.accept": self.accept_list,
            "lists.refresh": lambda _: {"started": True},
            "company": lambda asked: self.companies.get(asked["name"]),
            "categories": lambda _: [],
            "network.status": lambda _: self._network(self.network),
            "network.counters": lambda _: self._network({"counters": self.counted}),
            "network.join": self.join,
            "network.isolate": self.isolate,
        }
        return {verb: self._heard(verb, work) for verb, work in verbs.items()}

    def _heard(self, verb: str, work: Any) -> Any:
        def answer(asked: Any) -> Any:
            if self.asleep:
                raise Unavailable("The resolver does not answer; is Telltale running?")
            self.calls.append((verb, dict(asked)))
            return work(asked)

        return answer

    def effect(self) -> Effect | None:
        """What DNS says of itself: nothing when the whole resolver is asleep."""
        if self.asleep:
            return None
        paused = any(
            each.device is None and each.scope.kind is ScopeKind.EVERYTHING and each.action is Action.ALLOW
            for each in self.current()
        )
        return Effect.PAUSED if paused else Effect.BLOCKS

    def current(self) -> list[Rule]:
        return [rule for rule in self.rules if not rule.is_over(datetime.now(UTC))]

    def status(self, _: Any) -> dict[str, Any]:
        pauses = [
            {"device": rule.device, "ends": time_to_json(rule.ends)}
            for rule in self.current()
            if rule.scope.kind is ScopeKind.EVERYTHING and rule.action is Action.ALLOW
        ]
        return {
            "version": "0.2.0",
            "started": time_to_json(self.now),
            "uptime_s": 86400,
            "dns": ["192.168.50.1"],
            "simulated": self.simulated,
            "generation": self.next_id,
            "listed_names": 186243,
            "blocking": True,
            "pauses": pauses,
            "health": self.health,
            "upstreams": [{"url": "udp://9.9.9.9", "healthy": True, "latency_ms": 12.0}],
            "counters": {},
        }

    def _network(self, status: dict[str, Any] | None) -> dict[str, Any]:
        if self.network is None or status is None:
            raise Refused("There is no such verb.", "verb")
        return status

    def isolate(self, asked: Any) -> dict[str, Any]:
        self.network = {**self._network(self.network), "isolated": asked["isolated"]}
        return {"isolated": asked["isolated"]}

    def join(self, _: Any) -> dict[str, Any]:
        if self.wifi is None:
            raise Refused("This network has no Wi-Fi.")
        ssid, passphrase = self.wifi
        uri = join_uri(ssid, passphrase)
        return {"ssid": ssid, "passphrase": passphrase, "uri": uri, "svg": join_picture(uri)}

    def add_rule(self, asked: Any) -> dict[str, Any]:
        scope = convert(AddRule, asked).scope
        if scope.value == "refuse.example":
            raise Refused("This name cannot have a rule today.", "name")
        seconds = asked.get("seconds")
        return rule_to_json(
            self._add(Action(asked["action"]), scope, asked.get("device"), seconds, asked.get("comment") or "")
        )

    def _add(self, action: Action, scope: Scope, device: str | None, seconds: int | None, comment: str = "") -> Rule:
        now = datetime.now(UTC)
        ends = now + timedelta(seconds=seconds) if seconds else None
        self.next_id += 1
        rule = Rule(action, scope, now, "dashboard", device, ends, comment, self.next_id)
        self.rules = [each for each in self.rules if not rule.replaces(each)] + [rule]
        self.hub.publish(PolicyChanged(self.next_id, rule))
        return rule

    def remove_rule(self, asked: Any) -> dict[str, Any]:
        rule = next((each for each in self.rules if each.id == asked["id"]), None)
        if rule is None:
            raise Refused("There is no such rule.", "id")
        self.rules.remove(rule)
        self.hub.publish(PolicyChanged(self.next_id, rule, removed=True))
        return rule_to_json(rule)

    def pause(self, asked: Any) -> dict[str, Any] | None:
        scope, device = Scope(ScopeKind.EVERYTHING), asked.get("device")
        if asked.get("seconds") == 0:
            self.rules = [rule for rule in self.rules if (rule.scope, rule.device) != (scope, device)]
            return None
        return rule_to_json(self._add(Action.ALLOW, scope, device, asked.get("seconds")))

    def explain(self, asked: Any) -> dict[str, Any]:
        name, device = asked["name"], asked.get("device")
        known = ENTRIES.get(name)
        _, company, category, need, symptom, listed, _ = known or (name, None, "unknown", "unknown", "", False, 0)
        speaking = [
            rule
            for rule in self.current()
            if rule.device in (None, device)
            and (rule.scope.value in (name, company, category) or name.endswith("." + rule.scope.value))
        ]
        verdict = speaking[0].action.value if speaking else "block" if listed else "allow"
        about = f"{category} ({company})" if company else category
        return {
            "name": name,
            "company": company,
            "category": category,
            "party": "third",
            "need": need,
            "verdict": verdict,
            "reason": "rule" if speaking else "block list" if listed else "no rule",
            "matched": speaking[0].scope.value if speaking else name if listed else None,
            "lists": list(LISTS[:2]) if listed else [],
            "rules": [rule_to_json(rule) for rule in speaking],
            "evidence": EVIDENCE if known else [],
            "symptom": symptom,
            "brand": None,
            "hosted_at": None,
            "leads_to": asked.get("targets") or [],
            "via": next((each for each in asked.get("targets") or () if each in ENTRIES), None),
            "presets": ["calm", "quiet", "silent"] if category in ("advertising", "acr", "analytics") else [],
            "confidence": 0.9 if known else 0.2,
            "sentence": f"{'Blocked' if verdict == 'block' else 'Allowed'}: {about}.",
        }

    def update_device(self, asked: Any) -> dict[str, Any]:
        for index, device in enumerate(self.devices):
            if device.id == asked["id"]:
                self.devices[index] = Device(
                    device.id,
                    device.mac,
                    device.addresses,
                    device.first_seen,
                    device.last_seen,
                    asked.get("name", device.name),
                    device.host,
                    device.vendor,
                    device.maker,
                    device.kind,
                    device.simulated,
                )
                return device_to_json(self.devices[index])
        raise Refused("There is no such device.", "id")

    def add_list(self, asked: Any) -> dict[str, Any]:
        self.next_id += 1
        added = _list(self.next_id, asked["source"], asked.get("title") or asked["source"], asked["action"], 0, None)
        self.lists.append(added)
        return added

    def remove_list(self, asked: Any) -> dict[str, Any]:
        found = next((each for each in self.lists if each["id"] == asked["id"]), None)
        if found is None:
            raise Refused("There is no such list.", "id")
        self.lists.remove(found)
        return found

    def accept_list(self, asked: Any) -> dict[str, Any]:
        found = next((each for each in self.lists if each["id"] == asked["id"]), None)
        if found is None or not found["shrinking"]:
            raise Refused("lists.list-not-shrunken", "id")
        found |= {"entries": found["shrinking"]["entries"], "shrinking": None}
        return found

    def ask(self, name: str, device: int = 0, times: int = 1, **changes: Any) -> None:
        """A lookup that happens now."""
        for _ in range(times):
            self.log.append(
                log_row(datetime.now(UTC), self.devices[device], ENTRIES.get(name, _stranger(name)), **changes)
            )

    def tag(self, name: str, _targets: tuple[str, ...], _device: Device) -> Tag:
        if name in self.tags:
            return self.tags[name]
        _, company, category, need, symptom, _, _ = ENTRIES.get(name, _stranger(name))
        return Tag(company, Category(category), Party.THIRD, Need(need), symptom=symptom)

    def device_of(self, client: str, _when: float) -> Device:
        return next(device for device in self.devices if client in device.addresses)


def _list(
    number: int, source: str, title: str, action: str, entries: int, fetched: str | None, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "source": source,
        "title": title,
        "action": action,
        "enabled": True,
        "comment": "",
        "added": "2026-10-01T10:00:00.000Z",
        "syntax": "hosts" if fetched else "",
        "entries": entries,
        "skipped": {},
        "fetched": fetched,
        "error": None,
        "shrinking": None,
        "kind": "owners" if (known := known_at(source)) and known.suits == "owners" else "names",
        "licence": known.licence if known and known.licence else None,
        **more,
    }


def log_row(
    when: datetime,
    device: Device,
    entry: tuple[Any, ...],
    verdict: Verdict | None = None,
    targets: tuple[str, ...] = (),
    qtype: int = QType.A,
) -> LogRow:
    """What the resolver drops for one query: by default what the lists say of this name."""
    name, listed = entry[0], entry[5]
    verdict = verdict or (Verdict(Action.BLOCK, Reason.BLOCK_LIST, name, lists=LISTS[:2]) if listed else ALLOWED)
    source = Source.POLICY if verdict.blocked else Source.UPSTREAM
    facts = Facts(name, qtype, 0, source, verdict, targets)
    return when.timestamp(), device.addresses[0], facts, 0.0001 if verdict.blocked else 0.0142


def _device(number: int, seen: datetime, **about: Any) -> Device:
    mac = f"f4:7b:5e:00:10:{number:02x}"
    return Device(f"mac:{mac}", mac, (f"192.168.50.{20 + number}",), seen - timedelta(days=12), seen, **about)


def empty_scene() -> Scene:
    """A box that was switched on a minute ago."""
    return Scene(datetime.now(UTC))


def busy_scene(seed: int = 7, lookups: int = 4000) -> Scene:
    """A day in a home with four televisions and a phone."""
    now = datetime.now(UTC)
    scene = Scene(now)
    scene.devices = [
        _device(
            1,
            now - timedelta(seconds=20),
            name="Living room",
            vendor="Samsung Electronics",
            maker="Samsung",
            kind="television",
        ),
        _device(
            2,
            now - timedelta(minutes=3),
            name="Kitchen",
            host="lgwebostv",
            vendor="LG Innotek",
            maker="LG",
            kind="television",
        ),
        _device(3, now - timedelta(minutes=40), host="roku-ultra", vendor="Roku", maker="Roku", kind="television"),
        _device(4, now - timedelta(hours=5), vendor="private address", kind="phone"),
    ]
    chance = random.Random(seed)
    fits = {0: ("Samsung", "Samsung Ads"), 1: ("LG", "LG Ad Solutions"), 2: ("Roku",), 3: ("Meta", "Amazon")}
    own = {company for companies in fits.values() for company in companies}
    moments = sorted(now - timedelta(hours=24 * chance.betavariate(1.1, 1.6)) for _ in range(lookups))
    for when in moments:
        device = chance.choices(range(4), (10, 6, 5, 1))[0]
        entries = [entry for entry in NAMES if entry[1] in fits[device] or entry[1] not in own]
        entry = chance.choices(entries, [each[6] * (3 if each[1] in fits[device] else 1) for each in entries])[0]
        scene.log.append(log_row(when, scene.devices[device], entry))
    _happen(scene, now)
    scene.rules = [
        Rule(
            Action.BLOCK, Scope(ScopeKind.COMPANY, "Samba TV"), now - timedelta(days=2), "dashboard", None, None, "", 3
        ),
        Rule(
            Action.ALLOW,
            Scope(ScopeKind.NAME, "graph.facebook.com"),
            now - timedelta(hours=3),
            "dashboard",
            scene.devices[3].id,
            now + timedelta(minutes=42),
            "for the photo frame",
            5,
        ),
        Rule(
            Action.BLOCK,
            Scope(ScopeKind.SUBTREE, "logs.roku.com"),
            now - timedelta(minutes=9),
            "command line",
            None,
            None,
            "",
            8,
        ),
    ]
    fetched = time_to_json(now - timedelta(hours=7))
    scene.lists = [
        _list(1, "https://example.org/SmartTV.txt", "Smart TV", "block", 248, fetched),
        _list(
            2,
            "https://example.org/filter.txt",
            "AdGuard DNS filter",
            "block",
            118204,
            fetched,
            syntax="adblock",
            skipped={"It speaks of a part of a web page, not of a name.": 812, "It names an IP address.": 3},
        ),
        _list(
            4,
            "https://example.org/gone.txt",
            "Gone away",
            "allow",
            12,
            time_to_json(now - timedelta(days=40)),
            error="The server answered 404; the last good copy stays in force.",
        ),
        _list(
            5,
            "https://example.org/shrunken.txt",
            "Trackers of many makers",
            "block",
            20_000,
            fetched,
            shrinking={"before": 20_000, "entries": 1},
        ),
    ]
    scene.network = {
        "mode": "access-point",
        "filtering": True,
        "resolver_answers": True,
        "leases": 4,
        "isolated": False,
        "isolated_by_settings": False,
        "notes": ["Channel 36 is taken by radar; the Wi-Fi uses 44."],
        "health": [finding("dhcp", True, "Televisions get addresses.")],
    }
    scene.wifi = ("Telltale TV", "abcde-fghjk-mnpqr-stuvw")
    scene.counted = {"dns_turned": 12_804, "dot_refused": 31, "doh_refused": 209, "cut_refused": 6, "rogue_dhcp": 1}
    figures = {"names": 531, "missed": 0, "needed_by": ["Disney+", "Paramount+"]}
    scene.effects = {
        "home": {
            "calm": {**figures, "stops": 214, "open": 9},
            "quiet": {**figures, "stops": 262, "open": 9},
            "silent": {**figures, "stops": 390, "open": 9, "missed": 14},
        },
        "devices": {},
    }
    scene.services = [
        {"service": "Disney+", "company": "Disney", "kind": "television", "stops": "Disney+ does not start.",
         "watched": True, "devices": []},
        {"service": "Netflix", "company": "Netflix", "kind": "television", "stops": "Netflix does not start.",
         "watched": True, "devices": [scene.devices[0].id]},
        {"service": "Spotify", "company": "Spotify", "kind": "music", "stops": "No music starts.",
         "watched": False, "devices": [scene.devices[0].id]},
        {"service": "TikTok", "company": "ByteDance", "kind": "social", "stops": "TikTok shows nothing.",
         "watched": True, "devices": []},
    ]  # fmt: skip
    scene.companies = {
        "Samsung": _company(
            "Samsung", "South Korea", "Electronics", "Makes televisions, and knows what is on their screens."
        ),
        "Samsung Ads": {
            **_company("Samsung Ads", "South Korea", "Advertising", "Sells advertisements on Samsung televisions."),
            "parent": "Samsung",
        },
    }
    return scene


def _company(name: str, country: str, business: str, line: str) -> dict[str, Any]:
    return {
        "name": name,
        "parent": None,
        "country": country,
        "business": business,
        "privacy": "https://example.org/privacy",
        "line": line,
    }


def _happen(scene: Scene, now: datetime) -> None:
    """The last minute: a retry storm, a cloaked name, a television that needs something."""
    tv, roku = scene.devices[0], scene.devices[2]
    for index in range(9):
        kind = QType.A if index % 2 else QType.AAAA
        when = now - timedelta(seconds=40 - index)
        scene.log.append(log_row(when, roku, ENTRIES["scribe.logs.roku.com"], qtype=kind))
    cloaked = Verdict(Action.BLOCK, Reason.BLOCK_LIST, "||samba.tv^", lists=LISTS[:1], via="events.cid.samba.tv")
    path = ("edge.tvapp.example", "events.cid.samba.tv")
    scene.log.append(log_row(now - timedelta(seconds=20), tv, _stranger("metrics.tvapp.example"), cloaked, path))
    kept = Verdict(Action.ALLOW, Reason.KEEP_LIST)
    scene.log.append(log_row(now - timedelta(seconds=12), tv, ENTRIES["cdn.samsungcloudsolution.com"], kept))
    scene.log.append(log_row(now - timedelta(seconds=5), tv, ENTRIES["ads.samsungads.com"]))


def _stranger(name: str) -> tuple[Any, ...]:
    return name, None, "unknown", "unknown", "", False, 1


def hostile_scene() -> Scene:
    """Every text that comes from outside is an attack."""
    scene = busy_scene(lookups=40)
    now = scene.now
    label = Name.from_labels([HOSTILE.encode()[:63], b"x/../%2e%2e?q=1#f", b"example"]).text
    scene.tags = {
        label: Tag(HOSTILE, Category.ADVERTISING),
        LONGEST: Tag("x" * 200),
        Name.from_labels([b"..", b"%2f//b", b"example"]).text: Tag("../..//" + HOSTILE, Category.ACR),
    }
    scene.devices = [
        Device("mac:" + HOSTILE, HOSTILE, (HOSTILE,), now, now, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        Device("ip:192.0.2.9", None, ("192.0.2.9",), now, now, "w" * 64, LONGEST, LONGEST, LONGEST),
    ]
    scene.network = {
        "mode": HOSTILE,
        "filtering": False,
        "leases": 250,
        "notes": [HOSTILE, LONGEST],
        "health": [finding("wifi", False, HOSTILE)],
    }
    scene.wifi = (HOSTILE, '";:,\\' * 12)
    verdict = Verdict(Action.BLOCK, Reason.BLOCK_LIST, HOSTILE, lists=(HOSTILE, LONGEST), via=HOSTILE)
    scene.log = deque(
        log_row(
            now - timedelta(seconds=60 - index),
            scene.devices[index % 2],
            _stranger([*scene.tags][index % 3]),
            verdict if index % 2 else None,
            (HOSTILE, LONGEST),
            qtype=65280,
        )
        for index in range(30)
    )
    scene.rules = [
        Rule(Action.BLOCK, Scope(ScopeKind.COMPANY, HOSTILE), now, HOSTILE, None, None, HOSTILE, 1),
        Rule(Action.ALLOW, Scope(ScopeKind.SUBTREE, LONGEST), now, HOSTILE, "mac:" + HOSTILE, None, HOSTILE * 4, 2),
    ]
    scene.lists = [
        _list(
            1,
            "javascript:alert(1)//" + HOSTILE,
            HOSTILE,
            "block",
            10**15,
            time_to_json(now),
            syntax=HOSTILE,
            comment=HOSTILE,
            skipped={HOSTILE: 10**12},
            error=HOSTILE,
            shrinking={"before": 10**15, "entries": 10**14},
        ),
        _list(2, "https://" + LONGEST, LONGEST, "allow", 0, None),
    ]
    scene.companies = {
        HOSTILE: {
            "name": HOSTILE,
            "parent": HOSTILE + "2",
            "country": HOSTILE,
            "business": HOSTILE,
            "privacy": "javascript:alert(1)",
            "line": HOSTILE,
        }
    }
    scene.health = [finding(HOSTILE, False, HOSTILE)]
    return scene
