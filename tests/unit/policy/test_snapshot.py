"""Who wins, as a table, strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.lists.compiled import CompiledLists
from gateway.model.effect import Effect
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import UNTAGGED, Category, Need, Tag
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict
from gateway.policy.presets import Presets, Ruling
from gateway.policy.snapshot import Snapshot
from gateway.policy.usage import KEPT, Usage
from tests.support.policy_lists import ALLOW, BLOCK, compile_texts

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
TV, PHONE = "mac:aa:bb:cc:dd:ee:ff", "mac:11:22:33:44:55:66"
TAGS = {
    "ads.samsung.example": Tag("Samsung", Category.ADVERTISING),
    "keep.samsung.example": Tag("Samsung", Category.UPDATE, need=Need.REQUIRED, rule="keep.samsung.example"),
    "time.samsung.example": Tag("Samsung", Category.TIME, need=Need.REQUIRED, rule="*.samsung.example"),
    "clock.example": Tag("", Category.TIME, need=Need.REQUIRED),
    "edge.cdn.example": Tag("Samsung", Category.CDN),
    "rented.cloud.example": Tag("Samsung", Category.CLOUD),
}
BLOCK_LIST = """
||samsung.example^
||listed.example^
||edge.cdn.example^
||typed.example^$dnstype=AAAA
||old.example^$dnstype=A
"""
ALLOW_LIST = "ok.listed.example\nboth.listed.example\n"


def tag_of(name: str) -> Tag:
    return TAGS.get(name, UNTAGGED)


def rule(
    action: Action,
    kind: ScopeKind,
    value: str = "",
    *,
    device: str | None = None,
    minutes: float | None = None,
    number: int = 1,
) -> Rule:
    ends = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Rule(action, Scope(kind, value), NOW, "test", device, ends, id=number)


NAME, SUBTREE, COMPANY = ScopeKind.NAME, ScopeKind.SUBTREE, ScopeKind.COMPANY
CATEGORY, EVERYTHING = ScopeKind.CATEGORY, ScopeKind.EVERYTHING
A, TXT, AAAA = 1, 16, 28
OLD, TYPED = "old.example", "typed.example"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> CompiledLists:
    folder = tmp_path_factory.mktemp("lists")
    important = "||both.listed.example^$important\n||keep.samsung.example^$important"
    return compile_texts(
        folder, ("Blocks", BLOCK, BLOCK_LIST), ("Allows", ALLOW, ALLOW_LIST), ("Strict", BLOCK, important)
    )[0]


def snapshot_of(lists: CompiledLists, *rules: Rule) -> Snapshot:
    return Snapshot(rules, lists, tag_of, 1, NOW)


@pytest.mark.parametrize(
    ("rules", "name", "action", "reason"),
    [
        ([], "free.example", ALLOW, Reason.NOTHING),
        ([], "listed.example", BLOCK, Reason.BLOCK_LIST),
        ([], "ok.listed.example", ALLOW, Reason.ALLOW_LIST),
        ([], "both.listed.example", BLOCK, Reason.BLOCK_LIST),
        ([], "keep.samsung.example", ALLOW, Reason.KEEP_LIST),
        ([rule(BLOCK, NAME, "keep.samsung.example")], "keep.samsung.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, SUBTREE, "samsung.example")], "keep.samsung.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, COMPANY, "samsung")], "keep.samsung.example", ALLOW, Reason.KEEP_LIST),
        ([rule(BLOCK, CATEGORY, "update", device=TV)], "keep.samsung.example", ALLOW, Reason.KEEP_LIST),
        ([rule(ALLOW, NAME, "both.listed.example")], "both.listed.example", ALLOW, Reason.RULE),
        ([rule(BLOCK, NAME, "ok.listed.example")], "ok.listed.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, NAME, "free.example")], "sub.free.example", ALLOW, Reason.NOTHING),
        ([rule(BLOCK, SUBTREE, "free.example")], "sub.free.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, SUBTREE, "free.example")], "free.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, COMPANY, "samsung")], "ads.samsung.example", BLOCK, Reason.RULE),
        ([rule(ALLOW, CATEGORY, "advertising")], "ads.samsung.example", ALLOW, Reason.RULE),
        ([rule(ALLOW, EVERYTHING)], "listed.example", ALLOW, Reason.PAUSED),
        ([rule(BLOCK, EVERYTHING)], "free.example", BLOCK, Reason.RULE),
        ([rule(BLOCK, EVERYTHING, device=TV)], "free.example", BLOCK, Reason.DEVICE_RULE),
        ([rule(BLOCK, EVERYTHING, device=TV), rule(ALLOW, EVERYTHING)], "free.example", ALLOW, Reason.PAUSED),
        ([rule(ALLOW, NAME, "listed.example", device=TV)], "listed.example", ALLOW, Reason.DEVICE_RULE),
        ([rule(ALLOW, NAME, "listed.example", device=PHONE)], "listed.example", BLOCK, Reason.BLOCK_LIST),
        (
            [rule(BLOCK, CATEGORY, "advertising", device=TV), rule(ALLOW, NAME, "ads.samsung.example")],
            "ads.samsung.example",
            BLOCK,
            Reason.DEVICE_RULE,
        ),
        ([rule(BLOCK, NAME, "x.example", minutes=0)], "x.example", ALLOW, Reason.NOTHING),
    ],
)
def test_the_strongest_word_counts(
    lists: CompiledLists, rules: Sequence[Rule], name: str, action: Action, reason: Reason
) -> None:
    verdict = snapshot_of(lists, *rules).decide(name, TV)
    assert (verdict.action, verdict.reason) == (action, reason)


LADDER = [
    rule(BLOCK, NAME, "ads.samsung.example", number=1),
    rule(ALLOW, SUBTREE, "ads.samsung.example", number=2),
    rule(BLOCK, SUBTREE, "samsung.example", number=3),
    rule(ALLOW, SUBTREE, "example", number=4),
    rule(BLOCK, COMPANY, "Samsung", number=5),
    rule(ALLOW, CATEGORY, "advertising", number=6),
    rule(BLOCK, EVERYTHING, number=7),
]


@pytest.mark.parametrize("device", [None, TV])
@pytest.mark.parametrize("first", range(7))
def test_the_specific_rule_beats_the_general_one(lists: CompiledLists, first: int, device: str | None) -> None:
    rules = [Rule(r.action, r.scope, r.made, r.made_by, device, id=r.id) for r in LADDER[first:]]
    snapshot = snapshot_of(lists, *reversed(rules))
    verdict = snapshot.decide("ads.samsung.example", TV)
    assert verdict.rule == LADDER[first].id
    assert [each.id for each in snapshot.rules_on("ads.samsung.example", TV)] == [each.id for each in rules]


def test_a_rule_with_an_end_lies_over_the_permanent_one(lists: CompiledLists) -> None:
    forever = rule(BLOCK, NAME, "x.example", number=9)
    for_a_while = rule(ALLOW, NAME, "x.example", minutes=15, number=2)
    assert snapshot_of(lists, for_a_while, forever).decide("x.example", TV).rule == 2
    later = Snapshot((forever, for_a_while), lists, tag_of, 2, NOW + timedelta(minutes=15))
    assert later.decide("x.example", TV).rule == 9


def test_a_verdict_tells_rule_company_category_and_lists(lists: CompiledLists) -> None:
    by_company = snapshot_of(lists, rule(BLOCK, COMPANY, "Samsung", number=4)).decide("ads.samsung.example", TV)
    assert by_company == Verdict(
        BLOCK, Reason.RULE, "Samsung", rule=4, lists=("Blocks",), company="Samsung", category=None
    )
    by_category = snapshot_of(lists, rule(BLOCK, CATEGORY, "advertising")).decide("ads.samsung.example", TV)
    assert (by_category.category, by_category.company) == ("advertising", None)
    by_list = snapshot_of(lists).decide("a.listed.example", TV)
    assert by_list == Verdict(BLOCK, Reason.BLOCK_LIST, "||listed.example^", lists=("Blocks",))
    assert snapshot_of(lists).decide("free.example", TV) is ALLOWED
    kept = snapshot_of(lists).decide("keep.samsung.example", TV)
    assert kept.lists == ("Blocks", "Strict")
    allowed = snapshot_of(lists).decide("ok.listed.example", TV)
    assert allowed == Verdict(ALLOW, Reason.ALLOW_LIST, "@@ok.listed.example", lists=("Allows", "Blocks"))


@pytest.mark.parametrize(
    ("rules", "name", "matched"),
    [
        ([rule(BLOCK, NAME, "free.example")], "free.example", "free.example"),
        ([rule(BLOCK, SUBTREE, "free.example")], "a.free.example", "||free.example^"),
        ([rule(BLOCK, CATEGORY, "advertising")], "ads.samsung.example", "advertising"),
        ([rule(BLOCK, EVERYTHING, device=TV)], "free.example", "everything"),
        ([rule(ALLOW, EVERYTHING)], "free.example", "everything"),
        ([], "time.samsung.example", "*.samsung.example"),
        ([], "clock.example", "clock.example"),
    ],
)
def test_a_verdict_spells_what_it_was_decided_by(
    lists: CompiledLists, rules: Sequence[Rule], name: str, matched: str
) -> None:
    """The keep-list's own words where it has some, else the name that it keeps."""
    assert snapshot_of(lists, *rules).decide(name, TV).matched == matched


