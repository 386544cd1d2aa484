"""Ports that are chosen now and used later."""

from __future__ import annotations

import socket

import pytest

from tests.support.ports import bind_pair, free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_udp_and_tcp_share_the_port_and_nobody_else_gets_it(host: str) -> None:
    udp, tcp = bind_pair(host)
    with udp, tcp:
        tcp.listen(1)
        port = udp.getsockname()[1]
        assert tcp.getsockname()[1] == port
        with pytest.raises(OSError, match="in use"):
            bind_pair(host, port)
    again = bind_pair(host, port)
    for each in again:
        each.close()


def test_no_outgoing_connection_ever_takes_the_port() -> None:
    """Who knocks at a port where nobody listens yet would, in the ephemeral range, meet himself before long."""
    port = free_port()
    for _ in range(300):
        with socket.socket() as knocking:
            assert knocking.connect_ex(("127.0.0.1", port)) != 0
    assert port < 32_768
