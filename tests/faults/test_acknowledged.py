"""What was acknowledged is stored: the power is cut right after each kind of click, and the disk is looked at as it
comes back. Where it cannot be stored, one sentence refuses it, and nothing of it is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.application.core import Core
from gateway.application.network_client import NetworkClient
from gateway.commands.archive import restore_backup, write_backup
from gateway.errors import SettingsError
from gateway.journal.stores import BookStore, load_devices
from gateway.lists.held import copy_path, held_path
from gateway.model.book import Book
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.book_file import load_book, save_book
from gateway.schema.requests import NetworkIsolate, NetworkPause
from gateway.settings import Settings
from tests.support.box import RunningBox
from tests.support.client import ask
from tests.support.disk import Disk, disk, family_of
from tests.support.list_server import ListServer
from tests.support.promise import operations
from tests.support.raw_http import Answer, post
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until
from tests.unit.application import test_network_client as scripted
from web.auth import AuthStore
from web.sessions import COOKIE, Sessions

pytestmark = pytest.mark.integration

DEVICE = "ip:127.0.0.1"
FIRST, SECOND = "correct horse", "battery staple"
MANY = "".join(f"||n{n}.example.com^\n" for n in range(2_000))
FEW = "||only.example.com^\n"
NOT_STORED = {
    "refreshLists": "it answers 202: it has begun, and begins anew after a restart",
}
"""Operations that change nothing which has to last, and why."""
WITH_A_NETWORK = {"setIsolation": "test_a_paused_device_stays_paused_and_others_apart_after_a_power_cut"}
"""Operations that need a box which makes the televisions' network, and the test that cuts their power."""


