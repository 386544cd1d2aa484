"""A scripted television that wants to reach a tracker that was blocked, in every way we know of.

    for way in WAYS: happened = way.act(escapee)

Each way sends real packets and says what became of them, never what should have. `Way.expected` is what we promise,
`Way.why` the reason where a way cannot be shut.
"""

from __future__ import annotations

import errno
import random
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from gateway.model.flow import Detour, Outcome
from tests.netns.box import Box
from tests.netns.lab import STRANGER4, STRANGER6, sent_again
from tests.netns.outside import Outside
from tests.netns.servers import Serving, fetch
from tests.support.waiting import PATIENCE, wait_until

TRACKER = "tracker.example"
TRACKER4, TRACKER6, CARRIER4 = "203.0.113.66", "2001:db8:99::66", "203.0.113.67"
NEIGHBOUR4 = "10.83.7.66"
ROUTER4 = "10.83.7.1"
GOOGLE4, GOOGLE6 = "8.8.8.8", "2001:4860:4860::8888"
UNLISTED4 = "203.0.113.53"
LATE = {"cached": "203.0.113.71", "running": "203.0.113.72", "open": "203.0.113.73"}
ODD_PORT = 9953
FOREIGN4 = "172.31.9.9"
ZONE: dict[str, dict[str, tuple[str, ...]]] = {
    "site.example": {"A": ("203.0.113.20",)},
    TRACKER: {
        "A": (TRACKER4,),
        "AAAA": (TRACKER6,),
        "TXT": (f'"{TRACKER4}"',),
        "HTTPS": (f"1 . alpn=h3 ipv4hint={TRACKER4}",),
    },
    f"eu.x7f3.{TRACKER}": {"A": (TRACKER4,)},
    "cloak.site.example": {"CNAME": (f"{TRACKER}.",)},
    "alias.site.example": {"HTTPS": (f"0 {TRACKER}.",)},
    "service.site.example": {"HTTPS": (f'1 {TRACKER}. alpn=h3 ipv4hint={TRACKER4} ech="AAT+DQAA"',)},
    "carrier.site.example": {"HTTPS": (f"1 . ipv4hint={CARRIER4}",)},
    "dns.google": {"A": (GOOGLE4,), "AAAA": (GOOGLE6,)},
    "doh.unlisted.example": {"A": (UNLISTED4,)},
    "use-application-dns.net": {"A": ("203.0.113.20",)},
    "_dns.resolver.arpa": {"SVCB": ("1 dns.google. alpn=h2",)},
    **{f"{word}.late.example": {"A": (address,)} for word, address in LATE.items()},
}
_NO_CHECK = 11
_SECRETS = (*(ip_address(text).packed for text in (TRACKER4, TRACKER6)), TRACKER4.encode())


class Fate(Enum):
    """What became of a way."""

    ANSWERED = "answered by us"
    REFUSED = "refused at once"
    CUT = "cut"
    NOWHERE = "leads nowhere"
    LEDGER = "not preventable, in the ledger"
    ESCAPED = "ESCAPED"


@dataclass(frozen=True, slots=True)
class Row:
    """What the ledger says of a way: the key of a detour, or with `name` whom the bytes are booked under."""

    detour: Detour | None = None
    server: str = ""
    protocol: str = ""
    port: int = 0
    outcome: Outcome | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    fate: Fate
    how: str
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    expected: Fate
    act: Callable[[Escapee], Happened] = field(repr=False)
    why: str = ""