def test_a_company_rule_does_not_speak_of_a_target_that_only_hosts(lists: CompiledLists) -> None:
    cloud = snapshot_of(lists, rule(BLOCK, CATEGORY, "cloud"))
    assert cloud.decide("rented.cloud.example", TV).blocked
    assert not cloud.decide_target("rented.cloud.example", TV).blocked
    for scope in ((COMPANY, "Samsung"), (CATEGORY, "cdn")):
        snapshot = snapshot_of(lists, rule(BLOCK, *scope))
        assert snapshot.decide("edge.cdn.example", TV).reason is Reason.RULE
        target = snapshot.decide_target("edge.cdn.example", TV)
        assert (target.reason, target.via) == (Reason.BLOCK_LIST, "edge.cdn.example")
    snapshot = snapshot_of(lists, rule(BLOCK, COMPANY, "Samsung"), rule(BLOCK, NAME, "edge.cdn.example", number=2))
    assert snapshot.decide_target("edge.cdn.example", TV).rule == 2
    assert snapshot.decide_target("ads.samsung.example", TV).via == "ads.samsung.example"
    assert snapshot.decide_target("free.example", TV) is ALLOWED


def test_only_devices_with_rules_have_a_profile_of_their_own(lists: CompiledLists) -> None:
    snapshot = snapshot_of(lists, rule(BLOCK, NAME, "x.example", device=TV), rule(BLOCK, NAME, "y.example"))
    assert snapshot.profile(TV) != snapshot.profile(PHONE)
    assert snapshot.profile(PHONE) == snapshot.profile(None)
    assert (snapshot.decide("x.example", TV).blocked, snapshot.decide("x.example", PHONE).blocked) == (True, False)


