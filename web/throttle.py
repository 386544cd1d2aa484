"""How fast passwords may be guessed."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable


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


class Throttle:
    """Tries per client, and of all clients together, so that many addresses help a guesser little.

    A client of IPv6 is its /64, which is what one home or one attacker has.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, clients: int = 1024) -> None:
        self._clock = clock
        self._clients = clients
        self._lock = threading.Lock()
        self._everybody = Bucket(30, 4.0, clock())
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def try_once(self, client: str) -> float:
        """Counts a try; 0.0 when it may be made, else the seconds to wait, and then it must not be made."""
        now = self._clock()
        with self._lock:
            bucket = self._bucket(client_key(client), now)
            wait = max(bucket.wait(now), self._everybody.wait(now))
            if wait == 0:
                bucket.take()
                self._everybody.take()
            return wait

    def succeeded(self, client: str) -> None:
        """The try was right: it does not count against anybody."""
        with self._lock:
            self._everybody.give_back()
            self._bucket(client_key(client), self._clock()).give_back()

    def _bucket(self, key: str, now: float) -> Bucket:
        bucket = self._buckets.pop(key, None) or Bucket(5, 30.0, now)
        self._buckets[key] = bucket
        while len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
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
