"""What dnsmasq starts for every lease: tells our process, and is gone.

It runs as a copy beside its socket, with a `#!` line of its own and `-I -S`: a start costs some 30 ms of a core, and no
module of ours is loaded. When nobody listens it notes the event down in a file, which is read at the next start.
It never fails and never waits: dnsmasq has televisions to serve.

A message is `action NUL mac NUL address NUL name NUL key=value NUL ...` in the bytes that dnsmasq gave.
"""

import _socket  # `socket` itself takes longer to import than all of the rest to run
import os
import sys

MOST_NOTED = 1 << 20
KEPT = (
    b"DNSMASQ_SUPPLIED_HOSTNAME",
    b"DNSMASQ_VENDOR_CLASS",
    b"DNSMASQ_REQUESTED_OPTIONS",
    b"DNSMASQ_LEASE_EXPIRES",
    b"DNSMASQ_MAC",
    b"DNSMASQ_IAID",
)


def tell(arguments: list[bytes], environment: dict[bytes, bytes], folder: bytes) -> None:
    """Hands one event over, to the socket or to the file."""
    facts = [key + b"=" + environment[key][:1024] for key in KEPT if key in environment]
    message = b"\0".join([each[:512] for each in (*arguments, b"", b"", b"", b"")[:4]] + facts)
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        os.chdir(folder)
        channel.setblocking(False)
        channel.sendto(message, b"hook.sock")
    except OSError:
        note(message)
    finally:
        channel.close()


def note(message: bytes) -> None:
    """Appends to the file, which has a bound."""
    try:
        handle = os.open("hook.missed", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError:
        return
    try:
        if os.fstat(handle).st_size < MOST_NOTED:
            os.write(handle, message.replace(b"\n", b" ") + b"\n")
    except OSError:
        pass
    finally:
        os.close(handle)


if __name__ == "__main__":
    tell([os.fsencode(each) for each in sys.argv[1:]], dict(os.environb), os.path.dirname(os.fsencode(sys.argv[0])))