def test_memory_of_verdicts_is_bounded(lists: CompiledLists) -> None:
    snapshot = Snapshot((), lists, tag_of, 1, NOW, memo_limit=10)
    for number in range(100):
        snapshot.decide(f"n{number}.example", TV)
        assert len(snapshot._memo) <= 10


def test_what_was_decided_once_is_not_worked_out_again(lists: CompiledLists) -> None:
    """A snapshot never changes, so neither does its verdict; a name and a target of that name are two questions."""
    worked_out: list[str] = []

    def counted(name: str) -> Tag:
        worked_out.append(name)
        return tag_of(name)

    snapshot = Snapshot((), lists, counted, 1, NOW)
    names = [f"n{number}.example" for number in range(5)]
    for _ in range(3):
        assert not any(snapshot.decide(name, TV).blocked for name in names)
        assert snapshot.decide_target("ads.samsung.example", TV).via == "ads.samsung.example"
        assert snapshot.decide("ads.samsung.example", TV).via is None
    assert sorted(worked_out) == sorted([*names, "ads.samsung.example", "ads.samsung.example"])


@pytest.mark.parametrize("order", [(A, AAAA, TXT), (TXT, A, AAAA), (AAAA, TXT, A)])
def test_a_list_that_names_record_types_is_asked_for_each_of_them(lists: CompiledLists, order: Sequence[int]) -> None:
    """In whichever order they are asked for; a type that no list names is as good as any other."""
    snapshot = snapshot_of(lists)
    for decide in (snapshot.decide, snapshot.decide_target):
        blocked = {(name, qtype): decide(name, TV, qtype).blocked for qtype in order for name in (OLD, TYPED)}
        assert {key for key, value in blocked.items() if value} == {(OLD, A), (TYPED, AAAA)}
        assert decide(OLD, TV).blocked, "who does not say for what asks for an IPv4 address"


