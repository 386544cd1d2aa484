from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

import gateway.application.worker as workers
from gateway.application.worker import Asking, SharedUsage, Worker
from gateway.application.workers import WorkerPool
from gateway.model.book import Book
from gateway.model.name import Name
from gateway.policy.book_file import encode_book
from gateway.policy.usage import Usage
from gateway.settings import Settings
from tests.support.waiting import wait_until

LONGEST = Name.from_labels([b"\x01" * 63] * 3 + [b"\x01" * 61]).text
SIGNS = {"app.player.example": ("Player", True), "idle.player.example": ("Player", False), LONGEST: ("Player", True)}
TV, PHONE = "mac:aa:bb:cc:dd:ee:ff", "mac:11:22:33:44:55:66"


class Resolver:
    """The other end: answers as the resolver does, or is too busy to."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._know = self.know
        self.heard: list[Any] = []
        self.usage = Usage(SIGNS.get)
        self.busy = False
        self.ready = threading.Event()
        self.ready.set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def know(self, question: list[Any]) -> Any:
        self.heard.append(question)
        if question[2] is not None:
            self.usage.note(*question[1:])
        return self.usage.services(question[1])

    def _serve(self) -> None:
        while self._asked.recv(1, socket.MSG_PEEK):
            if self.busy:
                self._asked.recv(1)
            else:
                self.ready.wait()
                WorkerPool._answer(cast(WorkerPool, self), self._asked)

    def end(self) -> None:
        self._asked.shutdown(socket.SHUT_RDWR)
        self._thread.join()


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Resolver, Asking]]:
    monkeypatch.setattr(workers, "_PATIENCE", 0.2)
    asked, asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asked, asking:
        resolver = Resolver(asked)
        yield resolver, Asking(asking)
        resolver.end()


def test_a_use_of_which_the_resolver_did_not_hear_is_said_again(
    resolver: tuple[Resolver, Asking], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, asking = resolver
    usage = SharedUsage(SIGNS.get, asking)
    other.busy = True
    assert usage.note(TV, "app.player.example")
    assert usage.of(TV) == {"Player"}
    assert (other.heard, asking.unanswered) == ([], 1)
    other.busy = False
    usage.sweep()
    assert not usage.refresh(PHONE)
    assert (other.heard, asking.unanswered) == ([], 1), "who is busy is left alone for a moment"
    monkeypatch.setattr(asking, "_spared_until", 0.0)
    usage.sweep()
    usage.sweep()
    assert other.heard == [["services", TV, "app.player.example"]]


def test_an_answer_that_comes_too_late_is_none_to_the_next_question(resolver: tuple[Resolver, Asking]) -> None:
    other, asking = resolver
    other.ready.clear()
    assert asking.services_of(TV) == []
    assert asking.unanswered == 1
    other.ready.set()
    wait_until(lambda: len(other.heard) == 1)
    other.usage.note(TV, "app.player.example")
    assert asking.services_of(TV) == [("Player", True)]


def test_a_name_however_it_is_spelled_can_be_asked_about(resolver: tuple[Resolver, Asking]) -> None:
    other, asking = resolver
    assert len(json.dumps(LONGEST)) > 1_200
    assert asking.services_of(TV, LONGEST) == [("Player", True)]
    assert other.heard == [["services", TV, LONGEST]]


def test_what_begins_with_a_moment_lasts_for_every_worker_once_the_app_is_used(
    resolver: tuple[Resolver, Asking],
) -> None:
    other, asking = resolver
    one, another = SharedUsage(SIGNS.get, asking), SharedUsage(SIGNS.get, asking)
    assert one.note(TV, "idle.player.example")
    assert another.refresh(TV)
    assert one.services(TV) == another.services(TV) == other.usage.services(TV) == [("Player", False)]
    assert one.note(TV, "app.player.example")
    assert not another.refresh(TV), "nothing more is in use"
    assert one.services(TV) == another.services(TV) == other.usage.services(TV) == [("Player", True)]


def test_orders_that_come_while_it_begins_are_there_before_it_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    happened: list[str] = []

    class Answering:
        policy = None

        async def start(self, *_: object) -> None:
            happened.append("it answers")

    async def story() -> None:
        worker = Worker(Settings(data=tmp_path), (), cast(Asking, None))
        monkeypatch.setattr(worker._classifier, "get_ready", lambda: happened.append("it knows owners"))
        monkeypatch.setattr(worker, "_build", lambda snapshot: cast(Any, Answering()))
        await worker.obey(
            {"lists": 0, "book": encode_book(Book(1)).decode(), "makers": {}, "names": None, "clients": 0, "serial": 1}
        )
        await worker.begin()

    monkeypatch.setattr(workers, "names_from_json", lambda _: None)
    monkeypatch.setattr(Answering, "name_devices", lambda *_: None, raising=False)
    monkeypatch.setattr(Answering, "forget_clients", lambda *_: None, raising=False)
    asyncio.run(story())
    assert happened == ["it knows owners", "it answers"]
