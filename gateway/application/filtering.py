"""Whether names are blocked, asked where televisions ask: over DNS. It is true whatever else of a box is broken."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_address

from gateway.model.dns import QType
from gateway.model.effect import PROBE, Effect
from gateway.model.name import Name
from gateway.settings import Endpoint

_PATIENCE = 1.5
_AGAIN = 0.4
_QUESTION = b"\1\0\0\1\0\0\0\0\0\0" + Name(PROBE).to_wire() + int(QType.TXT).to_bytes(2) + b"\0\1"
"""All but the id: RD, one question."""


def ask_effect(addresses: Iterable[Endpoint], patience: float = _PATIENCE) -> Effect | None:
    """What the first of these addresses says that answers; None when none does within `patience` seconds, or what
    answers there is no Telltale.
    """
    message = os.urandom(2) + _QUESTION
    ends = time.monotonic() + patience
    with ExitStack() as stack:
        asking = [stack.enter_context(sock) for address in addresses if (sock := _towards(address)) is not None]
        while asking and (left := ends - time.monotonic()) > 0:
            # A datagram is lost when too many wait; whoever asks again is heard.
            asking = [sock for sock in asking if _sent(sock, message)]
            until = time.monotonic() + min(_AGAIN, left)
            while asking and (left := until - time.monotonic()) > 0:
                effect, asking = _hear(asking, message, left)
                if effect is not None:
                    return effect
    return None


def _towards(address: Endpoint) -> socket.socket | None:
    """From loopback: from an address of ours on the televisions' network it would pass the rules for what they send."""
    host = ip_address(address.host)
    family, loopback = (socket.AF_INET, "127.0.0.1") if host.version == 4 else (socket.AF_INET6, "::1")
    with ExitStack() as stack, suppress(OSError):
        sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.setblocking(False)
        sock.bind((loopback, 0))
        sock.connect((loopback if host.is_unspecified else address.host, address.port))
        stack.pop_all()
        return sock
    return None


def _sent(sock: socket.socket, message: bytes) -> bool:
    try:
        sock.send(message)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def _hear(
    asking: Sequence[socket.socket], message: bytes, patience: float
) -> tuple[Effect | None, list[socket.socket]]:
    """The answer, if there is one by then; and whom to ask on. A port that is shut is asked no more."""
    going_on = list(asking)
    poll = select.poll()
    for sock in asking:
        poll.register(sock, select.POLLIN)
    heard = {fd for fd, _ in poll.poll(patience * 1000)}
    for sock in (each for each in asking if each.fileno() in heard):
        try:
            answer = sock.recv(4096)
        except BlockingIOError:
            continue
        except OSError:
            going_on.remove(sock)
            continue
        effect = _effect_in(answer, message)
        if effect is not None:
            return effect, going_on
    return None, going_on


def _effect_in(answer: bytes, message: bytes) -> Effect | None:
    """What one TXT record of one string says, right behind our own question; None for anything else."""
    whole = len(message)
    if answer[:2] != message[:2] or not answer[2:3] >= b"\x80" or answer[12:whole] != message[12:]:
        return None
    text = answer[whole + 12 :]
    with suppress(ValueError, IndexError):
        return Effect(text[1 : 1 + text[0]].decode("ascii"))
    return None