class Escapee:
    """The television `tv1` of a box that stands, and its neighbour `tv2`, which plays along."""

    def __init__(self, box: Box, outside: Outside) -> None:
        self.box, self.lab, self.outside = box, box.lab, outside

    def try_way(self, way: Way) -> Happened:
        """What became of it; a question about the tracker that reached the internet is an escape in any case."""
        before = len(self.outside.asked)
        happened = way.act(self)
        leaked = [each for each in self.outside.asked[before:] if each.name.endswith(TRACKER)]
        if leaked and happened.fate is not Fate.LEDGER:
            return Happened(Fate.ESCAPED, f"{happened.how}; but {leaked[0].server} was asked")
        return happened

    @contextmanager
    def here(self) -> Iterator[None]:
        with self.lab.inside("tv1"):
            yield

    def beacon(self) -> None:
        """Returns when a question that may leave has left and come back: whatever was sent before it has had its
        time. (One queue after the other, so nothing overtakes.)"""
        with self.here():
            dns.query.udp(dns.message.make_query("site.example", "A"), STRANGER4, timeout=10, port=ODD_PORT)

    def gateway_link_local(self) -> str:
        said = self.lab.run("gateway", "ip", "-6", "-o", "address", "show", "dev", "br-tv", "scope", "link")
        return said.split("inet6 ")[1].split("/")[0]

    def counter(self, name: str) -> int:
        return int(self.box.client.call("counters")["counters"].get(name, 0))


def _judge(answer: dns.message.Message, rows: tuple[Row, ...] = ()) -> Happened:
    wire = answer.to_wire()
    if any(secret in wire for secret in _SECRETS):
        return Happened(Fate.ESCAPED, "the answer holds the tracker's address")
    if answer.answer:
        return Happened(Fate.ANSWERED, " ".join(answer.answer[0].to_text().split()[3:5]), rows)
    return Happened(Fate.ANSWERED, f"{dns.rcode.to_text(answer.rcode())}, no answer", rows)


def _turned(server: str, tcp: bool = False, port: int = 53) -> Row:
    return Row(Detour.DNS, server, "tcp" if tcp else "udp", port, Outcome.ANSWERED)


def _unexplained(server: str, protocol: str, port: int) -> Row:
    return Row(Detour.UNEXPLAINED, server, protocol, port, Outcome.NOTED)


def ask(
    escapee: Escapee,
    server: str,
    *,
    tcp: bool = False,
    port: int = 53,
    name: str = TRACKER,
    kind: str = "A",
    flags: int | None = None,
    noted: bool = True,
    edns: dict[str, Any] | None = None,
    **options: Any,
) -> Happened:
    """Plain DNS, asked somewhere."""
    question = dns.message.make_query(name, kind, **(edns or {}))
    if flags is not None:
        question.flags = dns.flags.Flag(flags)
    query = dns.query.tcp if tcp else dns.query.udp
    with escapee.here():
        answer = query(question, server, timeout=10, port=port, **options)
    return _judge(answer, (_turned(server, tcp, port),) if noted else ())


def ask_us(escapee: Escapee, **options: Any) -> Happened:
    return ask(escapee, ROUTER4, noted=False, **options)


