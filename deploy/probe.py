"""Does the Telltale at this address answer? Exit status 0 when DNS and the dashboard both do. Standard library only."""

from __future__ import annotations

import http.client
import os
import socket
import sys


def answers_dns(address: str) -> bool:
    """Asks for telltale.lan, which needs no uplink (RFC 1035, 4.1)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    number = os.urandom(2)
    query = number + bytes.fromhex("01000001000000000000") + b"\x08telltale\x03lan\x00\x00\x01\x00\x01"
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(2)
        asking.connect((address, 53))
        asking.send(query)
        answer = asking.recv(4096)
    return answer[:2] == number and bool(answer[2] & 0x80) and answer[3] & 15 == 0


def shows_dashboard(address: str) -> bool:
    connection = http.client.HTTPConnection(address, 80, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        well = answers_dns(sys.argv[1]) and shows_dashboard(sys.argv[1])
    except (OSError, http.client.HTTPException, IndexError):
        well = False
    sys.exit(not well)
