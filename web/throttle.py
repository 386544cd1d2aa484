"""How fast passwords may be guessed."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_AT_ONCE = 2


class Bucket:
    """A token bucket: `burst` tries at once, then one every `interval` seconds."""

    __slots__ = ("_at", "_burst", "_interval", "_left")

    def __init__(self, burst: int, interval: float, now: float) -> None:
        self._burst = burst
        self._interval = interval
        self._left = float(burst)
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until the next try is allowed; 0 when it is allowed now."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) / self._interval)
        self._at = now
        return 0.0 if self._left >= 1 else (1 - self._left) * self._interval

    def take(self) -> None:
        self._left -= 1

    def give_back(self) -> None:
        self._left = min(self._burst, self._left + 1)


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who tries: an address, whether it is of the televisions' network, and the browser when it was let in before."""

    client: str
    televisions: bool = False
    browser: str | None = None


class LoginAttempt:
    """One try. `wait` is 0.0 when it may be made, else the seconds to wait, and then it must not be made."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.right = False

    def succeeded(self) -> None:
        """The try was right: it does not count against anybody."""
        self.right = True


class Throttle:
    """Tries per client, and of all clients together, so that many addresses help a guesser little.

    A client of IPv6 is its /64, which is what one home or one attacker has. The televisions' network is counted apart:
    whatever is tried there, the home can log in. A browser that was let in before is counted by itself, so that nobody
    who has not been can keep it out. Of each side two tries are worked on at once, for each costs memory and time.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, clients: int = 1024) -> None:
        self._clock = clock
        self._clients = clients
        self._lock = threading.Lock()
        self._sides = {"home": Bucket(30, 4.0, clock()), "televisions": Bucket(10, 15.0, clock())}
        self._buckets: dict[str, OrderedDict[str, Bucket]] = {side: OrderedDict() for side in (*self._sides, "browser")}
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def attempt(self, who: Guesser) -> Iterator[LoginAttempt]:
        """Counts a try, and for as long as it lasts."""
        side = "browser" if who.browser else "televisions" if who.televisions else "home"
        key = who.browser or client_key(who.client)
        with self._lock:
            now = self._clock()
            buckets = [self._bucket(side, key, now), *([self._sides[side]] if side in self._sides else [])]
            wait = max(bucket.wait(now) for bucket in buckets)
            if wait == 0 and self._under_way[side] >= _AT_ONCE:
                wait = 1.0
            if wait == 0:
                self._under_way[side] += 1
                for bucket in buckets:
                    bucket.take()
        attempt = LoginAttempt(wait)
        try:
            yield attempt
        finally:
            if wait == 0:
                with self._lock:
                    self._under_way[side] -= 1
                    if attempt.right:
                        for bucket in buckets:
                            bucket.give_back()

    def _bucket(self, side: str, key: str, now: float) -> Bucket:
        known = self._buckets[side]
        bucket = known.pop(key, None) or Bucket(5, 30.0, now)
        known[key] = bucket
        while len(known) > self._clients:
            known.popitem(last=False)
        return bucket


def client_key(client: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 /64."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
