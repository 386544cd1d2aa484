from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.journal import dictionary as module
from gateway.journal.dictionary import DeviceOf, Dictionary, Known, KnownDevice, TagOf
from gateway.journal.engine import open_engine, raw_connection
from gateway.journal.preparation import prepare
from gateway.journal.schema import facts as facts_table
from gateway.journal.schema import names
from gateway.model.device import Device
from gateway.model.lookup import Facts
from gateway.model.response import Source
from gateway.model.tag import Category, Tag
from gateway.model.verdict import Action, Reason, Verdict
from tests.unit.journal.home import NOON, TELEVISION, device_of, facts, tag_of

WHEN = NOON.timestamp()


@contextmanager
def open_dictionary(folder: Path, tag: TagOf = tag_of, devices: DeviceOf = device_of) -> Iterator[Dictionary]:
    path = folder / "journal.sqlite"
    prepare(path)
    engine = open_engine(path)
    with engine.connect() as connection, connection.begin():
        yield Dictionary(raw_connection(connection).cursor(), tag=tag, device_of=devices)
    engine.dispose()


def learn(dictionary: Dictionary, asker: KnownDevice, happened: Facts) -> Known:
    dictionary.learn([(asker, happened, 0)])
    return asker.known[happened]


def stored(folder: Path, table: object) -> list[tuple[object, ...]]:
    engine = open_engine(folder / "journal.sqlite", read_only=True)
    with engine.connect() as connection:
        rows = [tuple(each) for each in connection.execute(select(table))]  # type: ignore[call-overload]
    engine.dispose()
    return rows


def test_the_same_content_in_another_object_is_known_again(tmp_path: Path) -> None:
    with open_dictionary(tmp_path) as dictionary:
        _, asker = dictionary.asker(TELEVISION, WHEN)
        first, second = facts("ads.example"), facts("ads.example")
        assert learn(dictionary, asker, first) == learn(dictionary, asker, second)
        assert asker.known[second] is asker.known[first]


def test_ids_stay_the_same_after_forgetting(tmp_path: Path) -> None:
    with open_dictionary(tmp_path) as dictionary:
        number, asker = dictionary.asker(TELEVISION, WHEN)
        known = learn(dictionary, asker, facts("ads.example"))
        dictionary.forget()
        again, asker = dictionary.asker(TELEVISION, WHEN)
        assert (again, learn(dictionary, asker, facts("ads.example"))) == (number, known)


def test_a_new_day_says_which_facts_are_still_in_use(tmp_path: Path) -> None:
    with open_dictionary(tmp_path) as dictionary:
        happened = facts("ads.example")
        for day in (10, 11):
            dictionary.set_day(day)
            _, asker = dictionary.asker(TELEVISION, WHEN)
            assert happened not in asker.known
            learn(dictionary, asker, happened)
    assert [row[-1] for row in stored(tmp_path, facts_table)] == [11]


def test_memory_is_bounded_when_every_name_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FACTS", 100)
    monkeypatch.setattr(module, "_MAX_TEXTS", 50)
    with open_dictionary(tmp_path) as dictionary:
        _, asker = dictionary.asker(TELEVISION, WHEN)
        for number in range(1000):
            dictionary.make_room()
            learn(dictionary, asker, facts(f"n{number}.example"))
            assert len(asker.known) <= 100
            assert len(asker.alike) <= 100
            assert len(dictionary._names) <= 50


def test_what_an_upstream_said_just_now_is_not_held_for_the_next_batch(tmp_path: Path) -> None:
    with open_dictionary(tmp_path) as dictionary:
        _, asker = dictionary.asker(TELEVISION, WHEN)
        fetched, kept = facts("shop.example", source=Source.UPSTREAM), facts("shop.example", source=Source.CACHE)
        known = learn(dictionary, asker, fetched)
        learn(dictionary, asker, kept)
        dictionary.make_room()
        assert list(asker.known) == [kept]
        assert learn(dictionary, asker, facts("shop.example", source=Source.UPSTREAM)) is known