def refused_tcp(escapee: Escapee, detour: Detour, server: str, port: int) -> Happened:
    """Whoever connects is refused when he knocks for the first time."""
    with escapee.here():
        before = sent_again()
        try:
            socket.create_connection((server, port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            fate = Fate.REFUSED if sent_again() == before else Fate.NOWHERE
            return Happened(fate, "reset", (Row(detour, server, "tcp", port, Outcome.REFUSED),))
    return Happened(Fate.ESCAPED, "connected")


def refused_udp(escapee: Escapee, detour: Detour, server: str, port: int) -> Happened:
    """A datagram is refused. The kernel says so to one device six times, then once a second (icmp(7)), so a silence is
    followed by another datagram, as from a client of QUIC."""
    said = ""
    with escapee.here(), socket.socket(_family(server), socket.SOCK_DGRAM) as channel:
        channel.settimeout(1.1)
        channel.connect((server, port))
        for _ in range(5):
            try:
                channel.send(bytes(64))
                channel.recv(100)
                return Happened(Fate.ESCAPED, "a datagram came back")
            except TimeoutError:
                continue
            except OSError as error:
                said = errno.errorcode.get(error.errno or 0, str(error))
                break
    if not said:
        return Happened(Fate.NOWHERE, "silence")
    return Happened(Fate.REFUSED, f"ICMP ({said})", (Row(detour, server, "udp", port, Outcome.REFUSED),))


def refused_tunnel(escapee: Escapee, protocol: int) -> Happened:
    """A question for 8.8.8.8 in another packet's belly, to somebody outside who would unpack it."""
    inner = dns.message.make_query(TRACKER, "A").to_wire()
    datagram = struct.pack("!HHHH", 40000, 53, 8 + len(inner), 0) + inner
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, bytes(4), bytes([8] * 4))
    packet = header + datagram
    before = escapee.counter("tunnel_refused")
    with escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as channel:
        channel.settimeout(1.1)
        channel.connect((STRANGER4, 0))
        for _ in range(5):
            try:
                channel.send(packet)
                channel.settimeout(0.3)
                channel.recv(100)
            except TimeoutError:
                continue
            except OSError as error:
                # Protocol unreachable is what somebody out there says who has no such tunnel.
                fate = Fate.ESCAPED if error.errno == errno.ENOPROTOOPT else Fate.REFUSED
                return Happened(fate, f"ICMP ({errno.errorcode.get(error.errno or 0, str(error))})")
    if escapee.counter("tunnel_refused") < before + 5:
        return Happened(Fate.ESCAPED, "it was let through")
    return Happened(Fate.NOWHERE, "dropped")


def without_checksum(escapee: Escapee) -> Happened:
    """UDP over IPv4 may leave the checksum out (RFC 768)."""
    question = dns.message.make_query(TRACKER, "A")
    with escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.setsockopt(socket.SOL_SOCKET, _NO_CHECK, 1)
        return _judge(dns.query.udp(question, STRANGER4, timeout=10, sock=channel), (_turned(STRANGER4),))


def with_wrong_checksum(escapee: Escapee) -> Happened:
    """A careless resolver would take it; connection tracking does not, so nobody redirects it."""
    wire = dns.message.make_query(TRACKER, "A").to_wire()
    with (
        escapee.here(),
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
    ):
        ear.bind(("0.0.0.0", 0))
        header = struct.pack("!HHHH", ear.getsockname()[1], 53, 8 + len(wire), 0xBEEF)
        raw.sendto(header + wire, (STRANGER4, 0))
        escapee.beacon()
        return _silence(ear)


def source_routed(escapee: Escapee) -> Happened:
    """Addressed to us, with a route in its options that leads on to 8.8.8.8 (RFC 791, loose source route)."""
    wire = dns.message.make_query(TRACKER, "A").to_wire()
    with escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        # The kernel takes the first hop out of the list, and sends it there.
        hops = socket.inet_aton(ROUTER4) + socket.inet_aton(GOOGLE4)
        channel.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 3 + len(hops), 4]) + hops + b"\0")
        channel.sendto(wire, (GOOGLE4, 53))
        escapee.beacon()
        return _silence(channel)


def multicast(escapee: Escapee, group: str, port: int) -> Happened:
    """A name service for the own network only."""
    wire = dns.message.make_query(TRACKER, "A").to_wire()
    with escapee.here(), socket.socket(_family(group), socket.SOCK_DGRAM) as channel:
        place = (group, port, 0, socket.if_nametoindex("eth0")) if ":" in group else (group, port)
        channel.sendto(wire, place)
        escapee.beacon()
        return _silence(channel)


def given_by_a_neighbour(escapee: Escapee) -> Happened:
    """Another television answers over multicast DNS; what it says we never see, but who is contacted then we do."""
    with escapee.lab.inside("tv2"):
        talker = Serving()
        talker.listen("0.0.0.0", 5353, socket.SOCK_DGRAM, lambda s, _data, who: s.sendto(TRACKER4.encode(), who))
    with talker, escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(10)
        channel.sendto(b"?", (NEIGHBOUR4, 5353))
        try:
            address = channel.recv(100).decode()
        except TimeoutError:
            return Happened(Fate.NOWHERE, "silence")
        fetch(address, 2000, 8009)
    return Happened(Fate.LEDGER, f"contacted {address}", (_unexplained(address, "tcp", 8009),))


def _silence(channel: socket.socket) -> Happened:
    channel.setblocking(False)
    with suppress(OSError):
        return _judge(dns.message.from_wire(channel.recv(4096)))
    return Happened(Fate.NOWHERE, "nothing arrives, nothing comes back")


def from_static_address(escapee: Escapee, address: str) -> Happened:
    with escapee.here():
        subprocess.run(("ip", "address", "replace", address, "dev", "eth0"), check=True, timeout=20)
    try:
        return ask(escapee, GOOGLE4, source=address.split("/", maxsplit=1)[0])
    finally:
        with escapee.here():
            subprocess.run(("ip", "address", "del", address, "dev", "eth0"), check=True, timeout=20)


