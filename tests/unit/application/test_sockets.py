"""Sockets are bound, or handed down; what cannot be had is a sentence."""

from __future__ import annotations

import os
import socket

import pytest

from gateway.application import sockets
from gateway.application.sockets import (
    adopt_sockets,
    bind_dns,
    bind_web,
    inherited_sockets,
    sort_dns,
)
from gateway.errors import SettingsError
from gateway.settings import Endpoint


def test_udp_and_tcp_share_a_free_port() -> None:
    bound = bind_dns((Endpoint("127.0.0.1", 0), Endpoint("::1", 0)))
    try:
        assert [each.getsockname()[:2] for each in bound.udp] == [each.getsockname()[:2] for each in bound.tcp]
        assert [str(address).rpartition(":")[0] for address in bound.addresses()] == ["127.0.0.1", "[::1]"]
    finally:
        for each in (*bound.udp, *bound.tcp):
            each.close()


def test_more_processes_get_sockets_of_their_own_on_the_same_address() -> None:
    bound = bind_dns((Endpoint("127.0.0.1", 0), Endpoint("::1", 0)), processes=3)
    everything = (*bound.udp, *bound.tcp, *bound.more[0], *bound.more[1])
    try:
        addresses = [each.getsockname()[:2] for each in bound.udp]
        assert [[each.getsockname()[:2] for each in group] for group in bound.more] == [addresses, addresses]
        assert len(set(bound.fds())) == 8
        # However they arrive, those of one address are dealt out to different processes.
        sorted_out = sort_dns((bound.more[0][0], bound.more[0][1], *bound.tcp, *bound.udp, *reversed(bound.more[1])))
        for group in (sorted_out.udp, *sorted_out.more):
            assert sorted(each.getsockname()[:2] for each in group) == sorted(addresses)
        assert sorted_out.tcp == bound.tcp
        with pytest.raises(SettingsError, match="Something else already listens"):
            bind_dns((bound.addresses()[0],), processes=2)
    finally:
        for each in everything:
            each.close()


def test_a_free_port_is_free_for_udp_and_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel only looks whether it is free for UDP; here every other one is somebody's for TCP."""
    real, tries = sockets._bind, iter(range(100))

    def bind(address: Endpoint, kind: int, **how: bool) -> socket.socket:
        if kind == socket.SOCK_STREAM and next(tries) < 3:
            raise SettingsError("Something else already listens there.")
        return real(address, kind, **how)

    monkeypatch.setattr(sockets, "_bind", bind)
    before = len(os.listdir("/proc/self/fd"))
    bound = bind_dns((Endpoint("127.0.0.1", 0),))
    assert bound.udp[0].getsockname() == bound.tcp[0].getsockname()
    assert len(os.listdir("/proc/self/fd")) == before + 2, "those that were of no use are closed"
    for each in (*bound.udp, *bound.tcp):
        each.close()


def test_a_taken_port_is_a_sentence_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(SettingsError, match="Something else already listens"):
            bind_dns((Endpoint("127.0.0.1", port),))
        with pytest.raises(SettingsError, match="Something else already listens"):
            bind_web(Endpoint("127.0.0.1", port))
        assert len(os.listdir("/proc/self/fd")) == before


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1 is not an address of this machine"):
        bind_dns((Endpoint("192.0.2.1", 5335),))


def test_handed_down_sockets_are_distinguished() -> None:
    bound = bind_dns((Endpoint("127.0.0.1", 0),))
    copies = [os.dup(fd) for fd in bound.fds()]
    adopted = sort_dns(adopt_sockets(copies))
    try:
        assert [each.type for each in adopted.udp] == [socket.SOCK_DGRAM]
        assert [each.type for each in adopted.tcp] == [socket.SOCK_STREAM]
        assert not any(os.get_inheritable(fd) for fd in copies)
    finally:
        for each in (*bound.udp, *bound.tcp, *adopted.udp, *adopted.tcp):
            each.close()


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    assert inherited_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "2"}) == ()
    assert inherited_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"}) == ()
    assert inherited_sockets({}) == ()