def test_a_snapshot_says_which_one_it_is_and_what_it_has_in_common_with_another(lists: CompiledLists) -> None:
    first = Snapshot((), lists, tag_of, 7, NOW, presets=Presets(makers=lambda: {TV: "Samsung"}))
    assert first.generation == 7
    more_rules = Snapshot(
        [rule(BLOCK, NAME, "x.example")], lists, tag_of, 8, NOW, presets=Presets(makers=lambda: {TV: "Samsung"})
    )
    other_lists = Snapshot((), CompiledLists.empty(), tag_of, 9, NOW, presets=Presets(makers=lambda: {TV: "Samsung"}))
    other_makers = Snapshot((), lists, tag_of, 10, NOW, presets=Presets(makers=lambda: {TV: "LG"}))
    assert [first.stands_on_the_same(each) for each in (more_rules, other_lists, other_makers)] == [True, False, False]


def test_the_first_end_of_a_timed_rule_is_known(lists: CompiledLists) -> None:
    timed = [rule(BLOCK, NAME, f"n{m}.example", minutes=m) for m in (30, 5, 60)]
    assert snapshot_of(lists, *timed, rule(BLOCK, NAME, "x.example")).next_end == NOW + timedelta(minutes=5)
    assert snapshot_of(lists).next_end is None


def stops(preset: str, name: str, maker: str) -> bool:
    """Calm stops advertising, and the maker's own advertising only on televisions of others; Silent stops all."""
    watches = tag_of(name).category.tracks and tag_of(name).company != maker
    return watches if preset == "calm" else True


def stopping(preset: str, name: str, maker: str, services: frozenset[str]) -> Ruling:
    """As `stops`; what watches below player.example is left alone where Player is used."""
    blocks = stops(preset, name, maker)
    if not (blocks and name == "ads.player.example"):
        return Ruling(blocks)
    return Ruling(False, ("Player",)) if "Player" in services else Ruling(True, depends=True)


def preset(value: str, *, device: str | None = None, minutes: float | None = None, number: int = 20) -> Rule:
    action = ALLOW if value == "off" else BLOCK
    return rule(action, ScopeKind.PRESET, value, device=device, minutes=minutes, number=number)


def quiet_home(lists: CompiledLists, *rules: Rule, makers: dict[str, str] | None = None) -> Snapshot:
    return Snapshot(rules, lists, tag_of, 1, NOW, presets=Presets(stopping, lambda: makers or {}))


@pytest.mark.parametrize(
    ("rules", "name", "action", "reason"),
    [
        ([preset("calm")], "free.example", ALLOW, Reason.NOTHING),
        ([preset("silent")], "free.example", BLOCK, Reason.PRESET),
        ([preset("calm")], "ads.samsung.example", BLOCK, Reason.PRESET),
        ([preset("off")], "ads.samsung.example", BLOCK, Reason.BLOCK_LIST),
        ([preset("calm", minutes=0)], "ads.samsung.example", BLOCK, Reason.BLOCK_LIST),
        ([preset("silent")], "keep.samsung.example", ALLOW, Reason.KEEP_LIST),
        ([preset("silent")], "ok.listed.example", ALLOW, Reason.ALLOW_LIST),
        ([preset("silent"), rule(ALLOW, NAME, "free.example")], "free.example", ALLOW, Reason.RULE),
        ([preset("silent"), rule(ALLOW, SUBTREE, "example")], "free.example", ALLOW, Reason.RULE),
        ([preset("silent"), rule(ALLOW, COMPANY, "Samsung")], "ads.samsung.example", ALLOW, Reason.RULE),
        ([preset("silent"), rule(ALLOW, CATEGORY, "advertising")], "ads.samsung.example", ALLOW, Reason.RULE),
        ([preset("silent", device=TV), rule(ALLOW, NAME, "free.example")], "free.example", ALLOW, Reason.RULE),
        ([preset("silent"), rule(ALLOW, EVERYTHING)], "free.example", ALLOW, Reason.PAUSED),
        ([preset("silent"), rule(BLOCK, NAME, "free.example")], "free.example", BLOCK, Reason.RULE),
        ([preset("silent"), preset("off", device=TV)], "free.example", ALLOW, Reason.NOTHING),
        ([preset("silent"), preset("calm", device=TV)], "free.example", ALLOW, Reason.NOTHING),
        ([preset("silent", device=TV)], "free.example", BLOCK, Reason.PRESET),
        ([preset("silent", device=PHONE)], "free.example", ALLOW, Reason.NOTHING),
        ([preset("silent"), preset("off", minutes=5, number=21)], "free.example", ALLOW, Reason.NOTHING),
    ],
)
def test_a_preset_gives_way_to_whatever_names_a_name(
    lists: CompiledLists, rules: Sequence[Rule], name: str, action: Action, reason: Reason
) -> None:
    verdict = quiet_home(lists, *rules).decide(name, TV)
    assert (verdict.action, verdict.reason) == (action, reason)


