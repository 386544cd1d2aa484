from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gateway.linux import mmsg

pytestmark = pytest.mark.skipif(not mmsg.AVAILABLE, reason="this system has no recvmmsg")


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((request.param, 0))
        server.setblocking(False)
        client.settimeout(2)
        client.connect(server.getsockname()[:2])
        yield server, client


def test_many_datagrams_come_and_go_in_two_calls(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams = mmsg.Batch(server)
    assert datagrams.receive() == 0
    for n in range(10):
        client.send(bytes((n,)) * (n + 1))
    assert datagrams.receive() == 10
    assert datagrams.lengths(10) == list(range(1, 11))
    assert len(set(datagrams.keys(10))) == 1
    for n in range(10):
        at = n * mmsg.SLOT
        assert datagrams.buffer[at : at + n + 1] == bytes((n,)) * (n + 1)
        assert datagrams.sender(n)[:2] == client.getsockname()[:2]
        datagrams.buffer[at : at + 3] = b"ok" + bytes((n,))
        datagrams.reply_lengths[n] = 3
    assert datagrams.send(2, 9) == 0
    assert [client.recv(10)[2] for _ in range(7)] == list(range(2, 9))


def test_a_batch_can_be_used_again(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams = mmsg.Batch(server)
    for size in (1000, 5, mmsg.SLOT):
        client.send(b"x" * size)
        assert datagrams.receive() == 1
        assert datagrams.lengths(1) == [size]
        datagrams.reply_lengths[0] = 4
        assert datagrams.send(0, 1) == 0
        assert client.recv(100) == b"xxxx"


def test_more_than_a_slot_is_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams = mmsg.Batch(server)
    client.send(b"x" * 5000)
    client.send(b"y")
    assert datagrams.receive() == 2
    assert datagrams.lengths(2) == [mmsg.SLOT, 1]
    assert datagrams.buffer[mmsg.SLOT : mmsg.SLOT + 1] == b"y"


def test_a_reply_that_cannot_be_sent_does_not_stop_the_others(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams = mmsg.Batch(server)
    for _ in range(3):
        client.send(b"hello")
    assert datagrams.receive() == 3
    for n in range(3):
        datagrams.reply_lengths[n] = 5
    # Port 0: nothing can be sent there.
    datagrams._names[32 + 2 : 32 + 4] = b"\0\0"
    assert datagrams.send(0, 3) == 1
    assert client.recv(10) == client.recv(10) == b"hello"


def test_a_closed_socket_loses_replies_and_nothing_else(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams = mmsg.Batch(server)
    client.send(b"hello")
    assert datagrams.receive() == 1
    server.close()
    assert datagrams.receive() == 0
    assert datagrams.send(0, 1) == 1


def test_replies_leave_together_to_whoever_asked(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    datagrams, outbox = mmsg.Batch(server), mmsg.Outbox(server)
    client.send(b"question")
    assert datagrams.receive() == 1
    name = datagrams.name(0)
    assert outbox.flush() == 0
    for n in range(mmsg.SIZE):
        assert outbox.put(name, bytes((n,)) * (n + 1))
    assert not outbox.put(name, b"one too many")
    assert outbox.flush() == 0
    assert [client.recv(100) for _ in range(mmsg.SIZE)] == [bytes((n,)) * (n + 1) for n in range(mmsg.SIZE)]
    assert not outbox.put(name, b"x" * (mmsg.SLOT + 1))
    assert outbox.put(name, b"x" * mmsg.SLOT)
    assert outbox.put(bytes(len(name)), b"to nobody")
    assert outbox.put(name, b"the others arrive")
    assert outbox.flush() == 1
    assert [len(client.recv(4_096)) for _ in range(2)] == [mmsg.SLOT, 17]
