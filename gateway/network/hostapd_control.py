"""hostapd's control socket (its ctrl_iface protocol): one datagram asks, one answers."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType

from gateway.errors import NetworkError
from gateway.model.lease import Station
from gateway.model.mac import Mac

_MOST_BYTES = 65_536
_MOST_STATIONS = 512


class HostapdControl:
    """One conversation with the hostapd that owns `interface`; blocking, for one thread. A context manager."""

    def __init__(self, folder: Path, interface: str, timeout: float = 2.0) -> None:
        self._folder, self._interface, self._timeout = folder, interface, timeout
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._connect()
        except OSError:
            self._channel.close()
            raise NetworkError("network.wi-fi-s") from None

    def __enter__(self) -> HostapdControl:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._channel.close()

    def ask(self, command: str) -> str:
        """The reply to one command; events that come between are passed over. Raises NetworkError."""
        try:
            self._channel.send(command.encode("ascii"))
            ends = time.monotonic() + self._timeout
            while True:
                said = self._receive(max(0.0, ends - time.monotonic()))
                if not said.startswith("<"):
                    return said
        except OSError:
            raise NetworkError("network.wi-fi-s-program") from None

    def status(self) -> dict[str, str]:
        """Such as state=ENABLED, channel=6, freq=2437."""
        return facts_in(self.ask("STATUS"))

    def stations(self) -> list[Station]:
        """Every device on the air, at most 512."""
        found: list[Station] = []
        said = self.ask("STA-FIRST")
        while len(found) < _MOST_STATIONS and (station := station_in(said)) is not None:
            found.append(station)
            said = self.ask(f"STA-NEXT {station.mac}")
        return found

    def _connect(self) -> None:
        # An address that the kernel chooses leaves no file behind (unix(7), autobind).
        self._channel.bind("")
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._channel.connect(f"/proc/self/fd/{folder}/{self._interface}")
        finally:
            os.close(folder)

    def _receive(self, timeout: float) -> str:
        self._channel.settimeout(max(timeout, 0.001))
        return self._channel.recv(_MOST_BYTES).decode("utf-8", "replace")


def facts_in(said: str) -> dict[str, str]:
    """The `key=value` lines of a reply."""
    return dict(line.split("=", 1) for line in said.splitlines()[:1000] if "=" in line)


def station_in(said: str) -> Station | None:
    """The station in a reply to STA-FIRST or STA-NEXT; None at the end of the list."""
    mac = Mac.read(said.partition("\n")[0].strip())
    if mac is None:
        return None
    facts = facts_in(said)

    def number(key: str) -> int:
        try:
            return int(facts.get(key, "0")[:20])
        except ValueError:
            return 0

    return Station(mac, number("signal"), number("connected_time"), number("rx_bytes"), number("tx_bytes"))