def test_a_preset_says_its_name_and_the_category_that_decided(lists: CompiledLists) -> None:
    verdict = quiet_home(lists, preset("calm", number=7)).decide("ads.samsung.example", TV)
    assert verdict == Verdict(BLOCK, Reason.PRESET, "calm", rule=7, lists=("Blocks",), category="advertising")


def test_a_preset_sees_a_name_from_the_side_of_the_devices_maker(lists: CompiledLists) -> None:
    radio = "mac:22:22:22:22:22:22"
    tags = {"ads.samsung.example": TAGS["ads.samsung.example"]}
    snapshot = Snapshot(
        [preset("calm")],
        CompiledLists.empty(),
        lambda name: tags.get(name, UNTAGGED),
        1,
        NOW,
        presets=Presets(stopping, lambda: {TV: "Samsung", PHONE: "LG"}),
    )
    blocked = {device: snapshot.decide("ads.samsung.example", device).blocked for device in (TV, PHONE, radio, None)}
    assert blocked == {TV: False, PHONE: True, radio: True, None: True}
    assert len({snapshot.profile(device) for device in (TV, PHONE, radio)}) == 3
    assert snapshot.profile(radio) == snapshot.profile("mac:another:radio") != snapshot.profile(None)


def test_makers_part_no_devices_without_a_preset(lists: CompiledLists) -> None:
    snapshot = quiet_home(lists, preset("calm", device=TV), makers={TV: "Samsung", PHONE: "LG"})
    assert snapshot.profile(PHONE) is None
    assert snapshot.profile(TV) == (TV, frozenset())


def test_a_preset_stops_a_hidden_tracker_but_no_unknown_server(lists: CompiledLists) -> None:
    snapshot = Snapshot([preset("silent")], CompiledLists.empty(), tag_of, 1, NOW, presets=Presets(stopping))
    hidden = snapshot.decide_target("ads.samsung.example", TV)
    assert (hidden.reason, hidden.via, hidden.category) == (Reason.PRESET, "ads.samsung.example", "advertising")
    assert not snapshot.decide_target("edge.cdn.example", TV).blocked
    assert not snapshot.decide_target("free.example", TV).blocked


def test_the_preset_stands_last_among_the_rules_on_a_name(lists: CompiledLists) -> None:
    named = rule(ALLOW, NAME, "ads.samsung.example", number=1)
    snapshot = quiet_home(lists, preset("calm"), named)
    assert [each.id for each in snapshot.rules_on("ads.samsung.example", TV)] == [1, 20]
    assert snapshot.rules_on("free.example", TV) == ()


def test_the_rules_on_a_name_are_those_for_the_name_itself_and_not_for_where_it_leads(lists: CompiledLists) -> None:
    """Of a server that only hosts, a company's rule speaks when it is asked for, and so does a preset."""
    snapshot = quiet_home(lists, preset("silent"), rule(BLOCK, COMPANY, "Samsung", number=2))
    assert [each.id for each in snapshot.rules_on("edge.cdn.example", TV)] == [2, 20]
    assert [each.id for each in snapshot.rules_on("free.example", TV)] == [20]


