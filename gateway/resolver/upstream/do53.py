"""An upstream over UDP, with TCP for what does not fit: plain DNS on port 53 (RFC 1035, 5452, 6891)."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.pending import Future, Pending
from gateway.resolver.upstream.check import Match, Noise, match
from gateway.resolver.upstream.stream import StreamUpstream
from gateway.wire.edns import UDP_SIZE
from gateway.wire.question import Question, build_query, shuffle_case

TIMEOUT = 2.0
_SWEEP, _SOON = 0.25, 0.01
# After a flood there are thousands to sweep up; clients must not wait for all of them.
_BITE, _CLOSINGS = 128, 4
_MAX_PORTS = 16
_MAX_USES = 32
_MAX_AGE = 10.0
_MAX_RETIRED = 48
_PLAIN_FOR = 600.0
_CASE_STRIKES = 3
# How long TCP may take to settle a doubtful spelling before the question leaves once more, in lower case.
_TCP_PATIENCE = 0.25
_RECEIVE = 4_096
# Answers of one port in one round of the loop: clients who need nobody's answer come in between.
_ANSWERS_A_ROUND = 4
# More answers that fit nothing than a port has questions: somebody guesses, and must not guess for long.
_MAX_MISSES = 2 * _MAX_USES
# A member of an enum costs a look-up each time.
_YES = Match.YES


class _Open:
    """One question on its way; `doubtful` when its answer was not spelled as it is, and may be a forgery."""

    __slots__ = ("asked", "doubtful", "edns", "ends", "future", "question")

    def __init__(self, question: Question, asked: bytes, edns: bool, ends: float, future: Pending[bytes]) -> None:
        self.question = question
        self.asked = asked
        self.edns = edns
        self.ends = ends
        self.future = future
        self.doubtful = False

    def is_over(self, now: float) -> bool:
        return self.ends <= now or self.future.done()


class DatagramUpstream:
    """Each question leaves with a random id, through one of several short-lived random ports, spelled at random.

    A port serves a handful of questions: a new one for each costs more than the whole look-up does, and who wants to
    forge an answer has to guess which one it is anyway.
    """

    def __init__(self, host: str, port: int = 53, *, timeout: float = TIMEOUT) -> None:
        self.address = (host, port)
        self.url = f"udp://[{host}]:{port}" if ":" in host else f"udp://{host}:{port}"
        self.forged = 0
        self._timeout = timeout
        self._noise = Noise()
        self._tcp = StreamUpstream(host, port, timeout=timeout)
        self._ports: list[_Port] = []
        self._retired: list[_Port] = []
        self._timing: deque[tuple[_Port, int, _Open]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._plain_until = 0.0
        self._case_strikes = 0

    def ask(self, question: Question) -> Pending[bytes]:
        loop = asyncio.get_running_loop()
        future: Pending[bytes] = Pending()
        now = loop.time()
        self._send(loop, now, question, future, now >= self._plain_until)
        return future

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for port in self._ports + self._retired:
            port.close()
        self._ports, self._retired = [], []
        for _, _, going in self._timing:
            _fail(going.future, UpstreamError(f"{self.url} is not asked any more."))
        self._timing.clear()
        await self._tcp.close()

    def _send(
        self,
        loop: asyncio.AbstractEventLoop,
        now: float,
        question: Question,
        future: Pending[bytes],
        edns: bool,
        *,
        shuffled: bool = True,
    ) -> None:
        spelled = question.name
        # What is random about a question, in one piece: the spelling, the id, the port.
        size = len(spelled)
        noise = self._noise.take(size + 3)
        if shuffled and self._case_strikes < _CASE_STRIKES:
            spelled = shuffle_case(spelled, noise)
        message_id = noise[size] << 8 | noise[size + 1]
        try:
            port = self._port(loop, now, noise[size + 2])
            while message_id in port.open:
                message_id = self._noise.number()
            going = _Open(question, spelled + question.tail, edns, now + self._timeout, future)
            port.open[message_id] = going
            port.send(build_query(message_id, question, spelled=spelled, edns=edns))
        except OSError as error:
            _fail(future, UpstreamError(f"{self.url} cannot be reached: {error.strerror or error}."))
            return
        self._timing.append((port, message_id, going))
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP, self._sweep, loop)

    def _port(self, loop: asyncio.AbstractEventLoop, now: float, number: int) -> _Port:
        if len(self._ports) < _MAX_PORTS:
            port = _Port(loop, self.address, self._arrived, self._refused)
            self._ports.append(port)
        else:
            port = self._ports[number % _MAX_PORTS]
        port.uses += 1
        if (port.uses >= _MAX_USES or now - port.made > _MAX_AGE) and len(self._retired) < _MAX_RETIRED:
            self._ports.remove(port)
            self._retired.append(port)
        return port

    def _arrived(self, port: _Port, reply: bytes) -> None:
        message_id = reply[0] << 8 | reply[1] if len(reply) >= 12 else -1
        going = port.open.get(message_id)
        if going is None:
            self._missed(port)
            return
        if going.future.done():
            return
        kind = match(reply, message_id, going.asked, edns=going.edns)
        if kind is _YES and len(reply) <= UDP_SIZE:
            del port.open[message_id]
            going.future.set_result(reply)
            return
        self._look_closer(port, reply, message_id, going, kind)

    def _look_closer(self, port: _Port, reply: bytes, message_id: int, going: _Open, kind: Match) -> None:
        """What is no answer, or not one that may be taken as it is."""
        if kind is Match.CASE and going.asked.startswith(going.question.name):
            # It left in lower case: there is nothing to be repeated.
            kind = Match.TRUNCATED if reply[2] & 0x02 else Match.YES
        if kind is Match.NO:
            self._missed(port)
            return
        if kind is _YES and len(reply) > UDP_SIZE:
            # Longer than we take: it came in fragments, and those can be forged one by one (RFC 9715).
            kind = Match.TRUNCATED
        del port.open[message_id]
        if kind is _YES:
            going.future.set_result(reply)
        elif kind is Match.NO_EDNS:
            self._without_edns(going)
        elif kind is Match.CASE:
            self._settle_doubt(going)
        else:
            self._over_tcp(going)

    def _missed(self, port: _Port) -> None:
        """Counts what is no answer; on a port that gets too many of those, TCP takes over what is open."""
        self.forged += 1
        port.misses += 1
        if port.misses != _MAX_MISSES:
            return
        if port in self._ports:
            self._ports.remove(port)
            self._retired.append(port)
        endangered = list(port.open.values())
        port.open.clear()
        for going in endangered:
            self._over_tcp(going)

    def _without_edns(self, going: _Open) -> None:
        loop = asyncio.get_running_loop()

        def learn(answered: Pending[bytes]) -> None:
            # Only a server that does answer without EDNS lacks it; others refuse the question itself.
            if not answered.cancelled() and answered.exception() is None and answered.result()[3] & 0x0F not in (1, 4):
                self._plain_until = loop.time() + _PLAIN_FOR

        going.future.add_done_callback(learn)
        self._send(loop, loop.time(), going.question, going.future, False)

    def _settle_doubt(self, going: _Open) -> None:
        """The upstream spells names its own way, or a forger does who guessed all but the spelling: TCP settles it. An
        upstream without TCP is asked again, in lower case, with another id and from another port: a forger would have
        to guess both once more.
        """
        going.doubtful = True
        self._case_strikes += 1
        loop = asyncio.get_running_loop()
        loop.call_later(_TCP_PATIENCE, self._ask_in_lower_case, loop, going)
        self._over_tcp(going, doubtful=True)

    def _ask_in_lower_case(self, loop: asyncio.AbstractEventLoop, going: _Open) -> None:
        if going.doubtful and not going.future.done():
            going.doubtful = False
            self._send(loop, loop.time(), going.question, going.future, going.edns, shuffled=False)

    def _over_tcp(self, going: _Open, *, doubtful: bool = False) -> None:
        """What TCP brings cannot be forged from afar, so that it settles truncation and doubtful spelling alike."""
        target = going.future

        def land(answered: Future[bytes]) -> None:
            if answered.cancelled():
                _fail(target, UpstreamError(f"{self.url} is not asked any more."))
                return
            error = answered.exception()
            if error is None:
                if not target.done():
                    target.set_result(answered.result())
            elif doubtful:
                self._ask_in_lower_case(asyncio.get_running_loop(), going)
            else:
                _fail(target, error)

        self._tcp.ask(going.question).add_done_callback(land)

    def _refused(self, port: _Port, error: OSError) -> None:
        if port in self._ports:
            self._ports.remove(port)
            self._retired.append(port)
        for going in port.open.values():
            _fail(going.future, UpstreamError(f"{self.url} cannot be reached: {error.strerror or error}."))
        port.open.clear()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        timing = self._timing
        for _ in range(_BITE):
            if not (timing and timing[0][2].is_over(now)):
                break
            port, message_id, going = timing.popleft()
            if port.open.get(message_id) is going:
                del port.open[message_id]
                _fail(going.future, UpstreamTimeout(f"{self.url} did not answer within {self._timeout:g} s."))
        for port in [port for port in self._ports if now - port.made > _MAX_AGE]:
            self._ports.remove(port)
            self._retired.append(port)
        served = [port for port in self._retired if not port.open]
        for port in served[:_CLOSINGS]:
            self._retired.remove(port)
            port.close()
        more = len(served) > _CLOSINGS or (bool(timing) and timing[0][2].is_over(now))
        if timing or self._ports or self._retired:
            self._sweeper = loop.call_later(_SOON if more else _SWEEP, self._sweep, loop)
        else:
            self._sweeper = None


class _Port:
    """A connected socket: the kernel drops what does not come from the upstream's own address and port."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: tuple[str, int],
        arrived: Callable[[_Port, bytes], None],
        refused: Callable[[_Port, OSError], None],
    ) -> None:
        self._loop = loop
        self._arrived = arrived
        self._refused = refused
        self.uses = 0
        self.misses = 0
        self.made = loop.time()
        self.open: dict[int, _Open] = {}
        family, _, _, _, where = socket.getaddrinfo(
            *address, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        self._sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._sock.connect(where)
        except OSError:
            self._sock.close()
            raise
        loop.add_reader(self._sock.fileno(), self._readable)

    def send(self, query: bytes) -> None:
        try:
            self._sock.send(query)
        except ConnectionRefusedError:
            # The word of an earlier datagram on this socket; this one has not been sent yet.
            self._sock.send(query)

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def _readable(self) -> None:
        for _ in range(_ANSWERS_A_ROUND):
            try:
                reply = self._sock.recv(_RECEIVE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._refused(self, error)
                return
            self._arrived(self, reply)
            if not self.open:
                return


def _fail(future: Pending[bytes], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
