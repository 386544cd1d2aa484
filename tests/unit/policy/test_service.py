"""A click: stored, in force, announced; and what survives a restart, a broken file and a full disk."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import JournalError, Refused, SettingsError
from gateway.lists.compiled import CompiledLists
from gateway.model.book import Book
from gateway.model.event import PolicyChanged
from gateway.model.policy import Policy
from gateway.model.rule import Scope, ScopeKind
from gateway.model.tag import UNTAGGED
from gateway.model.verdict import Action, Reason
from gateway.policy import book_keeper
from gateway.policy.book_file import load_book, save_book
from gateway.policy.book_keeper import BookKeeper
from gateway.policy.presets import Presets, Ruling
from gateway.policy.service import PolicyService
from gateway.policy.steady_clock import SteadyClock
from gateway.schema.texts import MAX_SECONDS
from tests.support.policy_lists import ALLOW, BLOCK, compile_texts

TV = "mac:aa:bb:cc:dd:ee:ff"
ADS = Scope(ScopeKind.NAME, "ads.example")
SECOND = timedelta(seconds=1)


def story(scenario: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a coroutine test in an event loop of its own."""

    @functools.wraps(scenario)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(scenario(*args, **kwargs))

    return run


class Clock(SteadyClock):
    """A machine whose clock can be set."""

    def __init__(self) -> None:
        self.shown, self.passed = datetime(2026, 11, 23, 20, 0, tzinfo=UTC).timestamp(), 1_000.0
        super().__init__(lambda: self.shown, lambda: self.passed)

    @property
    def now(self) -> datetime:
        return self()

    def advance(self, seconds: float) -> None:
        self.shown += seconds
        self.passed += seconds

    def jump(self, days: float) -> None:
        self.shown += days * 86_400


class Store:
    """A journal in memory that can be broken."""

    def __init__(self, book: Book | None = None, *, broken: bool = False) -> None:
        self.book, self.broken, self.lasts = book, broken, False

    def load(self) -> Book | None:
        if self.broken:
            raise JournalError("The journal is broken.")
        return self.book

    def save(self, book: Book, *, lasts: bool = False) -> None:
        if self.broken:
            raise JournalError("The journal is broken.")
        self.book, self.lasts = book, lasts