def test_a_device_s_own_preset_is_the_rule_on_its_names(lists: CompiledLists) -> None:
    snapshot = quiet_home(lists, preset("silent"), preset("calm", device=TV, number=21), preset("off", device=PHONE))
    asked = {device: snapshot.rules_on("ads.samsung.example", device) for device in (TV, PHONE, None)}
    assert {device: [each.id for each in found] for device, found in asked.items()} == {TV: [21], PHONE: [], None: [20]}
    assert snapshot.rules_on("free.example", TV) == (), "Calm lets it through"


def test_a_pause_comes_first_among_the_rules_on_a_name(lists: CompiledLists) -> None:
    named = rule(BLOCK, NAME, "free.example", number=1)
    snapshot = quiet_home(lists, preset("silent"), named, rule(ALLOW, EVERYTHING, device=TV, number=3))
    assert [each.id for each in snapshot.rules_on("free.example", TV)] == [3, 1, 20]
    assert [each.id for each in snapshot.rules_on("free.example", PHONE)] == [1, 20]


def test_a_home_that_knows_no_presets_is_not_harmed_by_one(lists: CompiledLists) -> None:
    assert snapshot_of(lists, preset("silent")).decide("free.example", TV) is ALLOWED


def test_what_a_policy_does_to_lookups_is_said_as_it_is(tmp_path: Path) -> None:
    pause = rule(ALLOW, EVERYTHING, minutes=5)
    one, _ = compile_texts(tmp_path, ("one name", BLOCK, "||listed.example^\n"))
    nothing = CompiledLists.empty()
    for lists, rules, effect in (
        (nothing, [], Effect.NOTHING),
        (nothing, [rule(ALLOW, NAME, "a.example")], Effect.NOTHING),
        (nothing, [rule(BLOCK, NAME, "a.example")], Effect.BLOCKS),
        (nothing, [rule(ALLOW, NAME, "a.example"), rule(BLOCK, NAME, "b.example")], Effect.BLOCKS),
        (nothing, [preset("calm")], Effect.BLOCKS),
        (one, [], Effect.BLOCKS),
        (one, [rule(ALLOW, NAME, "a.example")], Effect.BLOCKS),
        (one, [pause], Effect.PAUSED),
        (nothing, [pause, rule(BLOCK, NAME, "a.example")], Effect.PAUSED),
    ):
        assert quiet_home(lists, *rules).effect is effect
        assert quiet_home(lists, *rules).blocks is (effect is Effect.BLOCKS or lists is one or len(rules) == 2)


SERVICE, TRACKERS = ScopeKind.SERVICE, ScopeKind.TRACKERS
OF_PLAYER = {
    "app.player.example": Tag("Player Inc", Category.CONTENT, service="Player"),
    "ads.player.example": Tag("Player Inc", Category.ADVERTISING, service="Player"),
    "www.player.example": Tag("Player Inc", Category.CONTENT),
    "stats.player.example": Tag("Player Inc", Category.ANALYTICS),
    "clock.player.example": Tag("Player Inc", Category.ANALYTICS, service="Player", need=Need.REQUIRED),
}


@pytest.mark.parametrize(
    ("rules", "blocked"),
    [
        ([rule(BLOCK, SERVICE, "player")], {"app", "ads"}),
        ([rule(BLOCK, TRACKERS, "Player")], {"ads"}),
        ([rule(BLOCK, TRACKERS, "Player Inc")], {"ads", "stats"}),
        ([rule(BLOCK, COMPANY, "Player Inc")], {"app", "ads", "www", "stats"}),
        ([rule(BLOCK, COMPANY, "Player Inc"), rule(ALLOW, SERVICE, "Player")], {"www", "stats"}),
        ([rule(BLOCK, COMPANY, "Player Inc"), rule(ALLOW, TRACKERS, "Player Inc")], {"app", "www"}),
        ([rule(ALLOW, SERVICE, "Player"), rule(BLOCK, TRACKERS, "Player")], {"ads"}),
        ([rule(BLOCK, SERVICE, "Player"), rule(ALLOW, CATEGORY, "content")], {"app", "ads"}),
        ([rule(BLOCK, SERVICE, "Player"), rule(ALLOW, SUBTREE, "app.player.example")], {"ads"}),
        ([rule(BLOCK, SERVICE, "Player", device=PHONE)], set()),
        ([rule(BLOCK, SERVICE, "Other"), rule(BLOCK, TRACKERS, "Other")], set()),
    ],
)
def test_a_whole_service_or_only_what_watches_in_it(rules: Sequence[Rule], blocked: set[str]) -> None:
    snapshot = Snapshot(rules, CompiledLists.empty(), lambda name: OF_PLAYER.get(name, UNTAGGED), 1, NOW)
    assert {name.partition(".")[0] for name in OF_PLAYER if snapshot.decide(name, TV).blocked} == blocked


