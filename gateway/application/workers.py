"""The resolver's workers: started, kept up to date with what is in force, listened to, and replaced.

A worker answers on a socket of its own where several share an address (SO_REUSEPORT), else on the resolver's. While it
starts, or after it died, the resolver answers on its socket itself: no television waits for a dead worker.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.catalogue.sentences import Notice
from gateway.control.worker_messages import BatchReader, Unframer, frame, names_to_json, read_piece
from gateway.errors import ControlError
from gateway.linux.process import start_of
from gateway.model.book import Book
from gateway.model.device_names import DeviceNames
from gateway.model.event import HealthChanged
from gateway.model.lookup import LogBatch, LogRow
from gateway.policy.book_file import encode_book
from gateway.settings import to_arguments

log = logging.getLogger(__name__)

Sockets = tuple[socket.socket, ...]
_FIRST_PAUSE, _LONGEST_PAUSE, _STEADY = 0.1, 10.0, 30.0
# A worker tells its counts every second; one that says nothing for so long hangs.
_SILENCE = 10.0
_OBEDIENCE = 1.0
_ENDING, _FAREWELL = 1.0, 3.0
# A name of 255 bytes, each spelled in four characters of which one is spelled in two, and a device.
_ASKED = 1 << 12
_OF_NOW = frozenset({"in_flight", "cache_entries", "cache_bytes", "memo_entries"})
"""Counters that tell how things are; those of a worker that ended are over with it."""


@dataclass(slots=True, eq=False)
class _Member:
    """One worker's place. `sockets` are its own, empty when it shares the resolver's; `obeyed` is the serial of the
    orders that it follows, 0 before the first; once it has `begun`, it answers.
    """

    sockets: Sockets
    fds: tuple[int, ...]
    process: asyncio.subprocess.Process | None = None
    writer: asyncio.StreamWriter | None = None
    obeyed: int = 0
    begun: bool = False
    heard: float = 0.0
    counters: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    latency: Mapping[str, Any] = field(default_factory=dict)


def register(core: Core, registry: Registry) -> None:
    """Brings the workers, where the settings ask for more than one process."""
    if core.settings.workers < 2:
        return
    groups = [*core.sockets.more, *[()] * core.settings.workers][: core.settings.workers - 1]
    pool = WorkerPool(
        groups,
        core.sockets.udp,
        to_arguments(core.settings),
        orders=partial(_orders, core),
        know=partial(_know, core),
        resolver=core.resolver,
        report=core.health.report,
    )
    core.events.policy_changed.listen(lambda *_: pool.tell())
    core.events.lists_compiled.listen(pool.lists_changed)
    core.events.clients_forgotten.listen(pool.forget_clients)
    core.events.devices_named.listen(pool.name_devices)
    registry.add_start(pool.start)
    registry.add_end(pool.stop)
    registry.add_follower(pool.settled)
    registry.add_counters(
        lambda figures: {**figures, **pool.add_counters(core.resolver.counters()), "workers": pool.at_work}
    )
    registry.add_latencies(pool.add_latencies)


def _orders(core: Core) -> dict[str, Any]:
    policy = core.policy.policy
    return {"book": encode_book(Book(policy.generation, rules=policy.rules)).decode(), "makers": policy.makers}


def _know(core: Core, question: Sequence[Any]) -> Any:
    """The answer to a worker's question, which is not believed: ValueError or TypeError where it makes no sense."""
    match question:
        case ["device", str(client)]:
            return core.inventory.identify(client)
        case ["services", str(device), str() | None as name]:
            if name is not None:
                core.usage.note(device, name)
            return core.usage.services(device)
    raise ValueError("Nobody asks that.")


class Answering(Protocol):
    """What workers need of the resolver: `rest` leaves sockets to a worker and `resume` takes them back; `record` takes
    what it answered.
    """

    def rest(self, sockets: Sockets) -> None: ...

    def resume(self, sockets: Sockets) -> None: ...

    def record(self, rows: list[LogRow], batches: list[LogBatch]) -> None: ...