class Box:
    """One policy service with its surroundings, which can be started again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "policy.json"
        self.store = Store()
        self.clock = Clock()
        self.published: list[tuple[int, PolicyChanged]] = []
        self.lists = CompiledLists.empty()
        self.service = self.start()

    def start(self) -> PolicyService:
        def tell(policy: Policy, event: PolicyChanged) -> None:
            self.published.append((policy.generation, event))

        self.service = PolicyService(
            BookKeeper(self.path, self.store), self.lists, lambda name: UNTAGGED, tell, self.clock
        )
        return self.service

    def blocked(self, name: str, device: str | None = TV) -> bool:
        return self.service.policy.decide(name, device).blocked


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@story
async def test_a_rule_is_stored_twice_in_force_and_announced(box: Box) -> None:
    rule = await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "Ads.Example."), made_by="dashboard", comment="no")
    assert (rule.id, rule.scope, rule.made, rule.made_by, rule.comment) == (1, ADS, box.clock.now, "dashboard", "no")
    assert box.blocked("ads.example")
    assert box.service.rules() == (rule,)
    await box.service.settle()
    assert load_book(box.path) == box.store.book == box.service.book
    assert box.published == [(2, PolicyChanged(2, rule, False))]


@story
async def test_it_says_whether_anything_could_be_blocked_at_all(box: Box, tmp_path: Path) -> None:
    assert not box.service.blocks
    await box.service.add_rule(ALLOW, ADS, made_by="dashboard")
    assert not box.service.blocks
    preset = await box.service.add_rule(BLOCK, Scope(ScopeKind.PRESET, "calm"), made_by="dashboard")
    assert box.service.blocks
    await box.service.remove_rule(preset.id)
    assert not box.service.blocks
    box.service.swap_lists(compile_texts(tmp_path, ("A list", BLOCK, "ads.example"))[0])
    assert box.service.blocks


@story
async def test_rules_survive_a_restart_from_either_place(box: Box) -> None:
    rule = await box.service.add_rule(BLOCK, ADS, device=TV, seconds=600, made_by="dashboard")
    await box.service.settle()
    box.path.unlink()
    assert box.start().rules() == (rule,)
    save_book(box.path, box.service.book)
    box.store = Store()
    assert box.start().rules() == (rule,)
    assert box.service.problems == []


@story
async def test_the_book_with_the_higher_revision_is_the_true_one(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    old = box.service.book
    await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), made_by="dashboard")
    await box.service.settle()
    save_book(box.path, old)
    assert len(box.start().rules()) == 2
    box.store.book = old
    save_book(box.path, box.service.book)
    assert len(box.start().rules()) == 2


@story
async def test_a_rule_that_ended_during_a_power_cut_is_over(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, seconds=60, made_by="dashboard")
    box.clock.advance(61)
    assert box.start().rules() == ()
    assert not box.blocked("ads.example")


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 4096])
@story
async def test_a_broken_file_is_set_aside_and_the_journal_counts(box: Box, damage: bytes) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    await box.service.settle()
    box.path.write_bytes(damage)
    box.start()
    assert box.blocked("ads.example")
    [problem] = box.service.problems
    assert "policy.json" in problem
    assert box.path.with_name("policy.json.broken").read_bytes() == damage
    await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), made_by="dashboard")
    assert load_book(box.path) == box.service.book


@story
async def test_a_broken_journal_does_not_matter_while_the_file_is_good(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    box.store = Store(broken=True)
    box.start()
    assert box.blocked("ads.example")
    assert "journal" in box.service.problems[0]
    await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), made_by="dashboard")
    assert box.blocked("b.example")
    await box.service.settle()
    assert any("cannot be written to the journal" in problem for problem in box.service.problems)


@story
async def test_with_both_broken_it_starts_empty_and_gives_no_id_twice(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    box.path.write_bytes(b"junk")
    box.store = Store(broken=True)
    box.start()
    assert box.service.rules() == ()
    assert len(box.service.problems) == 2
    rule = await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    assert rule.id > 1_000_000


@story
async def test_what_could_be_stored_nowhere_is_not_in_force(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, book: Book) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(book_keeper, "save_book", full)
    box.store.broken = True
    with pytest.raises(SettingsError, match="No space left on device"):
        await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    assert not box.blocked("ads.example")
    assert box.published == []
    box.store.broken = False
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    assert box.blocked("ads.example")
    assert "No space left" in box.service.problems[0]
    monkeypatch.undo()
    await box.service.remove_rule(1)
    assert box.service.problems == []


@story
async def test_a_rule_replaces_the_one_it_contradicts(box: Box) -> None:
    first = await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    mine = await box.service.add_rule(BLOCK, ADS, device=TV, made_by="dashboard")
    second = await box.service.add_rule(ALLOW, ADS, made_by="dashboard")
    assert box.service.rules() == (mine, second)
    wider = await box.service.add_rule(ALLOW, Scope(ScopeKind.SUBTREE, "ads.example"), device=TV, made_by="dashboard")
    assert box.service.rules() == (second, wider)
    assert first.id not in [rule.id for rule in box.service.rules()]


@story
async def test_an_allow_for_a_while_gives_the_block_back(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    await box.service.add_rule(ALLOW, ADS, seconds=900, made_by="dashboard")
    longer = await box.service.add_rule(ALLOW, ADS, seconds=1800, made_by="dashboard")
    assert len(box.service.rules()) == 2
    assert not box.blocked("ads.example")
    box.clock.advance(1799)
    assert not box.service.is_due()
    box.clock.advance(1)
    assert box.service.is_due()
    assert await box.service.expire() == (longer,)
    assert box.blocked("ads.example")
    assert box.published[-1] == (box.service.policy.generation, PolicyChanged(5, longer, True))
    assert load_book(box.path) == box.service.book


@pytest.mark.parametrize("days", [3650, -365, 0.5])
@story
async def test_a_rule_ends_in_as_many_seconds_however_the_clock_is_set(box: Box, days: float) -> None:
    lasting = await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    made = await box.service.add_rule(ALLOW, ADS, seconds=20, made_by="dashboard")
    box.clock.advance(5)
    box.clock.jump(days)
    other = await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), seconds=60, made_by="dashboard")
    assert not box.blocked("ads.example"), "a click right after the jump ends nothing"
    assert box.service.is_due()
    assert await box.service.expire() == ()
    step = timedelta(days=days)
    moved = replace(made, made=made.made + step, ends=(made.ends or box.clock.now) + step)
    assert box.service.rules() == (lasting, moved, replace(other, made=box.clock.now, ends=box.clock.now + 60 * SECOND))
    assert load_book(box.path) == box.service.book
    assert not box.service.is_due()
    assert box.start().rules() == box.service.rules(), "also after a restart"
    box.clock.advance(14)
    assert await box.service.expire() == ()
    box.clock.advance(1)
    assert await box.service.expire() == (moved,)
    assert box.blocked("ads.example")


@story
async def test_a_clock_that_is_off_by_little_moves_nothing(box: Box) -> None:
    made = await box.service.add_rule(ALLOW, ADS, seconds=20, made_by="dashboard")
    box.clock.shown += 0.4
    assert not box.service.is_due()
    assert await box.service.expire() == ()
    assert box.service.rules() == (made,)


@story
async def test_what_is_read_back_ends_no_later_than_it_was_made_for(box: Box) -> None:
    made = await box.service.add_rule(ALLOW, ADS, seconds=20, made_by="dashboard")
    await box.service.pause(TV, 300)
    for_ever = await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), made_by="dashboard")
    box.clock.jump(-365)
    box.clock = Clock()
    box.clock.jump(-365)
    box.start()
    first, pause, last = box.service.rules()
    assert (first.made, first.ends) == (box.clock.now, box.clock.now + 20 * SECOND)
    assert pause.ends == box.clock.now + 300 * SECOND
    assert last == for_ever
    box.clock.advance(20)
    assert [rule.id for rule in await box.service.expire()] == [made.id]


@story
async def test_no_book_holds_a_rule_longer_than_anybody_may_ask_for(box: Box) -> None:
    made = await box.service.add_rule(ALLOW, ADS, seconds=20, made_by="dashboard")
    endless = replace(made, made=made.made - timedelta(days=9_000), ends=made.made + timedelta(days=300_000))
    save_book(box.path, replace(box.service.book, revision=9, rules=(endless,)))
    [found] = box.start().rules()
    assert found.ends == box.clock.now + MAX_SECONDS * SECOND


@story
async def test_nothing_happens_when_nothing_is_over(box: Box) -> None:
    await box.service.add_rule(ALLOW, ADS, seconds=900, made_by="dashboard")
    generation = box.service.policy.generation
    assert await box.service.expire() == ()
    assert box.service.policy.generation == generation


@story
async def test_rules_end_even_while_the_disk_is_full(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, book: Book) -> None:
        raise OSError(28, "No space left on device")

    await box.service.add_rule(BLOCK, ADS, seconds=5, made_by="dashboard")
    monkeypatch.setattr(book_keeper, "save_book", full)
    box.store.broken = True
    box.clock.advance(5)
    await box.service.expire()
    assert not box.blocked("ads.example")
    assert box.service.problems


@story
async def test_a_pause_allows_everything_until_it_ends(box: Box, tmp_path: Path) -> None:
    box.service.swap_lists(compile_texts(tmp_path, ("L", BLOCK, "||listed.example^"))[0])
    assert box.blocked("listed.example")
    pause = await box.service.pause(TV, 300)
    assert pause is not None
    assert box.service.policy.decide("listed.example", TV).reason is Reason.PAUSED
    assert box.blocked("listed.example", "mac:other")
    assert await box.service.pause(TV, 0) is None
    assert box.blocked("listed.example")
    assert box.published[-1][1] == PolicyChanged(box.service.policy.generation, pause, True)
    everyone = await box.service.pause(None, None)
    assert everyone is not None
    assert everyone.ends is None
    assert not box.blocked("listed.example", "mac:other")
    assert await box.service.pause(TV, 0) is None
    assert not box.blocked("listed.example")


@story
async def test_removing_what_is_not_there_is_refused(box: Box) -> None:
    with pytest.raises(Refused) as caught:
        await box.service.remove_rule(99)
    assert caught.value.field == "id"
    with pytest.raises(Refused):
        await box.service.remove_list(99)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda s: s.add_rule(BLOCK, Scope(ScopeKind.NAME, "a..b"), made_by="x"), "name"),
        (lambda s: s.add_rule("deny", ADS, made_by="x"), "action"),
        (lambda s: s.add_rule(BLOCK, ADS, seconds=0, made_by="x"), "seconds"),
        (lambda s: s.add_rule(BLOCK, ADS, device="", made_by="x"), "device"),
        (lambda s: s.add_rule(BLOCK, ADS, made_by="x", comment="x" * 999), "comment"),
        (lambda s: s.pause(TV, -1), "seconds"),
        (lambda s: s.add_list("file:///etc/shadow"), "source"),
    ],
)
@story
async def test_a_wrong_wish_names_its_field_and_changes_nothing(
    box: Box, change: Callable[[PolicyService], asyncio.Future[object]], field: str
) -> None:
    with pytest.raises(Refused) as caught:
        await change(box.service)
    assert caught.value.field == field
    assert (box.service.book, box.published, box.path.exists()) == (Book(), [], False)


@story
async def test_lists_are_subscribed_to_once_and_given_up(box: Box) -> None:
    added = await box.service.add_list("https://lists.example/tv.txt", title="TVs", action=Action.ALLOW)
    assert box.service.book.lists == (added,)
    with pytest.raises(Refused, match="already"):
        await box.service.add_list("https://lists.example/tv.txt")
    assert box.start().book.lists == (added,)
    assert await box.service.remove_list(added.id) == added
    again = await box.service.add_list("https://lists.example/tv.txt")
    assert again.id > added.id


@story
async def test_two_clicks_at_once_are_both_kept(box: Box) -> None:
    clicks = [
        box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, f"n{n}.example"), made_by="dashboard") for n in range(20)
    ]
    rules = await asyncio.gather(*clicks)
    assert sorted(rule.id for rule in rules) == list(range(1, 21))
    assert len(box.start().rules()) == 20


@story
async def test_who_goes_away_in_the_middle_leaves_a_whole_decision(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    writing, go_on = asyncio.Event(), threading.Event()
    save = save_book

    def slowly(path: Path, book: Book) -> None:
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(10)
        save(path, book)

    monkeypatch.setattr(book_keeper, "save_book", slowly)
    click = asyncio.create_task(box.service.add_rule(BLOCK, ADS, made_by="dashboard"))
    await writing.wait()
    click.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await click
    assert box.blocked("ads.example")
    assert load_book(box.path) == box.service.book


@story
async def test_explain_tells_rules_and_lists(box: Box, tmp_path: Path) -> None:
    box.service.swap_lists(compile_texts(tmp_path, ("L", BLOCK, "||example^"))[0])
    rule = await box.service.add_rule(ALLOW, Scope(ScopeKind.SUBTREE, "ads.example"), device=TV, made_by="dashboard")
    said = box.service.explain("X.ads.example.", TV)
    assert (said.verdict.reason, said.rules) == (Reason.DEVICE_RULE, (rule,))
    assert [(each.title, each.matched) for each in said.lists] == [("L", "||example^")]
    assert box.service.explain("x.ads.example").verdict.blocked
    with pytest.raises(Refused):
        box.service.explain("no name")


@story
async def test_there_is_a_last_rule(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.policy.validation.MAX_RULES", 2)
    monkeypatch.setattr("gateway.policy.validation.MAX_LISTS", 1)
    for n in range(2):
        await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, f"n{n}.example"), made_by="dashboard")
    with pytest.raises(Refused, match="2 rules already"):
        await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    await box.service.add_list("https://a.example/")
    with pytest.raises(Refused, match="1 lists already"):
        await box.service.add_list("https://b.example/")


def preset(value: str) -> Scope:
    return Scope(ScopeKind.PRESET, value)


@story
async def test_a_new_preset_replaces_the_old_one_and_off_ends_it(box: Box) -> None:
    await box.service.add_rule(BLOCK, preset("calm"), made_by="dashboard")
    mine = await box.service.add_rule(BLOCK, preset("quiet"), device=TV, made_by="dashboard")
    silent = await box.service.add_rule(BLOCK, preset("silent"), made_by="dashboard")
    assert box.service.rules() == (mine, silent)
    off = await box.service.add_rule(BLOCK, preset("off"), made_by="dashboard")
    assert (off.action, box.service.policy.preset_of(None)) == (ALLOW, None)
    assert box.service.policy.preset_of(TV) == mine
    assert box.start().rules() == (mine, off)


@story
async def test_a_timed_preset_lies_over_the_lasting_one(box: Box) -> None:
    calm = await box.service.add_rule(BLOCK, preset("calm"), made_by="dashboard")
    silent = await box.service.add_rule(BLOCK, preset("silent"), seconds=600, made_by="dashboard")
    assert box.service.policy.preset_of(TV) == silent
    box.clock.advance(601)
    await box.service.expire()
    assert box.service.policy.preset_of(TV) == calm


@pytest.mark.parametrize(("action", "value", "field"), [(BLOCK, "loud", "preset"), (ALLOW, "calm", "action")])
@story
async def test_no_preset_of_another_name_and_none_that_allows(box: Box, action: Action, value: str, field: str) -> None:
    with pytest.raises(Refused) as caught:
        await box.service.add_rule(action, preset(value), made_by="dashboard")
    assert caught.value.field == field


@story
async def test_a_maker_that_is_learnt_counts_for_the_preset_at_once(box: Box) -> None:
    makers: dict[str, str] = {}
    published: list[int] = []
    service = PolicyService(
        BookKeeper(box.path, None),
        box.lists,
        lambda name: UNTAGGED,
        lambda policy, event: published.append(event.generation),
        box.clock,
        presets=Presets(lambda preset, name, maker, services: Ruling(maker != "Samsung"), lambda: makers),
    )
    service.devices_changed()
    assert published == [], "without a preset nobody asks who made a device"
    await service.add_rule(BLOCK, preset("calm"), made_by="dashboard")
    assert service.policy.decide("log.samsung.example", TV).blocked
    makers[TV] = "Samsung"
    service.devices_changed()
    assert not service.policy.decide("log.samsung.example", TV).blocked
    assert published == [2, 3]


@story
async def test_explain_follows_where_a_name_leads(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    assert not box.service.explain("shop.example").verdict.blocked
    verdict = box.service.explain("shop.example", targets=("edge.example", "ads.example")).verdict
    assert (verdict.blocked, verdict.via) == (True, "ads.example")


@story
async def test_what_was_decided_about_a_device_follows_it_to_its_new_id(box: Box) -> None:
    old = "ip:10.42.0.7"
    ads = await box.service.add_rule(BLOCK, ADS, device=old, made_by="dashboard")
    calm = await box.service.add_rule(BLOCK, preset("calm"), device=old, made_by="dashboard")
    everyone = await box.service.add_rule(BLOCK, Scope(ScopeKind.NAME, "b.example"), made_by="dashboard")
    box.published.clear()
    await box.service.move_device(old, TV)
    moved = (replace(ads, device=TV), replace(calm, device=TV))
    assert box.service.rules() == (*moved, everyone)
    assert box.blocked("ads.example", TV)
    assert not box.blocked("ads.example", old)
    assert box.service.policy.preset_of(TV) == moved[1]
    assert [event.rule for _, event in box.published] == list(moved)
    assert box.service.devices_with_rules() == {TV}
    assert box.start().rules() == (*moved, everyone)


@story
async def test_of_two_decisions_about_one_device_the_younger_one_stays(box: Box) -> None:
    old = "ip:10.42.0.7"
    first = await box.service.add_rule(BLOCK, ADS, device=old, made_by="dashboard")
    second = await box.service.add_rule(ALLOW, ADS, device=TV, made_by="dashboard")
    await box.service.move_device(old, TV)
    assert box.service.rules() == (second,)
    assert box.published[-1][1] == PolicyChanged(box.service.policy.generation, replace(first, device=TV), True)


@story
async def test_a_device_without_rules_moves_without_a_word(box: Box) -> None:
    await box.service.add_rule(BLOCK, ADS, made_by="dashboard")
    before = box.service.book
    box.published.clear()
    await box.service.move_device("ip:10.42.0.7", TV)
    assert (box.service.book, box.published) == (before, [])