def test_a_verdict_says_that_only_the_trackers_are_meant() -> None:
    tags = OF_PLAYER.__getitem__
    verdict = Snapshot([rule(BLOCK, TRACKERS, "Player")], CompiledLists.empty(), tags, 1, NOW).decide(
        "ads.player.example", TV
    )
    assert (verdict.reason, verdict.matched, verdict.company) == (Reason.RULE, "trackers of Player", None)


ADS = Tag("Adhaus", Category.ADVERTISING)


def app_home(*rules: Rule) -> tuple[Snapshot, Usage, list[str]]:
    """A home where somebody who asks for app.player.example uses Player, and the devices whose services changed."""
    changed: list[str] = []
    usage = Usage({"app.player.example": ("Player", True), "idle.player.example": ("Player", False)}.get)
    usage.listen(changed.append)
    tags = {"ads.player.example": Tag("Player", Category.ADVERTISING)}
    presets = Presets(stopping, dict, usage)
    return (
        Snapshot(rules, CompiledLists.empty(), lambda name: tags.get(name, UNTAGGED), 1, NOW, presets=presets),
        usage,
        changed,
    )


@pytest.mark.parametrize("chosen", [preset("silent"), preset("silent", device=TV)])
def test_what_an_app_needs_is_open_from_its_first_lookup_on_where_it_is_used(chosen: Rule) -> None:
    allowed = rule(ALLOW, NAME, "app.player.example")
    snapshot, _, changed = app_home(chosen, allowed)
    before = snapshot.decide("ads.player.example", TV)
    assert (before.action, before.reason, before.passing) == (BLOCK, Reason.PRESET, True)
    profile = snapshot.profile(TV)
    assert not snapshot.decide("app.player.example", TV).blocked
    assert changed == [TV]
    assert snapshot.profile(TV) != profile
    after = snapshot.decide("ads.player.example", TV)
    assert (after.action, after.reason, after.matched) == (ALLOW, Reason.NEEDED, "Player")
    assert snapshot.decide("ads.player.example", PHONE).blocked is (chosen.device is None)


def test_a_second_device_is_noticed_although_the_verdict_on_the_name_is_known() -> None:
    snapshot, usage, changed = app_home(preset("silent"), rule(ALLOW, NAME, "app.player.example"))
    for device in (TV, PHONE):
        assert not snapshot.decide("app.player.example", device).blocked
    assert changed == [TV, PHONE]
    assert usage.table() == {TV: ["Player"], PHONE: ["Player"]}


def test_who_only_wants_to_know_shows_no_use_of_an_app_and_hides_none() -> None:
    snapshot, usage, changed = app_home(preset("silent"), rule(ALLOW, NAME, "app.player.example"))
    assert not snapshot.foresee("app.player.example", TV).blocked
    assert snapshot.foresee("ads.player.example", TV).passing
    assert snapshot.foresee("ads.player.example", TV, is_target=True).via == "ads.player.example"
    assert (usage.table(), changed) == ({}, [])
    snapshot.decide("app.player.example", TV)
    assert changed == [TV]
    assert snapshot.foresee("ads.player.example", TV) == snapshot.decide("ads.player.example", TV)
    assert snapshot.foresee("ads.player.example", PHONE).blocked


def test_a_device_of_which_nothing_is_known_yet_hides_the_first_use_of_no_other() -> None:
    snapshot, usage, _ = app_home(preset("silent"), rule(ALLOW, NAME, "app.player.example"))
    assert not snapshot.decide("app.player.example", None).blocked
    assert snapshot.profile(None) != snapshot.profile(TV)
    assert not snapshot.decide("app.player.example", TV).blocked
    assert usage.table() == {TV: ["Player"]}


