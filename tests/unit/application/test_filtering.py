"""Whether names are blocked, asked over DNS of a real resolver."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import pytest

from gateway.application.filtering import ask_effect
from gateway.model.effect import PROBE, Effect
from gateway.settings import Endpoint
from tests.support.client import ask
from tests.support.ports import free_port
from tests.support.serving import Serving, rules


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    with Serving(policy=rules()) as running:
        yield running


def where(serving: Serving) -> list[Endpoint]:
    return [Endpoint(*serving.server)]


@pytest.mark.parametrize("effect", list(Effect))
def test_what_the_policy_does_is_what_dns_says_at_once(serving: Serving, effect: Effect) -> None:
    serving.call(serving.resolver.swap_policy, dataclasses.replace(rules(), effect=effect))
    assert ask_effect(where(serving)) is effect
    assert ask_effect(where(serving)) is effect


@pytest.mark.parametrize("tcp", [False, True])
def test_it_is_a_txt_record_that_nobody_keeps_and_no_history_has(serving: Serving, tcp: bool) -> None:
    before = len(serving.log)
    answer = ask(PROBE.upper(), "TXT", server=serving.server, tcp=tcp, edns=1232)
    [rrset] = answer.answer
    assert (rrset.ttl, len(rrset)) == (0, 1)
    assert rrset[0].strings[0].decode() in {each.value for each in Effect}
    assert ask(PROBE, "A", server=serving.server, tcp=tcp).answer == []
    assert len(serving.log) == before
    assert serving.resolver.counters()["memo_entries"] == 0


def test_one_address_that_answers_is_enough(serving: Serving) -> None:
    dead = Endpoint("127.0.0.1", free_port())
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with silent:
        silent.bind(("127.0.0.1", 0))
        quiet = Endpoint(*silent.getsockname())
        assert ask_effect([dead, quiet, Endpoint("0.0.0.0", serving.port)]) is not None
        assert ask_effect([dead, quiet], patience=0.1) is None
    assert ask_effect([dead]) is None
    assert ask_effect([]) is None


def test_no_address_of_this_machine_is_no_answer() -> None:
    assert ask_effect([Endpoint("2001:db8::1", 53), Endpoint("255.255.255.255", 53)], patience=0.05) is None


def test_a_first_datagram_that_is_lost_is_sent_again() -> None:
    with scripted([None, Effect.PAUSED.value]) as (place, _):
        assert ask_effect([place], patience=60.0) is Effect.PAUSED


@pytest.mark.parametrize("wrong", ["", "perhaps", "BLOCKS", "é", "x" * 200])
def test_another_resolver_s_answer_is_none(wrong: str) -> None:
    with scripted([wrong] * 3) as (place, seen):
        assert ask_effect([place], patience=0.2) is None
        assert seen


@pytest.mark.parametrize("cut", [0, 1, 11, 12, 30, 60, -1])
def test_scraps_are_no_answer(cut: int) -> None:
    with scripted([Effect.BLOCKS.value] * 3, cut=cut) as (place, seen):
        assert ask_effect([place], patience=0.2) is None
        assert seen


def test_an_answer_to_another_question_is_none() -> None:
    with scripted([Effect.BLOCKS.value] * 3, other_id=True) as (place, seen):
        assert ask_effect([place], patience=0.2) is None
        assert seen


@contextmanager
def scripted(
    texts: list[str | None], cut: int | None = None, other_id: bool = False
) -> Iterator[tuple[Endpoint, list[bytes]]]:
    """A server that gives each query the next of these TXT records, None for silence; and what it was asked."""
    seen: list[bytes] = []
    left = iter(texts)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            wire, sender = server.recvfrom(4096)
            if not wire:
                return
            seen.append(wire)
            text = next(left, None)
            if text is None:
                continue
            data = text.encode()
            record = b"\xc0\x0c\0\x10\0\1\0\0\0\0" + (len(data) + 1).to_bytes(2) + bytes((len(data),)) + data
            number = bytes((wire[0] ^ other_id, wire[1]))
            answer = number + b"\x81\x80\0\1\0\1\0\0\0\0" + wire[12:] + record
            dns.message.from_wire(answer)
            server.sendto(answer[:cut], sender)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Endpoint(*server.getsockname()), seen
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", server.getsockname())
        thread.join()
        server.close()