class WorkerPool:
    """`groups` are each worker's own UDP sockets; an empty one makes it share `shared`. For one event loop.

    `orders` gives what is in force, "book" and "makers"; `know` answers a worker's question.
    """

    def __init__(
        self,
        groups: Sequence[Sockets],
        shared: Sockets,
        flags: Sequence[str],
        *,
        orders: Callable[[], dict[str, Any]],
        know: Callable[[Sequence[Any]], Any],
        resolver: Answering,
        report: Callable[[HealthChanged], None],
    ) -> None:
        self._members = [_Member(own, tuple(each.fileno() for each in own or shared)) for own in groups]
        self._flags = tuple(flags)
        self._in_force, self._know = orders, know
        self._resolver, self._report = resolver, report
        self._serial = 1
        self._lists = self._clients = 0
        self._names = names_to_json(DeviceNames())
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep(member)) for member in self._members]

    async def stop(self) -> None:
        """Lets each tell what it still knows, and ends it."""
        self._stopping.set()
        for member in self._members:
            if member.writer is not None:
                member.writer.write(frame("end", None))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_FAREWELL)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def tell(self) -> None:
        """The rules or the devices are others now."""
        self._serial += 1
        message = self._orders()
        for member in self._members:
            if member.writer is not None:
                member.writer.write(message)

    def lists_changed(self) -> None:
        """The compiled file is another; the policy that `tell` tells of next stands on it."""
        self._lists += 1

    def forget_clients(self) -> None:
        self._clients += 1
        self.tell()

    def name_devices(self, devices: DeviceNames) -> None:
        self._names = names_to_json(devices)
        self.tell()

    async def settled(self) -> None:
        """Returns when each worker follows the newest orders; one that does not within a second is ended."""
        serial, loop = self._serial, asyncio.get_running_loop()
        until = loop.time() + _OBEDIENCE
        for member in self._members:
            # One that has not begun begins with the newest orders.
            while member.begun and member.obeyed < serial:
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), until - loop.time())
                except TimeoutError:
                    log.warning("a worker does not follow new rules")
                    _kill(member)
                    break

    @property
    def at_work(self) -> int:
        """How many workers answer now."""
        return sum(member.begun for member in self._members)

    def add_counters(self, own: Mapping[str, float]) -> dict[str, float]:
        """The resolver's own and those of all workers, also of those that are no more."""
        total = dict(own)
        for member in self._members:
            for name in own:
                total[name] += member.counters[name] + member.before[name]
        return total

    def add_latencies(self, own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """As `Resolver.latencies`, with those of the workers that live."""
        total: dict[str, Any] = {name: dict(histogram) for name, histogram in own.items()}
        for member in self._members:
            for name, theirs in member.latency.items():
                if name in total:
                    total[name] = _add(total[name], theirs)
        return total

    def _orders(self) -> bytes:
        said = {"serial": self._serial, "lists": self._lists, "clients": self._clients, "names": self._names}
        return frame("orders", {**self._in_force(), **said})

    async def _keep(self, member: _Member) -> None:
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._employ(member)
            except (ControlError, OSError) as error:
                log.warning("a worker: %s", error)
            finally:
                self._dismiss(member)
            if self._stopping.is_set():
                return
            log.warning("a worker ended; it is replaced")
            self._tell_health()
            pause = _FIRST_PAUSE if loop.time() - began > _STEADY else min(pause * 2, _LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _employ(self, member: _Member) -> None:
        """One life of a worker. Raises ControlError when it makes no sense, OSError when it cannot be started."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        asked, asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            try:
                member.process = await self._hire(member, theirs, asking)
            finally:
                theirs.close()
                asking.close()
            reader, member.writer = await asyncio.open_connection(sock=ours)
            asked.setblocking(False)
            loop.add_reader(asked.fileno(), self._answer, asked)
            member.heard = loop.time()
            member.writer.write(self._orders())
            watch = asyncio.create_task(self._watch(member))
            try:
                await self._hear(member, reader)
            except ControlError:
                _kill(member)
                raise
            finally:
                watch.cancel()
                loop.remove_reader(asked.fileno())
        finally:
            if member.writer is not None:
                member.writer.close()
            ours.close()
            asked.close()
            if member.process is not None:
                # It ends by itself now; to kill who has ended confuses the loop's own look-out for children.
                with suppress(TimeoutError):
                    await asyncio.wait_for(member.process.wait(), _ENDING)
                _kill(member)
                await member.process.wait()

    async def _hire(self, member: _Member, channel: socket.socket, asking: socket.socket) -> asyncio.subprocess.Process:
        fds = (channel.fileno(), asking.fileno(), *member.fds)
        dns = [word for fd in member.fds for word in ("--dns-fd", str(fd))]
        return await asyncio.create_subprocess_exec(
            *start_of("gateway.daemons.worker"), *self._flags,
            "--channel", str(fds[0]), "--asking", str(fds[1]), *dns,
            pass_fds=fds, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def _hear(self, member: _Member, reader: asyncio.StreamReader) -> None:
        unframer, unpacker = Unframer(), BatchReader()
        while piece := await read_piece(reader):
            member.heard = asyncio.get_running_loop().time()
            for kind, value in unframer.feed(piece):
                if kind == "done" and isinstance(value, int) and value > 0:
                    self._obeys(member, value)
                elif kind == "log":
                    self._resolver.record(*unpacker.unpack(value))
                elif kind == "counts":
                    member.counters, member.latency = _counts(value)
                else:
                    raise ControlError("box.said-something-nobody")

    def _obeys(self, member: _Member, serial: int) -> None:
        member.obeyed = serial
        self._news.set()
        if not member.begun and serial == self._serial and member.writer is not None:
            # What is decided from now on it hears behind this word, and whoever decides waits for it.
            member.begun = True
            member.writer.write(frame("begin", None))
            self._resolver.rest(member.sockets)
            self._tell_health()

    def _dismiss(self, member: _Member) -> None:
        member.process = member.writer = None
        member.obeyed, member.begun = 0, False
        self._resolver.resume(member.sockets)
        member.before.update({name: count for name, count in member.counters.items() if name not in _OF_NOW})
        member.counters, member.latency = Counter(), {}
        self._news.set()

    async def _watch(self, member: _Member) -> None:
        loop = asyncio.get_running_loop()
        while True:
            left = member.heard + _SILENCE - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)
        log.warning("a worker says nothing any more")
        _kill(member)

    def _answer(self, asked: socket.socket) -> None:
        with suppress(OSError, ValueError, TypeError, RecursionError):
            number, *question = json.loads(asked.recv(_ASKED))
            asked.send(json.dumps([number, self._know(question)]).encode())

    def _tell_health(self) -> None:
        all_, working = len(self._members), self.at_work
        notice = Notice("box.processes-answer-dns", working=f"{working + 1}")
        if working < all_:
            notice = Notice("box.workers-answer-resolver", working=working, all=all_)
        self._report(HealthChanged("workers", working == all_, notice))


def _kill(member: _Member) -> None:
    if member.process is not None and member.process.returncode is None:
        with suppress(ProcessLookupError):
            member.process.kill()


def _counts(value: Any) -> tuple[Counter[str], dict[str, Any]]:
    try:
        counters: Counter[str] = Counter({str(name): count + 0 for name, count in value["counters"].items()})
        latency = {str(name): _add(said, said, times=0) for name, said in value["latency"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ControlError("box.counts-make-no") from None
    return counters, latency


def _add(one: Mapping[str, Any], other: Mapping[str, Any], times: int = 1) -> dict[str, Any]:
    """The sum of two histograms as `Histogram.to_json` tells them. Raises what strangers' JSON makes it raise."""
    buckets = [
        [bound, count + times * more]
        for (bound, count), (_, more) in zip(one["buckets"], other["buckets"], strict=True)
    ]  # fmt: skip
    return {
        "buckets": buckets,
        "sum": one["sum"] + times * other["sum"],
        "count": one["count"] + times * other["count"],
    }