@dataclass
class Home:
    """A box on a disk of its own, and somebody who clicks."""

    disk: Disk
    box: RunningBox
    lists: ListServer
    cookie: str = ""

    def click(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self.box.request(method, path, body)
        assert status < 300, said
        return said

    def enter(self, path: str, **fields: str) -> Answer:
        """A form, as a browser sends it."""
        answer = post(self.box.web, path, fields, None, **({"Cookie": self.cookie} if self.cookie else {}))
        for cookie in answer.cookies:
            if cookie.startswith(f"{COOKIE}="):
                self.cookie = cookie
        return answer

    def type(self, *words: str) -> str:
        """On the command line."""
        command = [sys.executable, "-m", "gateway.cli", *words, "--data", str(self.box.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def cut(self, name: str) -> None:
        self.disk.cut(name, family_of(self.box.process.pid))

    def says(self) -> list[Any]:
        """What the dashboard shows of all that people decided."""
        rules, lists = (self.box.get(f"/api/v1/{kind}")[1][kind] for kind in ("rules", "lists"))
        names = [each["name"] for each in self.box.get("/api/v1/devices")[1]["devices"]]
        return [rules, [each["source"] for each in lists], names]

    def id_of(self, kind: str, **wanted: Any) -> int:
        found = self.box.get(f"/api/v1/{kind}")[1][kind]
        return int(next(each["id"] for each in found if wanted.items() <= each.items()))


@dataclass(frozen=True)
class Click:
    """`covers` are the operations of the API that it is one of; `seen` looks at the disk after the cut."""

    name: str
    covers: str
    do: Callable[[Home], object]
    seen: Callable[[Path], bool]


@dataclass(frozen=True)
class Reading:
    """A journal that nobody writes."""

    path: Path

    def run(self, fn: object, *, lasts: bool = False) -> Any:
        raise NotImplementedError


def in_journal(data: Path) -> Book:
    if not (data / "journal.sqlite").exists():
        return Book()
    return BookStore(Reading(data / "journal.sqlite")).load() or Book()


def book(data: Path) -> Book:
    """The newer copy is the true one."""
    return max((load_book(data / "policy.json") or Book(), in_journal(data)), key=lambda book: book.revision)


def has_rule(scope: Scope, device: str | None = None) -> Callable[[Path], bool]:
    return lambda data: any((rule.scope, rule.device) == (scope, device) for rule in book(data).rules)


def lacks(seen: Callable[[Path], bool]) -> Callable[[Path], bool]:
    return lambda data: not seen(data)


def has_list(source: str) -> Callable[[Path], bool]:
    return lambda data: any(each.source == source for each in book(data).lists)


def keys(data: Path) -> AuthStore:
    return AuthStore(data / "web.json")


def is_password(typed: str) -> Callable[[Path], bool]:
    return lambda data: keys(data).is_password(typed)


def is_called(name: str) -> Callable[[Path], bool]:
    return lambda data: [each.name for each in load_devices(data / "journal.sqlite") if each.id == DEVICE] == [name]


def has_token(data: Path) -> bool:
    return "spare" in [token.label for token in keys(data).tokens()]


def take_token_back(home: Home) -> None:
    line = next(line for line in home.type("token", "ls").splitlines() if "spare" in line)
    home.type("token", "rm", line.split()[0])


def set_up(home: Home) -> None:
    code = json.loads((home.disk.root / "web.json").read_text())["code"]["text"]
    assert home.enter("/setup", code=code, password=FIRST, again=FIRST).status == 303


def log_out(home: Home) -> None:
    assert home.enter("/login", password=SECOND).status == 303
    (home.disk.root.parent / "cookie").write_text(home.cookie.partition("=")[2])
    assert home.enter("/logout").status == 303


def is_logged_out(data: Path) -> bool:
    cookie = (data.parent / "cookie").read_text()
    ended = json.loads((data / "web.json").read_text())["ended"]
    return len(ended) == 1 and Sessions(keys(data)).read(cookie) is None


def shrink(home: Home) -> None:
    home.lists.publish(FEW)
    home.click("POST", "/api/v1/lists/refresh")
    wait_until(lambda: [each for each in home.box.get("/api/v1/lists")[1]["lists"] if each["shrinking"]])
    home.click("POST", f"/api/v1/lists/{home.id_of('lists', source=home.lists.url)}/accept")


def is_taken(data: Path) -> bool:
    [found] = [each.id for each in book(data).lists if each.source.startswith("http://127.0.0.1")]
    return copy_path(data / "lists", found).read_text() == FEW and not held_path(data / "lists", found).exists()


BLOCKED, PAUSED = Scope(ScopeKind.NAME, "ads.example.com"), Scope(ScopeKind.EVERYTHING)
QUIET = Scope(ScopeKind.PRESET, "quiet")
ADDED = "https://lists.example.org/more.txt"
CLICKS = [
    Click("the first password", "", set_up, is_password(FIRST)),
    Click("a token", "", lambda home: home.type("token", "--label", "spare"), has_token),
    Click("a token taken back", "", take_token_back, lacks(has_token)),
    Click(
        "a rule",
        "addRule",
        lambda home: home.click("POST", "/api/v1/rules", {"action": "block", "name": "ads.example.com"}),
        has_rule(BLOCKED),
    ),
    Click(
        "a rule taken back",
        "removeRule",
        lambda home: home.click("DELETE", f"/api/v1/rules/{home.id_of('rules', name='ads.example.com')}"),
        lacks(has_rule(BLOCKED)),
    ),
    Click(
        "a preset",
        "addRule",
        lambda home: home.click(
            "POST", "/api/v1/rules", {"action": "block", "preset": "quiet", "device": DEVICE, "seconds": 3600}
        ),
        has_rule(QUIET, DEVICE),
    ),
    Click("a pause", "pause", lambda home: home.click("POST", "/api/v1/pause", {"seconds": 300}), has_rule(PAUSED)),
    Click(
        "a pause that is ended",
        "pause",
        lambda home: home.click("POST", "/api/v1/pause", {"seconds": 0}),
        lacks(has_rule(PAUSED)),
    ),
    Click(
        "a device's name",
        "changeDevice",
        lambda home: home.click("PATCH", f"/api/v1/devices/{DEVICE}", {"name": "Bedroom"}),
        is_called("Bedroom"),
    ),
    Click(
        "a list",
        "addList",
        lambda home: home.click("POST", "/api/v1/lists", {"url": ADDED}),
        has_list(ADDED),
    ),
    Click(
        "a list taken back",
        "removeList",
        lambda home: home.click("DELETE", f"/api/v1/lists/{home.id_of('lists', source=ADDED)}"),
        lacks(has_list(ADDED)),
    ),
    Click("a shrunken list that is taken", "acceptList", shrink, is_taken),
    Click(
        "another password",
        "changePassword",
        lambda home: home.click("POST", "/api/v1/password", {"old": FIRST, "new": SECOND}),
        is_password(SECOND),
    ),
    Click("a logout", "", log_out, is_logged_out),
]


@contextmanager
def lived_in(folder: Path, expects: tuple[str, ...] = ()) -> Iterator[Home]:
    with disk(folder) as made, ListServer(MANY) as lists, Upstream({"example.com": ["60 A 198.51.100.9"]}) as upstream:
        (made.root / "settings.toml").write_text("[lists]\nprivate_addresses = true\n")
        with RunningBox(made.root, ["--upstream", upstream.url, "--list", lists.url], expects=expects) as box:
            ask("example.com", server=box.dns)
            wait_until(lambda: [each for each in box.get("/api/v1/devices")[1]["devices"] if each["id"] == DEVICE])
            wait_until(lambda: [each for each in box.get("/api/v1/lists")[1]["lists"] if each["entries"] == 2_000])
            yield Home(made, box, lists)


@pytest.fixture(scope="module")
def after_each_click(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with lived_in(tmp_path_factory.mktemp("clicks"), expects=("more.txt",)) as home:
        for click in CLICKS:
            click.do(home)
            home.cut(click.name)
        yield home.disk


@pytest.mark.parametrize("click", CLICKS, ids=lambda click: click.name)
def test_a_power_cut_right_after_a_click_takes_nothing(after_each_click: Disk, click: Click) -> None:
    with after_each_click.after(click.name) as data:
        assert click.seen(data)


def test_a_power_cut_takes_what_nobody_asked_to_be_stored(after_each_click: Disk) -> None:
    """Else these tests could not fail."""

    def lost(name: str) -> bool:
        with after_each_click.after(name) as data:
            unasked = data / "unasked"
            return not unasked.exists() or unasked.read_text() != name

    assert any(lost(name) for name in after_each_click.cuts)


def test_a_decision_that_only_the_journal_can_take_outlives_a_power_cut(tmp_path: Path) -> None:
    with lived_in(tmp_path, expects=("cannot be written",)) as home:
        # What has the name of the file that would be written first, and is a mount, can be neither written nor moved.
        obstacle = home.disk.root / ".policy.json.new"
        obstacle.mkdir()
        subprocess.run(["mount", "--bind", str(obstacle), str(obstacle)], check=True)
        try:
            home.click("POST", "/api/v1/rules", {"action": "block", "name": "ads.example.com"})
            home.cut("a rule")
        finally:
            subprocess.run(["umount", str(obstacle)], check=True)
        obstacle.rmdir()
    with home.disk.after("a rule") as data:
        assert BLOCKED not in [rule.scope for rule in (load_book(data / "policy.json") or Book()).rules]
        assert BLOCKED in [rule.scope for rule in in_journal(data).rules]


def test_a_paused_device_stays_paused_and_others_apart_after_a_power_cut(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, _: scripted.Network) -> None:
        core.inventory.take_lease(scripted.LEASE)
        await client.pause(NetworkPause(device=f"mac:{scripted.MAC}"))
        await client.isolate(NetworkIsolate(isolated=True))
        made.cut("paused")
        made.fill()
        with pytest.raises(SettingsError, match="This could not be stored, so nothing changed: No space left"):
            await client.pause(NetworkPause(device=f"mac:{scripted.MAC}", paused=False))
        with pytest.raises(SettingsError, match="nothing changed"):
            await client.isolate(NetworkIsolate(isolated=False))
        assert client.tell_status({})["paused"] == [scripted.MAC]
        assert client.tell_status({})["isolated"] is True
        made.make_room()
        await client.pause(NetworkPause(device=f"mac:{scripted.MAC}", paused=False))

    with disk(tmp_path) as made:
        scripted.play(made.root, story)
        with made.after("paused") as data:
            assert json.loads((data / "paused.json").read_text()) == [scripted.MAC]
            assert json.loads((data / "isolated.json").read_text()) is True
        assert json.loads((made.root / "paused.json").read_text()) == []


def test_a_backup_and_a_restore_outlive_a_power_cut(tmp_path: Path) -> None:
    # A restore leaves a part of the disk free.
    with disk(tmp_path, megabytes=160) as made:
        settings, file = Settings(data=made.root / "box"), made.root / "box.zip"
        settings.data.mkdir()
        rule = Rule(Action.BLOCK, BLOCKED, datetime(2026, 11, 23, tzinfo=UTC), "dashboard", id=1)
        save_book(settings.policy, Book(1, 2, (rule,)))
        keys(settings.data).set_first_password(FIRST)
        write_backup(settings, str(file))
        made.cut("backup")
        save_book(settings.policy, Book(2, 2))
        keys(settings.data).set_password(SECOND)
        restore_backup(settings, str(file))
        made.cut("restore")
        with made.after("backup") as root:
            restore_backup(Settings(data=root / "another"), str(root / "box.zip"))
            assert book(root / "another").rules == (rule,)
        with made.after("restore") as root:
            assert book(root / "box").rules == (rule,)
            assert is_password(FIRST)(root / "box")


def test_a_full_disk_refuses_in_one_sentence_and_nothing_is_half_done(tmp_path: Path) -> None:
    with lived_in(tmp_path, expects=("full", "No space left", "cannot be stored", "cannot be written")) as home:
        set_up(home)
        kept = home.click("POST", "/api/v1/rules", {"action": "block", "name": "kept.example.com"})["id"]
        home.disk.fill()
        refused = []
        for method, path, body, seen in on_a_full_disk(kept):
            before = home.says()
            status, said = home.box.request(method, path, body)
            home.cut(path)
            with home.disk.after(path) as data:
                # The journal may have had room left for it.
                assert seen(data) == (status < 300), (path, said)
            if status >= 300:
                refused.append((method, path, body, seen))
                assert (status, said["error"].count("so nothing changed")) == (503, 1), said
                assert home.says() == before
        assert home.enter("/login", password=FIRST).status == 303
        assert home.enter("/logout").status == 503
        assert ask("example.com", server=home.box.dns).answer, "DNS goes on"
        home.disk.make_room()
        for method, path, body, _ in refused:
            wait_until(lambda: home.box.request(method, path, body)[0] < 300, f"{method} {path}")  # noqa: B023
        home.cut("room again")
    with home.disk.after("room again") as data:
        assert [seen(data) for *_, seen in on_a_full_disk(kept)] == [True] * 5


def on_a_full_disk(rule: int) -> list[tuple[str, str, Any, Callable[[Path], bool]]]:
    kept = Scope(ScopeKind.NAME, "kept.example.com")
    return [
        ("PATCH", f"/api/v1/devices/{DEVICE}", {"name": "Bedroom"}, is_called("Bedroom")),
        ("POST", "/api/v1/rules", {"action": "block", "name": "ads.example.com"}, has_rule(BLOCKED)),
        ("DELETE", f"/api/v1/rules/{rule}", None, lacks(has_rule(kept))),
        ("POST", "/api/v1/lists", {"url": ADDED}, has_list(ADDED)),
        ("POST", "/api/v1/password", {"old": FIRST, "new": SECOND}, is_password(SECOND)),
    ]


def test_every_operation_that_changes_something_is_among_the_clicks() -> None:
    changing = {name for name, (method, _, _) in operations().items() if method != "GET"}
    assert changing - NOT_STORED.keys() - WITH_A_NETWORK.keys() == {click.covers for click in CLICKS} - {""}
    assert globals().keys() >= set(WITH_A_NETWORK.values())
