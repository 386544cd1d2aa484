"""The UDP server: drains a socket in batches, answers from the memo at once, hands the rest on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.linux import mmsg
from gateway.linux.mmsg import AddressKey
from gateway.model.lookup import Facts
from gateway.resolver.clients import Client, Clients
from gateway.resolver.fair_queue import FairQueue
from gateway.resolver.fastpath import MAX_QUERY, Memos
from gateway.resolver.recorder import Recorder

# What to do with a datagram that the memo does not know: (datagram, who asks, when it came, where the answer goes).
Reply: TypeAlias = Callable[[bytes], None]
Serve: TypeAlias = Callable[[bytes, Client, float, Reply], None]

_ROUNDS = 4
# How many of those that need work are looked at before those that need none are answered again: three, and more
# where so many wait that the socket would not be read in time.
_SLICE, _SHARE, _MOST_A_ROUND = 3, 16, 64
# Half a second's work: after a power cut every device of a home asks at once, and asks again after a second or more.
_MOST_AHEAD = 4_096
# Seconds after which somebody who needs no work may have been waiting for long enough.
_GLANCE = 0.00015

# Replies that leave in one system call; more would let the first one wait for too long.
_LEAVE_TOGETHER = 8

# (datagram, who asks, where the reply goes, when it came)
_Kept: TypeAlias = tuple[bytes, Client, Any, float]


class DatagramServer:
    """Answers on one bound UDP socket.

    An answer leaves from the address that the socket is bound to: bind one socket to each address, not to the wildcard,
    on a machine with several. `is_crowded` is whether questions wait for upstreams.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        clients: Clients,
        memos: Memos,
        recorder: Recorder,
        serve: Serve,
        clock: Callable[[], float],
        wall: Callable[[], float],
        batched: bool = mmsg.AVAILABLE,
    ) -> None:
        sock.setblocking(False)
        self.sock = self._sock = sock
        self._clients = clients
        self._memos = memos
        self._recorder = recorder
        self._serve = serve
        self._clock = clock
        self._wall = wall
        self.is_crowded: Callable[[], bool] = lambda: False
        self._batch = mmsg.Batch(sock) if batched else None
        self._outbox = mmsg.Outbox(sock) if batched else None
        self._ahead: FairQueue[_Kept] = FairQueue(_MOST_AHEAD)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._going_on = False
        self._looked = 0.0
        self.received = 0
        self.fast = 0
        self.fast_blocked = 0
        self.refused = 0
        self.unsent = 0

    @property
    def crowded_out(self) -> int:
        """How many lost their place to others, whose clients had asked for less."""
        return self._ahead.dropped

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._drain if self._batch else self._drain_singly)

    def rest(self) -> None:
        """Leaves the socket to another process; what was read from it already is answered."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._sock.fileno())
        self._ahead.clear()
        self._flush()
        self._loop = None

    def _drain(self) -> None:
        self._read(_ROUNDS)
        if self._ahead and not self._going_on:
            self._work_off()

    def _read(self, rounds: int) -> None:
        # Also while more waits than can be worked off: in the socket nobody knows whose datagrams are lost.
        assert self._batch is not None
        for _ in range(rounds):
            count = self._batch.receive()
            if count:
                self._answer_batch(self._batch, count)
            if count < mmsg.SIZE:
                break

    def look_in(self) -> None:
        """Between two pieces of other work: who needs none is answered now, unless somebody looked just before."""
        now = self._clock()
        if self._batch is None or self._loop is None or now - self._looked < _GLANCE:
            return
        self._looked = now
        self._read(1)
        if self._ahead and not self._going_on:
            self._going_on = True
            self._loop.call_soon(self._go_on)

    def _work_off(self) -> None:
        """A few of those that wait for more than the memo; whoever needs only that never waits for all of them."""
        ahead = self._ahead
        self._going_on = True
        try:
            # While questions wait for upstreams, more of them would only wait there instead of here.
            many = 0 if self.is_crowded() else min(len(ahead) // _SHARE, _MOST_A_ROUND)
            for _ in range(min(max(_SLICE, many), len(ahead))):
                datagram, client, sender, at = ahead.pop()
                # Looked up again: the rules, and with them its memo, may have changed meanwhile.
                self._hand_on(datagram, self._clients.of(client.text), sender, at)
                self.look_in()
        finally:
            # Also when one of them goes wrong: the others behind it must not wait for ever.
            self._going_on = bool(ahead) and self._loop is not None
            if self._going_on and self._loop is not None:
                self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._loop is None:
            return
        self._drain()
        self._work_off()

    def _answer_batch(self, datagrams: mmsg.Batch, count: int) -> None:
        # Every line in the loop runs for every query: no object is made but the key.
        self._looked = began = self._clock()
        when = self._wall()
        buffer, reply_lengths, slot, longest = datagrams.buffer, datagrams.reply_lengths, mmsg.SLOT, MAX_QUERY
        known, look_again = self._clients.by_key.get, self._memos.look_again
        clients: list[str] = []
        facts: list[Facts] = []
        add_client, add_facts = clients.append, facts.append
        first = i = at = blocked = 0
        view = memoryview(buffer)
        for length, key in zip(datagrams.lengths(count), datagrams.keys(count), strict=True):
            found = known(key)
            if found is not None and length <= longest:
                recall, client = found
                datagram = view[at + 2 : at + length].tobytes()
                prepared = recall(datagram)
                if prepared is None or prepared[0] <= began:
                    prepared = look_again(client.memo, datagram, began)
                if prepared is not None:
                    _, tail, size, fact, is_blocked, _ = prepared
                    buffer[at + 2 : at + size] = tail
                    reply_lengths[i] = size
                    if is_blocked:
                        blocked += 1
                    add_client(client.text)
                    add_facts(fact)
                    i += 1
                    at += slot
                    continue
            if first < i:
                self.unsent += datagrams.send(first, i)
            self._keep(bytes(view[at : at + length]), key, None if found is None else found[1], i, began)
            i += 1
            at += slot
            first = i
        if first < i:
            self.unsent += datagrams.send(first, i)
        view.release()
        self.received += count
        if facts:
            self.fast += len(facts)
            self.fast_blocked += blocked
            self._recorder.bind(when, clients, facts, self._clock() - began)

    def _keep(self, datagram: bytes, key: AddressKey, client: Client | None, i: int, at: float) -> None:
        """For later, when more than the memo is needed; `client` is None where the sender is not known yet."""
        assert self._batch is not None
        if client is None:
            client = self._clients.meet(key, self._batch.sender(i)[0])
        if client.allowed:
            self._ahead.put(client.holder, (datagram, client, self._batch.name(i), at), at)
        else:
            self.refused += 1

    def _drain_singly(self) -> None:
        for _ in range(mmsg.SIZE * _ROUNDS):
            try:
                datagram, address = self._sock.recvfrom(mmsg.SLOT)
            except OSError:
                return
            self._answer_one(datagram, address)

    def _answer_one(self, datagram: bytes, address: Any) -> None:
        """As `_answer_batch`, for systems without recvmmsg(2)."""
        began = self._clock()
        self.received += 1
        client = self._clients.of(address[0])
        if client.allowed and len(datagram) <= MAX_QUERY:
            key = datagram[2:]
            prepared = client.memo.get(key)
            if prepared is None or prepared[0] <= began:
                prepared = self._memos.look_again(client.memo, key, began)
            if prepared is not None:
                self._send(address, datagram[:2] + prepared[1])
                self.fast += 1
                self.fast_blocked += prepared[4]
                self._recorder.bind(self._wall(), [client.text], [prepared[3]], self._clock() - began)
                return
        if client.allowed:
            self._hand_on(datagram, client, address, began)
        else:
            self.refused += 1

    def _flush(self) -> None:
        if self._outbox is not None and self._outbox.count:
            self.unsent += self._outbox.flush()

    def _hand_on(self, datagram: bytes, client: Client, address: Any, at: float) -> None:
        self._serve(datagram, client, at, lambda reply: self._send(address, reply))

    def _send(self, address: Any, reply: bytes) -> None:
        outbox = self._outbox
        if outbox is not None:
            if not outbox.count and self._loop is not None:
                self._loop.call_soon(self._flush)
            if not outbox.put(address, reply):
                self._flush()
                self.unsent += not outbox.put(address, reply)
            if outbox.count >= _LEAVE_TOGETHER or self._loop is None:
                self._flush()
            return
        try:
            self._sock.sendto(reply, address)
        except OSError:
            # A full buffer, a vanished route: the client asks again, as it does for any lost datagram.
            self.unsent += 1
