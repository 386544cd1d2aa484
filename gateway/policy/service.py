"""A person's click: stored first, then in force, then reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.errors import Refused, SettingsError
from gateway.model.book import Book, Subscription
from gateway.model.event import PolicyChanged
from gateway.model.listed import ListMatch, Lists
from gateway.model.policy import Policy
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import Tag
from gateway.model.verdict import Action, Reason, Verdict
from gateway.policy import validation
from gateway.policy.book_keeper import BookKeeper
from gateway.policy.presets import Presets
from gateway.policy.snapshot import Snapshot
from gateway.policy.steady_clock import SteadyClock, TimeOfDay
from gateway.schema.texts import MAX_SECONDS


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why: the verdict, every rule that speaks of the name and every list entry that does, those that decide first."""

    verdict: Verdict
    rules: tuple[Rule, ...]
    lists: tuple[ListMatch, ...]


class PolicyService:
    """Owns the book and the snapshot in force. For one event loop; only writing happens in a thread.

    `problems` are sentences about what could not be read at the start or written last; none of them is fatal.
    """

    def __init__(
        self,
        keeper: BookKeeper,
        compiled: Lists,
        tag_of: Callable[[str], Tag],
        on_change: Callable[[Policy, PolicyChanged], None] = lambda policy, event: None,
        now: TimeOfDay | None = None,
        *,
        presets: Presets = Presets(),  # noqa: B008 - frozen
    ) -> None:
        self._compiled = compiled
        self._tag_of, self._on_change, self._now = tag_of, on_change, now or SteadyClock()
        self._presets = presets
        self._lock = asyncio.Lock()
        self._writes: set[asyncio.Task[None]] = set()
        self._keeper = keeper
        self._expiry_problem = ""
        self._book = _bounded(self._keeper.load(self._now()), self._now())
        self._generation = 0
        self._snapshot = self._next_snapshot()

    @property
    def book(self) -> Book:
        return self._book

    @property
    def policy(self) -> Snapshot:
        """The snapshot in force."""
        return self._snapshot

    @property
    def problems(self) -> list[str]:
        return [*self._keeper.problems, *filter(None, (self._expiry_problem,))]

    @property
    def has_whole_file(self) -> bool:
        """Whether the book could be read from its file at the start, and not from the copy only."""
        return self._keeper.whole_file

    @property
    def listed_names(self) -> int:
        """How many different names and patterns the lists in force have together."""
        return len(self._compiled)

    @property
    def blocks(self) -> bool:
        """Whether any rule, preset or list is there that could block something."""
        return self._snapshot.blocks

    def rules(self) -> tuple[Rule, ...]:
        """The rules in force, in the order they were made."""
        return self._snapshot.rules

    def is_due(self) -> bool:
        """Whether `expire` has something to do by now."""
        ending = self._snapshot.next_end
        return bool(self._now.step()) or (ending is not None and ending <= self._now())

    async def add_rule(
        self,
        action: Action,
        scope: Scope,
        *,
        device: str | None = None,
        seconds: float | None = None,
        made_by: str,
        comment: str = "",
    ) -> Rule:
        """Stores a rule and puts it in force; a contradictory older one goes. Raises Refused, or SettingsError when it
        could not be stored anywhere; then nothing has changed.

        A rule with an end lies over one without, which is in force again afterwards.
        """
        now = self._now()
        scope = validation.scope_of(scope)
        rule = Rule(
            validation.action_on(scope, action),
            scope,
            now,
            validation.maker_of(made_by),
            validation.device_of(device),
            validation.end_of(seconds, now),
            validation.comment_of(comment),
        )
        async with self._lock:
            book = self._book
            rule = replace(rule, id=book.next_id)
            kept = tuple(old for old in book.rules if not (old.is_over(now) or rule.replaces(old)))
            if len(kept) >= validation.MAX_RULES:
                raise Refused("rules.rules-already-remove", max_rules=validation.MAX_RULES)
            await self._commit(replace(book, next_id=rule.id + 1, rules=(*kept, rule)), (rule, False))
        return rule

    async def remove_rule(self, rule_id: int) -> Rule:
        """Raises Refused when there is no such rule."""
        async with self._lock:
            found = next((rule for rule in self._book.rules if rule.id == rule_id), None)
            if found is None:
                raise Refused("rules.no-such-rule", "id")
            kept = tuple(rule for rule in self._book.rules if rule is not found)
            await self._commit(replace(self._book, rules=kept), (found, True))
        return found

    async def pause(
        self, device: str | None = None, seconds: float | None = None, *, made_by: str = "dashboard"
    ) -> Rule | None:
        """Allows everything for a while (None: until it is ended); 0 seconds end the pause and answer None."""
        if seconds != 0 or isinstance(seconds, bool):
            scope = Scope(ScopeKind.EVERYTHING)
            return await self.add_rule(Action.ALLOW, scope, device=device, seconds=seconds, made_by=made_by)
        device = validation.device_of(device)
        async with self._lock:
            over = [rule for rule in self._book.rules if rule.device == device and _is_pause(rule)]
            if over:
                kept = tuple(rule for rule in self._book.rules if rule not in over)
                await self._commit(replace(self._book, rules=kept), *((rule, True) for rule in over))
        return None

    async def move_device(self, old: str, new: str) -> None:
        """A device goes by another id from now on: what people decided about it goes along. Raises SettingsError.

        Where both ids had a decision about the same, the younger one stays.
        """
        async with self._lock:
            book = self._book
            moved = tuple(replace(rule, device=new) for rule in book.rules if rule.device == old)
            if not moved or old == new:
                return
            had = tuple(rule for rule in book.rules if rule.device == new)
            both = sorted((*had, *moved), key=lambda rule: rule.id)
            over = {
                before.id for at, before in enumerate(both) if any(after.replaces(before) for after in both[at + 1 :])
            }
            following = {rule.id: rule for rule in moved}
            kept = tuple(following.get(rule.id, rule) for rule in book.rules if rule.id not in over)
            changes = [(rule, rule.id in over) for rule in both if rule.id in over or rule.id in following]
            await self._commit(replace(book, rules=kept), *changes)

    def devices_with_rules(self) -> frozenset[str]:
        """The ids of devices that somebody decided something about. Callable from any thread."""
        return frozenset(rule.device for rule in self._book.rules if rule.device is not None)

    def journal_is_open(self) -> None:
        """Its copy of the book is written, where it lags behind."""
        self._keeper.catch_up()

    async def settle(self) -> None:
        """Returns when the journal's copy of the book is written, or has failed, or is busy for too long."""
        await self._keeper.settle()

    async def expire(self) -> tuple[Rule, ...]:
        """Takes the rules that are over out of force and out of the book; answers which.

        Where the machine's clock was set, what ends some time ends in as many seconds as before.
        """
        async with self._lock:
            step = self._now.step()
            self._now.follow()
            now, rules = self._now(), tuple(_moved(rule, step) for rule in self._book.rules)
            over = tuple(rule for rule in rules if rule.is_over(now))
            if over or rules != self._book.rules:
                kept = tuple(rule for rule in rules if not rule.is_over(now))
                book = replace(self._book, revision=self._book.revision + 1, rules=kept)
                self._swap(book, *((rule, True) for rule in over))
                try:
                    await self._keeper.write(book)
                    self._expiry_problem = ""
                except SettingsError as error:
                    self._expiry_problem = str(error)
        return over

    async def add_list(
        self, source: str, *, title: str = "", action: Action = Action.BLOCK, comment: str = ""
    ) -> Subscription:
        """Subscribes to a list; it is in force once it was fetched and compiled. Raises Refused, SettingsError."""
        added = Subscription(
            0,
            validation.source_of(source),
            validation.title_of(title),
            validation.action_of(action),
            self._now(),
            comment=validation.comment_of(comment),
        )
        async with self._lock:
            book = self._book
            if any(each.source == added.source for each in book.lists):
                raise Refused("rules.subscribed-list-already", "source")
            if len(book.lists) >= validation.MAX_LISTS:
                raise Refused("rules.lists-already-remove", max_lists=validation.MAX_LISTS)
            added = replace(added, id=book.next_id)
            await self._commit(replace(book, next_id=added.id + 1, lists=(*book.lists, added)))
        return added

    async def remove_list(self, list_id: int) -> Subscription:
        """Ends a subscription; its names are out of force once the lists are compiled again. Raises Refused."""
        async with self._lock:
            found = next((each for each in self._book.lists if each.id == list_id), None)
            if found is None:
                raise Refused("rules.no-such-list", "id")
            kept = tuple(each for each in self._book.lists if each is not found)
            await self._commit(replace(self._book, lists=kept))
        return found

    def swap_lists(self, compiled: Lists) -> None:
        """Puts newly compiled lists in force."""
        self._compiled = compiled
        self._swap(self._book)

    def devices_changed(self) -> None:
        """A device's maker is known now, or another one: a preset may see its names differently."""
        if any(rule.scope.kind is ScopeKind.PRESET for rule in self.rules()):
            self._swap(self._book)

    def explain(self, name: str, device: str | None = None, qtype: int = 1, targets: Iterable[str] = ()) -> Explanation:
        """`targets` are where the name's answer led to lately. Raises Refused for what is no name."""
        name = validation.name_of(name)
        snapshot = self._snapshot
        verdict = snapshot.foresee(name, device, qtype)
        if verdict.reason is Reason.NOTHING:
            hidden = (snapshot.foresee(target, device, qtype, is_target=True) for target in targets)
            verdict = next((each for each in hidden if verdict.stops_at(each)), verdict)
        return Explanation(
            verdict,
            snapshot.rules_on(name, device),
            self._compiled.lists_naming(name, qtype),
        )

    def _next_snapshot(self) -> Snapshot:
        self._generation += 1
        return Snapshot(
            self._book.rules,
            self._compiled,
            self._tag_of,
            self._generation,
            self._now(),
            presets=self._presets,
        )

    def _swap(self, book: Book, *changes: tuple[Rule, bool]) -> None:
        self._book = book
        self._snapshot = self._next_snapshot()
        for rule, removed in changes or ((None, False),):
            self._on_change(self._snapshot, PolicyChanged(self._generation, rule, removed))

    async def _commit(self, book: Book, *changes: tuple[Rule, bool]) -> None:
        """Stored, then in force; also when the one who asked has gone away meanwhile."""
        book = replace(book, revision=self._book.revision + 1)

        async def store_and_swap() -> None:
            await self._keeper.write(book)
            self._expiry_problem = ""
            self._swap(book, *changes)

        task = asyncio.create_task(store_and_swap())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            task.exception()
            raise


def _moved(rule: Rule, step: timedelta) -> Rule:
    """Its end and its beginning together: how long it was made for is known by both."""
    return rule if rule.ends is None or not step else replace(rule, made=rule.made + step, ends=rule.ends + step)


def _bounded(book: Book, now: datetime) -> Book:
    """What was read back: nothing ends later than if it were made now, whatever the clock showed when it was."""
    rules = []
    for rule in book.rules:
        if rule.ends is not None:
            whole = min(rule.ends - rule.made, timedelta(seconds=MAX_SECONDS))
            if rule.ends - now > whole:
                rules.append(replace(rule, made=now, ends=now + whole))
                continue
        rules.append(rule)
    return replace(book, rules=tuple(rules))


def _is_pause(rule: Rule) -> bool:
    return rule.scope.kind is ScopeKind.EVERYTHING and rule.action is Action.ALLOW
