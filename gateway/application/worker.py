"""One more process that answers DNS beside the resolver, on a machine with cores to spare.

It has a cache and upstreams of its own. What it shares with the others is the mapped file of lists; everything else
comes from the resolver, over the pair of sockets it was started with: the rules and the devices there, the lookups and
counts back. It opens no journal and writes no file, and it ends when the resolver does.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway.application.answering import concerned_by, mapped, mapped_owners, options, sure_tags
from gateway.application.presets import judge
from gateway.application.upstreams import open_all_upstreams
from gateway.classifier.service import Classifier
from gateway.control.worker_messages import BatchWriter, Unframer, frame, names_from_json, read_piece
from gateway.errors import ControlError
from gateway.linux.process import hear_no_signal, spare_the_collector, tidy
from gateway.lists.compiled import CompiledLists
from gateway.model.lookup import LogBatch, LogRow
from gateway.policy.book_file import decode_book
from gateway.policy.presets import Presets
from gateway.policy.snapshot import Snapshot
from gateway.policy.usage import Sign, Usage
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from gateway.settings import Settings

_LOG_LIMIT = 50_000
_FLUSH_EVERY, _COUNT_EVERY = 0.05, 1.0
_ROWS, _BATCHES = 2_000, 500
# The resolver reads slower than we write: what waits stays in the log, which is bounded.
_UNREAD = 4 << 20
_PATIENCE = 0.25
# The resolver sends the rules that are in force, and only it knows when they end.
_NOT_YET = datetime.min.replace(tzinfo=UTC)
_QUESTION = 1 << 13
_REMEMBERED = 600.0
_MOST_UNHEARD = 512
_SPARED = 1.0


class Asking:
    """Asks the resolver what only it knows, and waits for it: no answer leaves before that is known."""

    def __init__(self, channel: socket.socket) -> None:
        channel.settimeout(_PATIENCE)
        self._channel = channel
        self._number = 0
        self._spared_until = 0.0
        self.unanswered = 0

    @property
    def is_busy(self) -> bool:
        """Whether the resolver has left a question unanswered just now: each more would keep everybody waiting."""
        return time.monotonic() < self._spared_until

    def device_of(self, client: str) -> str | None:
        """Which device an address is."""
        device = self._ask(["device", client])
        return device if isinstance(device, str) else None

    def services_of(self, device: str, name: str | None = None) -> list[Sign]:
        """The services in use on a device, which asks for this canonical name just now."""
        signs = self._ask(["services", device, name])
        return [(service, lasts) for service, lasts in signs] if isinstance(signs, list) else []

    def _ask(self, question: list[str | None]) -> Any:
        # What came too late for an earlier question may be true no more, also where the question is the same.
        self._number += 1
        try:
            self._channel.send(json.dumps([self._number, *question]).encode())
            while True:
                number, answer = json.loads(self._channel.recv(_QUESTION))
                if number == self._number:
                    return answer
        except (OSError, ValueError, TypeError):
            # The resolver is busy or gone; rules for everyone hold all the same.
            self.unanswered += 1
            self._spared_until = time.monotonic() + _SPARED
            return None


class SharedUsage(Usage):
    """The resolver knows what the other workers saw; what this one remembers of it is asked for again after a while."""

    def __init__(self, sign_of: Callable[[str], Sign | None], asking: Asking) -> None:
        super().__init__(sign_of, kept=_REMEMBERED)
        self._asking = asking
        self._unheard: dict[tuple[str, str], None] = {}

    def note(self, device: str | None, name: str) -> bool:
        if device is None or not super().note(device, name):
            return False
        self._say(device, name)
        return True

    def refresh(self, device: str | None) -> bool:
        before = self.of(device)
        if device is not None and not self._asking.is_busy:
            self._learn(device, None)
        return self.of(device) != before

    def sweep(self) -> None:
        """Also says again what the resolver has not heard: the other workers learn of it from there."""
        super().sweep()
        if self._unheard and not self._asking.is_busy:
            self._say(*self._unheard.popitem()[0])

    def _say(self, device: str, name: str) -> None:
        # An answer names at least this use.
        if not self._learn(device, name) and len(self._unheard) < _MOST_UNHEARD:
            self._unheard[device, name] = None

    def _learn(self, device: str, name: str | None) -> bool:
        signs = self._asking.services_of(device, name)
        if signs:
            self.take(device, signs)
        return bool(signs)


class Worker:
    """Answers on `sockets` once it has obeyed its first orders and the resolver says "begin"."""

    def __init__(self, settings: Settings, sockets: tuple[socket.socket, ...], asking: Asking) -> None:
        self._settings = settings
        self._sockets = sockets
        self._asking = asking
        self._classifier = Classifier.load()
        self._usage = SharedUsage(self._classifier.sign_of, asking)
        self._usage.listen(self._use_changed)
        self._tags, self._judge = sure_tags(self._classifier), judge(self._classifier)
        self._log: deque[LogRow] = deque()
        self._batches: deque[LogBatch] = deque()
        self._packer = BatchWriter()
        self._orders: dict[str, Any] = {}
        self._lists = CompiledLists.empty()
        self._resolver: Resolver | None = None
        self._doubts = 0
        self.is_at_work = False

    async def obey(self, orders: dict[str, Any]) -> None:
        """Puts the orders in force: they are always all of them, and what did not change is left as it is."""
        before, self._orders = self._orders, orders
        if orders["lists"] != before.get("lists"):
            self._lists = mapped(self._settings, lambda _: None)
            self._classifier.heed(mapped_owners(self._settings))
        snapshot = self._snapshot()
        if self._resolver is None:
            await asyncio.to_thread(self._classifier.get_ready)
            self._resolver = self._build(snapshot)
        elif any(orders[part] != before[part] for part in ("lists", "book", "makers")):
            self._resolver.swap_policy(snapshot, concerned_by(self._resolver.policy, snapshot))
        if orders["names"] != before.get("names"):
            self._resolver.name_devices(names_from_json(orders["names"]))
        if orders["clients"] != before.get("clients"):
            self._resolver.forget_clients()

    async def begin(self) -> None:
        """Answers from now on: the resolver says so when the orders that were obeyed are the newest."""
        assert self._resolver is not None, "orders come first"
        await self._resolver.start(self._sockets, ())
        self.is_at_work = True
        spare_the_collector()

    def _use_changed(self, device: str) -> None:
        if self._resolver is not None:
            self._resolver.forget_device(device)

    def _snapshot(self) -> Snapshot:
        book = decode_book(self._orders["book"].encode())
        return Snapshot(
            book.rules, self._lists, self._tags, book.revision, _NOT_YET,
            presets=Presets(self._judge, partial(dict, self._orders["makers"]), self._usage),
        )  # fmt: skip

    def _build(self, snapshot: Snapshot) -> Resolver:
        settings = self._settings
        upstreams, forward_zones = open_all_upstreams(settings, lambda change: None)
        return Resolver(
            log=LogQueue(rows=self._log, limit=_LOG_LIMIT, batches=self._batches),
            upstreams=upstreams,
            policy=snapshot,
            device_of=self._asking.device_of,
            options=options(settings, forward_zones),
        )

    def received(self) -> int:
        return 0 if self._resolver is None else self._resolver.received()

    def messages(self) -> list[bytes]:
        """What was answered since the last time."""
        log, batches, made = self._log, self._batches, []
        while log or batches:
            rows = [log.popleft() for _ in range(min(len(log), _ROWS))]
            bound = [batches.popleft() for _ in range(min(len(batches), _BATCHES))]
            made.append(frame("log", self._packer.pack(rows, bound)))
        return made

    def counts(self) -> bytes:
        assert self._resolver is not None, "nobody counts before the first orders"
        self._usage.sweep()
        if self._asking.unanswered != self._doubts:
            # Whoever it was is asked for again.
            self._doubts = self._asking.unanswered
            self._resolver.forget_clients()
        return frame("counts", {"counters": self._resolver.counters(), "latency": self._resolver.latencies()})

    async def stop(self) -> None:
        if self._resolver is not None:
            await self._resolver.stop()


async def work(worker: Worker, channel: socket.socket) -> None:
    """Until the resolver says so, or is gone. Raises ControlError when it makes no sense."""
    reader, writer = await asyncio.open_connection(sock=channel)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(_listen(worker, reader, writer)), asyncio.create_task(stop.wait())]
    chores = [asyncio.create_task(_tell(worker, writer)), asyncio.create_task(tidy(worker.received))]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in (*waiting, *chores):
        task.cancel()
    await asyncio.gather(*waiting, *chores, return_exceptions=True)
    await worker.stop()
    for message in worker.messages():
        writer.write(message)
    try:
        writer.close()
        await writer.wait_closed()
    except OSError:
        # Nobody is there to read it.
        pass
    hear_no_signal()
    for task in done:
        task.result()


async def _listen(worker: Worker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Obeys until the resolver wants no more."""
    unframer = Unframer()
    while piece := await read_piece(reader):
        for kind, value in unframer.feed(piece):
            if kind == "end":
                return
            if kind == "begin":
                await worker.begin()
                continue
            if kind != "orders":
                raise ControlError("box.resolver-sent-worker", kind=f"{kind!r}")
            await worker.obey(value)
            writer.write(frame("done", value["serial"]))


async def _tell(worker: Worker, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + _COUNT_EVERY
    while True:
        await asyncio.sleep(_FLUSH_EVERY)
        if writer.transport.get_write_buffer_size() > _UNREAD:
            continue
        for message in worker.messages():
            writer.write(message)
        if loop.time() >= due and worker.is_at_work:
            due = loop.time() + _COUNT_EVERY
            writer.write(worker.counts())
