"""The sockets we answer on: bound here, or handed down by systemd or by `telltale up`."""

from __future__ import annotations

import errno
import os
import socket
from collections import Counter
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gateway.errors import SettingsError
from gateway.settings import Endpoint

_FIRST_INHERITED = 3
_RECEIVE_BUFFER = 4 << 20
_TRIES = 20


@dataclass(frozen=True, slots=True)
class DnsSockets:
    """UDP and TCP (listening) sockets for DNS; every socket is bound to one address.

    `more` are further UDP sockets on the same addresses, for one more process each (SO_REUSEPORT, socket(7)): the
    kernel deals the datagrams out to them by who sends. TCP is one lookup in thousands and needs no other process.
    """

    udp: tuple[socket.socket, ...]
    tcp: tuple[socket.socket, ...]
    more: tuple[tuple[socket.socket, ...], ...] = ()

    def fds(self) -> list[int]:
        return [each.fileno() for each in (*self.udp, *self.tcp, *chain.from_iterable(self.more))]

    def addresses(self) -> list[Endpoint]:
        return [Endpoint(*each.getsockname()[:2]) for each in self.udp]


def bind_dns(addresses: tuple[Endpoint, ...], processes: int = 1) -> DnsSockets:
    """Binds UDP, for as many processes, and TCP on each address; port 0 takes a free one. Raises SettingsError."""
    udp, tcp = [], []
    more: list[list[socket.socket]] = [[] for _ in range(processes - 1)]
    try:
        for address in addresses:
            if processes > 1:
                # Whoever shares an address on purpose would not notice that somebody else has it.
                _bind(address, socket.SOCK_DGRAM).close()
            datagrams, stream = _bind_both(address, shared=processes > 1)
            udp.append(datagrams)
            tcp.append(stream)
            bound = Endpoint(address.host, datagrams.getsockname()[1])
            for each in more:
                each.append(_bind(bound, socket.SOCK_DGRAM, shared=True))
    except SettingsError:
        for each in (udp, tcp, *more):
            for sock in each:
                sock.close()
        raise
    return DnsSockets(tuple(udp), tuple(tcp), tuple(map(tuple, more)))


def bind_web(address: Endpoint) -> socket.socket:
    """A listening socket for the dashboard. Raises SettingsError."""
    listener = _bind(address, socket.SOCK_STREAM)
    listener.listen(128)
    return listener


def _bind_both(address: Endpoint, *, shared: bool) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket. A port that is free for the one is not always free for the other."""
    tries = _TRIES if address.port == 0 else 1
    while True:
        datagrams = _bind(address, socket.SOCK_DGRAM, shared=shared)
        try:
            stream = _bind(Endpoint(address.host, datagrams.getsockname()[1]), socket.SOCK_STREAM)
        except SettingsError:
            datagrams.close()
            tries -= 1
            if not tries:
                raise
        else:
            stream.listen(256)
            return datagrams, stream


def _bind(address: Endpoint, kind: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address.host, address.port))
    except OSError as error:
        bound.close()
        raise _unusable(address, error) from None
    return bound


def _unusable(address: Endpoint, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError("box.something-else-already", address=address)
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingsError("box.listening-needs-root", address=address)
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingsError("box.not-address-machine", host=address.host)
    return SettingsError("box.listening-does-not", address=address, strerror=error.strerror)


def inherited_sockets(
    environment: MutableMapping[str, str] | Mapping[str, str] = os.environ, pid: int | None = None
) -> tuple[socket.socket, ...]:
    """The sockets that systemd handed down (sd_listen_fds(3)); none when they are not meant for this process."""
    return adopt_sockets(_inherited(environment, pid))


def _inherited(environment: Mapping[str, str], pid: int | None) -> range:
    if environment.get("LISTEN_PID") != str(os.getpid() if pid is None else pid):
        return range(0)
    try:
        count = int(environment.get("LISTEN_FDS", "0"))
    except ValueError:
        return range(0)
    return range(_FIRST_INHERITED, _FIRST_INHERITED + max(0, min(count, 64)))


def adopt_sockets(fds: range | list[int]) -> tuple[socket.socket, ...]:
    """Socket objects for open file descriptors; they are no longer inherited by our children."""
    adopted = []
    for fd in fds:
        os.set_inheritable(fd, False)
        adopted.append(socket.socket(fileno=fd))
    return tuple(adopted)


def sort_dns(sockets: tuple[socket.socket, ...]) -> DnsSockets:
    """Tells datagram from stream sockets; where several are bound to one address, each is for another process."""
    groups: list[list[socket.socket]] = [[]]
    seen: Counter[Any] = Counter()
    for each in sockets:
        if each.type == socket.SOCK_DGRAM:
            place = seen[each.getsockname()[:2]]
            seen[each.getsockname()[:2]] += 1
            if place == len(groups):
                groups.append([])
            groups[place].append(each)
    tcp = tuple(each for each in sockets if each.type == socket.SOCK_STREAM)
    return DnsSockets(tuple(groups[0]), tcp, tuple(map(tuple, groups[1:])))