def test_a_flood_of_clients_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CLIENTS", 10)
    with open_dictionary(tmp_path) as dictionary:
        for number in range(100):
            dictionary.asker(f"192.0.2.{number}", WHEN)
            assert len(dictionary._askers) <= 10
            assert len(dictionary._clients) <= 10


def test_a_name_keeps_its_owner_when_an_answer_led_elsewhere(tmp_path: Path) -> None:
    def tag(_name: str, targets: tuple[str, ...], _device: Device) -> Tag:
        if targets:
            return Tag("Hidden Tracker", Category.ANALYTICS, via=targets[0])
        return Tag("Shop", Category.CONTENT)

    with open_dictionary(tmp_path, tag) as dictionary:
        _, asker = dictionary.asker(TELEVISION, WHEN)
        learn(dictionary, asker, facts("shop.example"))
        learn(dictionary, asker, facts("shop.example", targets=("t.example",)))
        learn(dictionary, asker, facts("cloaked.example", targets=("t.example",)))
    assert [row[1:] for row in stored(tmp_path, names)] == [
        ("shop.example", "Shop", "content"),
        ("cloaked.example", "Hidden Tracker", "analytics"),
    ]


def test_better_knowledge_renames_the_owner_and_none_does_not(tmp_path: Path) -> None:
    for learnt in (Tag("Old", Category.CONTENT), Tag("New", Category.ANALYTICS), Tag()):
        with open_dictionary(tmp_path, lambda *_, learnt=learnt: learnt) as dictionary:
            _, asker = dictionary.asker(TELEVISION, WHEN)
            learn(dictionary, asker, facts("some.example"))
    assert [row[1:] for row in stored(tmp_path, names)] == [("some.example", "New", "analytics")]


def test_long_texts_of_lists_are_cut(tmp_path: Path) -> None:
    verdict = Verdict(Action.BLOCK, Reason.BLOCK_LIST, matched="x" * 5000, lists=("y" * 5000,) * 100)
    with open_dictionary(tmp_path) as dictionary:
        _, asker = dictionary.asker(TELEVISION, WHEN)
        learn(dictionary, asker, facts("ads.example", verdict))
    ((*_, matched, _rule, lists, _via, _targets, _used),) = stored(tmp_path, facts_table)
    assert len(str(matched)) == 1024
    assert len(str(lists)) < 40_000


@pytest.mark.expects_log("recorded without its tag")
@pytest.mark.expects_log("recorded without its device")
def test_a_neighbours_mistake_costs_no_lookup(tmp_path: Path) -> None:
    def fail(*_: object) -> Tag:
        raise KeyError("oops")

    def lose(*_: object) -> Device:
        raise RuntimeError("oops")

    with open_dictionary(tmp_path, fail, lose) as dictionary:
        for _ in range(3):
            _, asker = dictionary.asker(TELEVISION, WHEN)
            assert asker.device.id == f"ip:{TELEVISION}"
            assert learn(dictionary, asker, facts("ads.example")).tag == Tag()
            dictionary.forget()


def test_a_flood_of_new_names_is_learned_together_and_right(tmp_path: Path) -> None:
    """More names than one statement has places for, some of them twice, blocked and not, by two devices."""
    with open_dictionary(tmp_path) as dictionary:
        askers = [dictionary.asker(client, WHEN)[1] for client in (TELEVISION, "192.0.2.77")]
        blocked = Verdict(Action.BLOCK, Reason.BLOCK_LIST)
        news = [
            (asker, facts(f"n{number}.example", *((blocked,) if number % 3 == 0 else ())), 1_000 * number)
            for number in (*range(450), *range(20))
            for asker in askers
        ]
        dictionary.learn(news)
        together = [(asker.known[happened].stream, asker.known[happened].fact) for asker, happened, _ in news]
        dictionary.forget()
        again = [dictionary.asker(client, WHEN)[1] for client in (TELEVISION, "192.0.2.77")]
        alone = []
        for asker, happened, _ in news:
            alone.append(learn(dictionary, again[askers.index(asker)], happened)[:2])
        assert together == alone
        assert len({stream for stream, _ in together}) == 2 * 450
    assert len(stored(tmp_path, names)) == 450
