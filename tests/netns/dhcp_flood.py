"""A device that takes addresses as fast as it is given them: whole DHCP exchanges (RFC 2131) in raw frames.

In a television's namespace: `python -m tests.netns.dhcp_flood KIND COUNT`. KIND is what is made up anew for each
address: "all" (frame and message), "client" (the message's hardware address only), "id" (the client identifier only).
It ends after COUNT addresses, or when nobody has answered for some seconds, and prints how many it was given. With a
word more, `burst`, it never asks what is free, but says COUNT times at once which address it wants.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

_OWN = bytes.fromhex("02420000000b")
_PATIENCE = 3.0
_SILENCE = 2.0
_TRIES = 3


def message(
    kind: int, xid: int, client: bytes, number: int, *, named: bool, wanted: bytes = b"", server: bool = True
) -> bytes:
    """A BOOTP message that asks for a broadcast answer."""
    options = bytes((53, 1, kind))
    if named:
        options += bytes((61, 5, 0)) + struct.pack("!I", number)
    if wanted:
        options += bytes((50, 4)) + wanted
        options += bytes((54, 4)) + socket.inet_aton("10.42.0.1") if server else b""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, xid, 0, 0x8000) + bytes(16) + client + bytes(10 + 64 + 128)
    return head + b"\x63\x82\x53\x63" + options + b"\xff"


def frame(source: bytes, payload: bytes, fragment: int = 0) -> bytes:
    """From 0.0.0.0 to everybody; UDP without a checksum (RFC 768)."""
    datagram = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, fragment, 64, 17, 0, bytes(4), b"\xff" * 4)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    return b"\xff" * 6 + source + b"\x08\x00" + head + datagram


class Flood:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.link.bind(("eth0", 0x0800))
        self.addresses: set[bytes] = set()

    def take(self, number: int) -> bool:
        """One address more; False when it was not given."""
        source, client = self._names(number)
        named = self.kind == "id"
        offered = self._ask(frame(source, message(1, number, client, number, named=named)), number, 2)
        if offered is None:
            return False
        request = frame(source, message(3, number, client, number, named=named, wanted=offered))
        given = self._ask(request, number, 5)
        if given is not None:
            self.addresses.add(given)
        return given is not None

    def burst(self, count: int) -> None:
        """As after a restart (RFC 2131, 4.3.2): one message an address, all of them before the first answer."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        for number in range(1, count + 1):
            source, client = self._names(number)
            wanted = socket.inet_aton("10.42.0.19")[:3] + bytes([19 + number])
            asked = message(3, number, client, number, named=False, wanted=wanted, server=False)
            self.link.send(frame(source, asked))
        self.link.settimeout(_SILENCE)
        while True:
            try:
                payload = _payload(self.link.recv(2048))
            except TimeoutError:
                return
            if payload and payload[242] == 5:
                self.addresses.add(payload[16:20])

    def _names(self, number: int) -> tuple[bytes, bytes]:
        """Who sends the frame, and for whom the address is."""
        made_up = b"\x02\xba\xdd" + number.to_bytes(3, "big")
        return made_up if self.kind == "all" else _OWN, _OWN if self.kind == "id" else made_up

    def _ask(self, asked: bytes, xid: int, kind: int) -> bytes | None:
        for _ in range(_TRIES):
            self.link.send(asked)
            ends = time.monotonic() + _PATIENCE / _TRIES
            while (left := ends - time.monotonic()) > 0:
                self.link.settimeout(left)
                try:
                    heard = self.link.recv(2048)
                except TimeoutError:
                    break
                payload = _payload(heard)
                if payload[4:8] == xid.to_bytes(4, "big"):
                    return payload[16:20] if payload[242] == kind else None
        return None


def _payload(heard: bytes) -> bytes:
    """A DHCP answer; empty for everything else."""
    payload = heard[14 + (heard[14] & 15) * 4 + 8 :] if len(heard) > 34 else b""
    return payload if len(payload) > 243 and payload[0] == 2 and payload[236:240] == b"\x63\x82\x53\x63" else b""


def main(kind: str, count: int, *, burst: bool = False) -> None:
    flood = Flood(kind)
    begun = time.monotonic()
    if burst:
        flood.burst(count)
    for number in range(1, 0 if burst else count + 1):
        if not flood.take(number):
            break
    print(len(flood.addresses), round(time.monotonic() - begun, 1))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), burst="burst" in sys.argv[3:])