def from_foreign_address(escapee: Escapee) -> Happened:
    """An address that is none of our network: neither a question nor a connection gets anywhere."""
    before = escapee.counter("foreign_source")
    with escapee.here():
        subprocess.run(("ip", "address", "replace", f"{FOREIGN4}/32", "dev", "eth0"), check=True, timeout=20)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connecting,
        ):
            asking.bind((FOREIGN4, 0))
            asking.sendto(dns.message.make_query(TRACKER, "A").to_wire(), (GOOGLE4, 53))
            connecting.bind((FOREIGN4, 0))
            connecting.setblocking(False)
            connecting.connect_ex((TRACKER4, 443))
            escapee.beacon()
            happened = _silence(asking)
            connected = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and _is_connected(connecting)
        subprocess.run(("ip", "address", "del", f"{FOREIGN4}/32", "dev", "eth0"), check=True, timeout=20)
    if connected:
        return Happened(Fate.ESCAPED, "connected")
    if escapee.counter("foreign_source") < before + 2:
        return Happened(Fate.ESCAPED, "the firewall did not meet it")
    return happened


def _is_connected(channel: socket.socket) -> bool:
    try:
        channel.getpeername()
    except OSError:
        return False
    return True


def with_another_card(escapee: Escapee) -> Happened:
    """A new device, as far as anybody can tell; the rules for everybody hold for it as well. The last of the ways."""
    for words in (("down",), ("address", "02:42:00:00:66:66"), ("up",)):
        escapee.lab.run("tv1", "ip", "link", "set", "eth0", *words)
    escapee.box.ask_for_address("tv1")
    happened = ask(escapee, GOOGLE4)
    known = {each["mac"] for each in escapee.box.control.call("devices.list")["devices"]}
    says = "a new device" if "02:42:00:00:66:66" in known else "not noticed"
    return Happened(happened.fate, f"{happened.how}; {says}")


def over_link_local(escapee: Escapee, tcp: bool) -> Happened:
    return ask(escapee, f"{escapee.gateway_link_local()}%eth0", tcp=tcp, noted=False)