def test_a_use_that_lasts_is_noted_although_another_device_has_made_its_name_known() -> None:
    allowed = [rule(ALLOW, NAME, f"{label}.player.example") for label in ("app", "idle")]
    snapshot, usage, _ = app_home(preset("silent"), *allowed)
    snapshot.decide("app.player.example", TV)
    snapshot.decide("idle.player.example", PHONE)
    assert not snapshot.decide("ads.player.example", PHONE).blocked
    assert snapshot.profile(TV) != snapshot.profile(PHONE)
    assert usage.table() == {TV: ["Player"]}
    snapshot.decide("app.player.example", PHONE)
    assert usage.table() == {TV: ["Player"], PHONE: ["Player"]}
    assert snapshot.profile(TV) == snapshot.profile(PHONE)


def test_where_a_name_leads_that_is_missed_a_preset_stops_nothing_and_a_person_does() -> None:
    presets = Presets(lambda preset, name, maker, used: Ruling(name == "ads.example", kept=name == "shop.example"))

    def stopped(*rules: Rule) -> dict[str, bool]:
        snapshot = Snapshot(rules, CompiledLists.empty(), lambda name: ADS, 1, NOW, presets=presets)
        target = snapshot.decide_target("ads.example", TV)
        assert target.blocked
        return {name: snapshot.decide(name, TV).stops_at(target) for name in ("shop.example", "other.example")}

    assert stopped(preset("calm")) == {"shop.example": False, "other.example": True}
    named = rule(BLOCK, NAME, "ads.example")
    assert stopped(preset("calm"), named) == {"shop.example": True, "other.example": True}


def test_a_rule_on_what_watches_at_a_service_and_its_company_is_one_rule() -> None:
    tag = Tag("Player", Category.ADVERTISING, service="Player")
    made = rule(BLOCK, TRACKERS, "Player")
    snapshot = Snapshot([made], CompiledLists.empty(), lambda name: tag, 1, NOW)
    assert snapshot.rules_on("ads.player.example", TV) == (made,)


def test_what_a_list_stops_in_any_case_passes_with_no_use_of_an_app(tmp_path: Path) -> None:
    compiled = compile_texts(tmp_path, ("Blocks", BLOCK, "||player.example^"))[0]
    usage = Usage()
    snapshot = Snapshot([preset("silent")], compiled, tag_of, 1, NOW, presets=Presets(stopping, dict, usage))
    before = snapshot.decide("ads.player.example", TV)
    assert (before.blocked, before.reason, before.passing) == (True, Reason.PRESET, False)
    usage.add(TV, [("Player", 0.0)])
    after = snapshot.decide("ads.player.example", TV)
    assert (after.blocked, after.reason) == (True, Reason.BLOCK_LIST)


def test_an_app_that_is_blocked_is_not_used_and_without_a_preset_nobody_notes() -> None:
    snapshot, usage, _ = app_home(preset("silent"))
    assert snapshot.decide("app.player.example", TV).blocked
    assert usage.table() == {}
    snapshot, usage, _ = app_home()
    assert not snapshot.decide("app.player.example", TV).blocked
    assert usage.table() == {}


def test_a_tracker_behind_another_name_is_open_for_the_app_too() -> None:
    snapshot, usage, _ = app_home(preset("silent"))
    assert snapshot.decide_target("ads.player.example", TV).passing
    usage.add(TV, [("Player", 0.0)])
    assert not snapshot.decide_target("ads.player.example", TV).blocked


def test_what_is_used_no_more_is_not_needed_any_more() -> None:
    now = [0.0]
    usage = Usage(clock=lambda: now[0])
    usage.add(TV, [("Player", 10.0)])
    presets = Presets(stopping, dict, usage)
    snapshot = Snapshot([preset("silent")], CompiledLists.empty(), tag_of, 1, NOW, presets=presets)
    assert not snapshot.decide("ads.player.example", TV).blocked
    now[0] = KEPT
    usage.sweep()
    assert snapshot.decide("ads.player.example", TV).blocked