def rogue_router(escapee: Escapee, *, hidden: bool) -> Happened:
    """The neighbour advertises itself as router and resolver (RFC 4861, 8106), if `hidden` behind an extension header
    (RFC 7113)."""
    before = escapee.counter("rogue_router")
    resolver = struct.pack("!BBHI", 25, 3, 0, 1800) + ip_address("fd66::66").packed
    advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 8, 1800, 0, 0) + resolver
    with escapee.here(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as ear:
        # Only advertisements are wanted (RFC 3542 section 3.2: a filter of 256 bits, 1 blocks).
        blocks = bytearray(b"\xff" * 32)
        blocks[134 // 32 * 4 : 134 // 32 * 4 + 4] = struct.pack("=I", 0xFFFFFFFF & ~(1 << (134 % 32)))
        ear.setsockopt(socket.IPPROTO_ICMPV6, 1, bytes(blocks))
        ear.settimeout(10)
        with (
            escapee.lab.inside("tv2"),
            socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as rogue,
        ):
            rogue.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            if hidden:
                rogue.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
            rogue.sendto(advertisement, ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
        wait_until(lambda: escapee.counter("rogue_router") > before)
        # Ours is asked for: when it has come, the other would have come before it.
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as asking:
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            asking.sendto(struct.pack("!BBHI", 133, 0, 0, 0), ("ff02::2", 0, 0, socket.if_nametoindex("eth0")))
        ours = escapee.gateway_link_local()
        while True:
            heard, sender = ear.recvfrom(1500)
            if ip_address("fd66::66").packed in heard:
                return Happened(Fate.ESCAPED, f"heard {sender[0]}")
            if sender[0].partition("%")[0] == ours:
                return Happened(Fate.NOWHERE, "dropped between televisions")


def rogue_dhcp(escapee: Escapee) -> Happened:
    """The neighbour runs a real DHCP server that names itself as router and resolver."""
    folder = escapee.box.folder
    server = escapee.lab.start(
        "tv2", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping", "--interface=eth0",
        "--bind-interfaces", "--dhcp-authoritative", "--dhcp-range=10.83.7.220,10.83.7.230,255.255.255.0,1h",
        f"--dhcp-option=3,{NEIGHBOUR4}", f"--dhcp-option=6,{NEIGHBOUR4}", f"--dhcp-leasefile={folder}/rogue.leases",
        "--log-dhcp", "--log-facility=-", stderr=subprocess.PIPE,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        while "DHCP, IP range" not in server.stderr.readline():
            assert server.poll() is None, "the rogue did not start"
        before = escapee.counter("rogue_dhcp")
        offered = escapee.box.ask_for_address("tv1")
        wait_until(lambda: escapee.counter("rogue_dhcp") > before)
    finally:
        server.kill()
        server.communicate()
    if NEIGHBOUR4 in offered:
        return Happened(Fate.ESCAPED, f"believed {NEIGHBOUR4}")
    return Happened(Fate.NOWHERE, "dropped between televisions")


def neighbour_answers(escapee: Escapee) -> Happened:
    """A resolver in another television. Where the kernel shows bridged packets to the rules between networks
    (br_netfilter), we answer; here it does not, as on most boxes."""
    with escapee.lab.inside("gateway"):
        switches = [Path(f"/proc/sys/net/bridge/bridge-nf-call-{word}tables") for word in ("ip", "ip6")]
        for switch in switches:
            if switch.exists():
                switch.write_text("0")
    with escapee.lab.inside("tv2"):
        rogue = Outside(ZONE, [(NEIGHBOUR4, 53)])
    before = escapee.counter("rogue_dns")
    with rogue, escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.sendto(dns.message.make_query(TRACKER, "A").to_wire(), (NEIGHBOUR4, 53))
        wait_until(lambda: rogue.asked or escapee.counter("rogue_dns") > before)
        happened = _silence(channel)
    return Happened(Fate.ESCAPED, "the neighbour was asked") if rogue.asked else happened


def address_after_the_click(escapee: Escapee) -> Happened:
    """The address was looked up before the name was blocked, and is used after it."""
    name, address = "cached.late.example", LATE["cached"]
    with escapee.here():
        dns.query.udp(dns.message.make_query(name, "A"), ROUTER4, timeout=10)
        fetch(address, 1000, 443)
    _on_the_dashboard(escapee, name)
    escapee.box.block(name)
    return _refused(escapee, address)


def download_after_the_click(escapee: Escapee) -> Happened:
    name, address = "running.late.example", LATE["running"]
    with escapee.here():
        dns.query.udp(dns.message.make_query(name, "A"), ROUTER4, timeout=10)
        connection = socket.create_connection((address, 443), timeout=10)
    with connection:
        connection.sendall(b"0\n")
        assert connection.recv(1000)
        _on_the_dashboard(escapee, name)
        escapee.box.block(name)
        try:
            wait_until(lambda: not connection.recv(1 << 20), "the download ends")
        except OSError as error:
            return Happened(Fate.CUT, errno.errorcode.get(error.errno or 0, "silence"))
    return Happened(Fate.CUT, "closed")


def stream_over_the_click(escapee: Escapee) -> Happened:
    """One TCP connection for DNS, to 8.8.8.8 as the television thinks, is kept open over the click."""
    name = "open.late.example"
    with escapee.here():
        connection = socket.create_connection((GOOGLE4, 53), timeout=10)
    with connection:
        question = dns.message.make_query(name, "A")
        before = dns.query.tcp(question, GOOGLE4, timeout=10, sock=connection)
        assert LATE["open"] in before.to_text()
        escapee.box.block(name)
        after = dns.query.tcp(question, GOOGLE4, timeout=10, sock=connection)
    if LATE["open"] in after.to_text():
        return Happened(Fate.ESCAPED, "the old answer")
    return _judge(after, (_turned(GOOGLE4, tcp=True),))


def _on_the_dashboard(escapee: Escapee, name: str) -> None:
    """Nobody clicks on what is not yet shown."""
    reader = escapee.box.reader()
    try:
        wait_until(lambda: any(row.name == name for row in reader.lookups(limit=200).lookups))
    finally:
        reader.close()


def _refused(escapee: Escapee, address: str) -> Happened:
    def refused() -> bool:
        try:
            with escapee.here():
                fetch(address, 1000, 443)
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)
        return False

    wait_until(refused, f"{address} is refused")
    return Happened(Fate.CUT, "reset")


def by_name_of_a_known_resolver(escapee: Escapee) -> Happened:
    """DNS over HTTPS begins with a lookup of the resolver's own name."""
    with escapee.here():
        answer = dns.query.udp(dns.message.make_query("dns.google", "A"), ROUTER4, timeout=10)
    address = answer.answer[0][0].to_text()
    happened = refused_tcp(escapee, Detour.DOH_ADDRESS, address, 443)
    noted = Row(Detour.DOH_NAME, "dns.google", "tcp", 443, Outcome.NOTED)
    return Happened(happened.fate, f"the lookup is noted, then {happened.how}", (*happened.rows, noted))


def straight_to_the_address(escapee: Escapee, address: str) -> Happened:
    with escapee.here():
        got = fetch(address, 2000, 443)
    return Happened(Fate.LEDGER, f"{got} bytes came", (_unexplained(address, "tcp", 443),))


def unlisted(escapee: Escapee, port: int, *, tcp: bool = False, server: str = STRANGER4) -> Happened:
    """A resolver that nobody has listed, on a port that is not DNS's."""
    question = dns.message.make_query(TRACKER, "A")
    with escapee.here():
        (dns.query.tcp if tcp else dns.query.udp)(question, server, timeout=10, port=port)
    return Happened(Fate.LEDGER, f"{server} answered", (_unexplained(server, "tcp" if tcp else "udp", port),))


def unlisted_by_name(escapee: Escapee) -> Happened:
    name = "doh.unlisted.example"
    with escapee.here():
        answer = dns.query.udp(dns.message.make_query(name, "A"), ROUTER4, timeout=10)
        address = answer.answer[0][0].to_text()
        dns.query.tcp(dns.message.make_query(TRACKER, "A"), address, timeout=10, port=8443)
    return Happened(Fate.LEDGER, f"{address} answered", (Row(name=name),))


def hint_under_another_name(escapee: Escapee) -> Happened:
    """A site that plays along hands out the tracker's address as its own."""
    name = "carrier.site.example"
    with escapee.here():
        answer = dns.query.udp(dns.message.make_query(name, "HTTPS"), ROUTER4, timeout=10)
        assert CARRIER4 in answer.to_text()
        fetch(CARRIER4, 2000, 443)
    return Happened(Fate.LEDGER, f"contacted {CARRIER4}", (Row(name=name),))


def echo_tunnel(escapee: Escapee) -> Happened:
    """Bytes in the payload of a ping; the other end need only listen."""
    wire = dns.message.make_query(TRACKER, "A").to_wire()
    body = struct.pack("!HH", random.getrandbits(16), 1) + wire
    request = struct.pack("!BBH", 8, 0, _checksum(struct.pack("!BBH", 8, 0, 0) + body)) + body
    with escapee.here(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as channel:
        channel.settimeout(10)
        channel.connect((STRANGER4, 0))
        channel.send(request)
        while wire not in channel.recv(2000):
            """Something else."""
    return Happened(Fate.LEDGER, "the payload came back", (_unexplained(STRANGER4, "icmp", 0),))


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _way(title: str, expected: Fate, act: Callable[..., Happened], why: str = "", /, **arguments: Any) -> Way:
    return Way(title, expected, partial(act, **arguments), why)


_DO_CD = {"use_edns": 0, "ednsflags": dns.flags.DO, "payload": 4096}
_LONG = {"use_edns": 0, "payload": 4096, "pad": 1800}
_ECS = {"use_edns": 0, "options": [dns.edns.ECSOption("198.51.100.0", 24)]}
_BIG = "looks like any other secure connection; whom the device contacts is listed all the same"
_ANY = "whoever is contacted could be anybody's server; the address is listed because no answer of ours explains it"

WAYS: tuple[Way, ...] = (
    _way("8.8.8.8 over UDP", Fate.ANSWERED, ask, server=GOOGLE4),
    _way("8.8.8.8 over TCP", Fate.ANSWERED, ask, server=GOOGLE4, tcp=True),
    _way("2001:4860:4860::8888 over UDP", Fate.ANSWERED, ask, server=GOOGLE6, kind="AAAA"),
    _way("2001:4860:4860::8888 over TCP", Fate.ANSWERED, ask, server=GOOGLE6, kind="AAAA", tcp=True),
    _way("a resolver on no list", Fate.ANSWERED, ask, server=STRANGER4),
    _way("a resolver on no list, IPv6", Fate.ANSWERED, ask, server=STRANGER6, kind="AAAA"),
    _way("port 54 over UDP", Fate.ANSWERED, ask, server=STRANGER4, port=54),
    _way("port 54 over TCP", Fate.ANSWERED, ask, server=STRANGER4, port=54, tcp=True),
    _way("port 5353 of a public address", Fate.ANSWERED, ask, server=STRANGER4, port=5353),
    _way("port 5353 of a public address, IPv6", Fate.ANSWERED, ask, server=STRANGER6, port=5353, kind="AAAA"),
    _way("source port 53", Fate.ANSWERED, ask, server="9.9.9.9", source_port=53),
    _way("padded to 468 bytes", Fate.ANSWERED, ask, server="1.1.1.1", edns={"use_edns": 0, "pad": 468}),
    _way("IP fragments", Fate.ANSWERED, ask, server=STRANGER4, edns=_LONG),
    _way("IPv6 fragments", Fate.ANSWERED, ask, server=STRANGER6, edns=_LONG, kind="AAAA"),
    _way("UDP without checksum", Fate.ANSWERED, without_checksum),
    _way("UDP with a wrong checksum", Fate.NOWHERE, with_wrong_checksum),
    _way("a source-routed question", Fate.NOWHERE, source_routed),
    _way("flags: no recursion wanted", Fate.ANSWERED, ask, server=GOOGLE4, flags=0),
    _way("flags: DNSSEC, checking disabled", Fate.ANSWERED, ask, server=GOOGLE4, flags=0x0110, edns=_DO_CD),
    _way("client subnet in the question", Fate.ANSWERED, ask, server=GOOGLE4, edns=_ECS),
    _way("ANY", Fate.ANSWERED, ask_us, kind="ANY"),
    _way("an HTTPS record of the tracker", Fate.ANSWERED, ask_us, kind="HTTPS"),
    _way("a TXT record with the address", Fate.ANSWERED, ask_us, kind="TXT"),
    _way("capitals (0x20)", Fate.ANSWERED, ask_us, name="TrAcKeR.eXaMpLe"),
    _way("a subdomain nobody has listed", Fate.ANSWERED, ask_us, name=f"eu.x7f3.{TRACKER}"),
    _way("our own domain behind the name", Fate.ANSWERED, ask_us, name=f"{TRACKER}.tv.lan"),
    _way("a CNAME cloak", Fate.ANSWERED, ask_us, name="cloak.site.example"),
    _way("a CNAME cloak at 8.8.8.8", Fate.ANSWERED, ask, server=GOOGLE4, name="cloak.site.example", tcp=True),
    _way("an HTTPS record, alias", Fate.ANSWERED, ask_us, name="alias.site.example", kind="HTTPS"),
    _way("an HTTPS record, hint and ech", Fate.ANSWERED, ask_us, name="service.site.example", kind="HTTPS"),
    _way("discovery of a designated resolver", Fate.ANSWERED, ask_us, name="_dns.resolver.arpa", kind="SVCB"),
    _way("the canary of browsers", Fate.ANSWERED, ask_us, name="use-application-dns.net"),
    _way("our link-local address over UDP", Fate.ANSWERED, over_link_local, tcp=False),
    _way("our link-local address over TCP", Fate.ANSWERED, over_link_local, tcp=True),
    _way("DoT, known resolver", Fate.REFUSED, refused_tcp, detour=Detour.DOT, server=GOOGLE4, port=853),
    _way("DoT, known resolver, IPv6", Fate.REFUSED, refused_tcp, detour=Detour.DOT, server=GOOGLE6, port=853),
    _way("DoT, resolver on no list", Fate.REFUSED, refused_tcp, detour=Detour.DOT, server=STRANGER4, port=853),
    _way("DoQ, known resolver", Fate.REFUSED, refused_udp, detour=Detour.DOQ, server=GOOGLE4, port=853),
    _way("DoQ, resolver on no list, IPv6", Fate.REFUSED, refused_udp, detour=Detour.DOQ, server=STRANGER6, port=853),
    _way("DoH, known resolver", Fate.REFUSED, refused_tcp, detour=Detour.DOH_ADDRESS, server="1.1.1.1", port=443),
    _way("DoH, known, IPv6", Fate.REFUSED, refused_tcp, detour=Detour.DOH_ADDRESS, server=GOOGLE6, port=443),
    _way("DoH over HTTP/3, known", Fate.REFUSED, refused_udp, detour=Detour.DOH_ADDRESS, server="9.9.9.9", port=443),
    _way("DoH, known resolver by name", Fate.REFUSED, by_name_of_a_known_resolver),
    _way("known resolver, another port", Fate.REFUSED, refused_tcp, detour=Detour.DNS, server=GOOGLE4, port=8443),
    _way("IPv6 in IPv4 (protocol 41)", Fate.NOWHERE, refused_tunnel, protocol=41),
    _way("IP in IP (protocol 4)", Fate.NOWHERE, refused_tunnel, protocol=4),
    _way("GRE (protocol 47)", Fate.REFUSED, refused_tunnel, protocol=47),
    _way("ESP (protocol 50)", Fate.REFUSED, refused_tunnel, protocol=50),
    _way("L2TP (protocol 115)", Fate.NOWHERE, refused_tunnel, protocol=115),
    _way("mDNS", Fate.NOWHERE, multicast, group="224.0.0.251", port=5353),
    _way("mDNS, IPv6", Fate.NOWHERE, multicast, group="ff02::fb", port=5353),
    _way("LLMNR", Fate.NOWHERE, multicast, group="224.0.0.252", port=5355),
    _way("a rogue router advertisement", Fate.NOWHERE, rogue_router, hidden=False),
    _way("the same behind an extension header", Fate.NOWHERE, rogue_router, hidden=True),
    _way("a rogue DHCP server", Fate.NOWHERE, rogue_dhcp),
    _way("another television's resolver", Fate.NOWHERE, neighbour_answers),
    _way("a static address of our network", Fate.ANSWERED, from_static_address, address="10.83.7.99/24"),
    _way("a static address of another network", Fate.NOWHERE, from_foreign_address),
    _way("a known address after the click", Fate.CUT, address_after_the_click),
    _way("a running download after the click", Fate.CUT, download_after_the_click),
    _way("DNS over TCP, open over the click", Fate.ANSWERED, stream_over_the_click),
    _way("an address known by heart", Fate.LEDGER, straight_to_the_address, _ANY, address=TRACKER4),
    _way("an address known by heart, IPv6", Fate.LEDGER, straight_to_the_address, _ANY, address=TRACKER6),
    _way("an address from another television", Fate.LEDGER, given_by_a_neighbour, _ANY),
    _way("an address under another name", Fate.LEDGER, hint_under_another_name,
         "the site says that it is its own address; its bytes are booked under that name"),
    _way("DoH, resolver on no list", Fate.LEDGER, unlisted, _BIG, port=443, tcp=True),
    _way("DoH over HTTP/3, no list", Fate.LEDGER, unlisted, _BIG, port=443),
    _way("DoH, no list, by name", Fate.LEDGER, unlisted_by_name, "the name is looked up and shown; it can be blocked"),
    _way("plain DNS on an odd port", Fate.LEDGER, unlisted, _ANY, port=ODD_PORT, server=STRANGER6),
    _way("DNS in place of NTP", Fate.LEDGER, unlisted, "a television without a clock is offline, so port 123 is open",
         port=123),
    _way("a tunnel in pings", Fate.LEDGER, echo_tunnel, "televisions find out by pings whether they are online"),
    _way("a changed MAC address", Fate.ANSWERED, with_another_card),
)  # fmt: skip
