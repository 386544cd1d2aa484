"""A network plan, leases, flows and attempts to JSON and back. Pure; what comes back is checked as a stranger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from typing import Any, TypeVar

from gateway.control.codec import time_to_json
from gateway.errors import Refused
from gateway.model.flow import Attempt, Detour, FlowCount, Outcome
from gateway.model.lease import Lease, Station
from gateway.model.network import AccessPoint, Barrier, Mode, NetworkPlan, Security, StaticLease, TvNetwork

MOST = 4096
"""Things that one list of a plan may have."""
_MOST_TEXT = 512
_T = TypeVar("_T")


def plan_to_json(plan: NetworkPlan) -> dict[str, Any]:
    """`plan_from_json` turns it back. It has the passphrase: for the network process and its owner only."""
    point, tv, barrier = plan.access_point, plan.tv, plan.barrier
    return {
        "mode": plan.mode.value,
        "uplink": plan.uplink,
        "tv": None
        if tv is None
        else {
            "interface": tv.interface,
            "address": str(tv.address),
            "address6": str(tv.address6) if tv.address6 else None,
            "first": str(tv.first),
            "last": str(tv.last),
            "ports": list(tv.ports),
            "lease_seconds": tv.lease_seconds,
            "domain": tv.domain,
            "static": [{"mac": s.mac, "address": str(s.address), "name": s.name} for s in tv.static],
        },
        "access_point": None
        if point is None
        else {
            "interface": point.interface,
            "ssid": point.ssid,
            "passphrase": point.passphrase,
            "country": point.country,
            "band": point.band,
            "channel": point.channel,
            "security": point.security.value,
            "isolated": point.isolated,
        },
        "barrier": {
            "dns_port": barrier.dns_port,
            "web_port": barrier.web_port,
            "resolvers": [str(each) for each in barrier.resolvers],
            "refuse_encrypted": barrier.refuse_encrypted,
            "redirect_time": barrier.redirect_time,
            "isolate_home": barrier.isolate_home,
            "paused": list(barrier.paused),
            "filtering": barrier.filtering,
            "fallback": [str(each) for each in barrier.fallback],
        },
    }


def plan_from_json(value: Any) -> NetworkPlan:
    """The shape is right afterwards; whether the plan makes sense is for its user to check. Raises Refused."""
    fields = _Fields(value, "plan")
    plan = NetworkPlan(
        mode=fields.take("mode", Mode),
        uplink=fields.take("uplink", _text),
        tv=fields.maybe("tv", _tv),
        access_point=fields.maybe("access_point", _access_point),
        barrier=fields.take("barrier", _barrier),
    )
    fields.finish()
    return plan


def lease_to_json(lease: Lease) -> dict[str, Any]:
    return {
        "mac": lease.mac,
        "address": str(lease.address),
        "host": lease.host,
        "vendor_class": lease.vendor_class,
        "requested": list(lease.requested),
        "ends": time_to_json(lease.ends),
    }


def lease_from_json(value: Any) -> Lease:
    """Raises Refused."""
    fields = _Fields(value, "lease")
    lease = Lease(
        mac=fields.take("mac", _text),
        address=fields.take("address", ip_address),
        host=fields.take("host", _text),
        vendor_class=fields.take("vendor_class", _text),
        requested=fields.take("requested", lambda said: _several(said, _number)),
        ends=fields.maybe("ends", _time),
    )
    fields.finish()
    return lease


def station_to_json(station: Station) -> dict[str, Any]:
    return {
        "mac": station.mac,
        "signal": station.signal,
        "seconds": station.seconds,
        "received": station.received,
        "sent": station.sent,
    }


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "mac": attempt.mac,
        "detour": attempt.detour.name,
        "server": attempt.server,
        "protocol": attempt.protocol,
        "port": attempt.port,
        "outcome": attempt.outcome.name,
        "count": attempt.count,
        "first": time_to_json(attempt.first),
        "last": time_to_json(attempt.last),
        "bytes": attempt.bytes,
    }


def attempt_from_json(value: Any) -> Attempt:
    """Raises Refused."""
    fields = _Fields(value, "attempt")
    attempt = Attempt(
        mac=fields.take("mac", _text),
        detour=fields.take("detour", lambda said: Detour[_text(said)]),
        server=fields.take("server", _text),
        protocol=fields.take("protocol", _text),
        port=fields.take("port", _number),
        outcome=fields.take("outcome", lambda said: Outcome[_text(said)]),
        count=fields.take("count", _number),
        first=fields.take("first", _time),
        last=fields.take("last", _time),
        bytes=fields.take("bytes", _number),
    )
    fields.finish()
    return attempt


def flow_to_json(flow: FlowCount) -> dict[str, Any]:
    return {
        "client": flow.client,
        "server": flow.server,
        "protocol": flow.protocol,
        "port": flow.port,
        "up": flow.up,
        "down": flow.down,
        "connections": flow.connections,
        "first": time_to_json(flow.first),
        "last": time_to_json(flow.last),
        # To the microsecond: a lookup and the connection it is for lie a millisecond apart.
        "began": flow.began.isoformat() if flow.began is not None else None,
    }


def flow_from_json(value: Any) -> FlowCount:
    """Raises Refused."""
    fields = _Fields(value, "flow")
    flow = FlowCount(
        client=fields.take("client", _text),
        server=fields.take("server", _text),
        protocol=fields.take("protocol", _text),
        port=fields.take("port", _number),
        up=fields.take("up", _number),
        down=fields.take("down", _number),
        connections=fields.take("connections", _number),
        first=fields.take("first", _time),
        last=fields.take("last", _time),
        began=fields.maybe("began", _time),
    )
    fields.finish()
    return flow


class _Fields:
    """The fields of one object, each taken once; one that is missing, of the wrong kind or unknown is refused."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise Refused(f"The {place} is an object.", place)
        self._left = dict(value)
        self._place = place

    def take(self, key: str, read: Callable[[Any], _T]) -> _T:
        where = f"{self._place}.{key}"
        if key not in self._left:
            raise Refused(f"The {self._place} lacks {key!r}.", where)
        said = self._left.pop(key)
        try:
            return read(said)
        except Refused:
            raise
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
            raise Refused(f"{said!r:.80} cannot stand as {where}.", where) from None

    def maybe(self, key: str, read: Callable[[Any], _T]) -> _T | None:
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        return self.take(key, read)

    def finish(self) -> None:
        if self._left:
            key = str(min(self._left, key=str))
            raise Refused(f"The {self._place} has no {key[:64]!r}.", self._place)


def _tv(value: Any) -> TvNetwork:
    fields = _Fields(value, "tv")
    tv = TvNetwork(
        interface=fields.take("interface", _text),
        address=fields.take("address", lambda said: IPv4Interface(_text(said))),
        address6=fields.maybe("address6", lambda said: IPv6Interface(_text(said))),
        first=fields.take("first", lambda said: IPv4Address(_text(said))),
        last=fields.take("last", lambda said: IPv4Address(_text(said))),
        ports=fields.take("ports", lambda said: _several(said, _text)),
        lease_seconds=fields.take("lease_seconds", _number),
        domain=fields.take("domain", _text),
        static=fields.take("static", lambda said: _several(said, _static)),
    )
    fields.finish()
    return tv


def _static(value: Any) -> StaticLease:
    fields = _Fields(value, "static")
    lease = StaticLease(
        mac=fields.take("mac", _text),
        address=fields.take("address", lambda said: IPv4Address(_text(said))),
        name=fields.take("name", _text),
    )
    fields.finish()
    return lease


def _access_point(value: Any) -> AccessPoint:
    fields = _Fields(value, "access_point")
    point = AccessPoint(
        interface=fields.take("interface", _text),
        ssid=fields.take("ssid", _text),
        passphrase=fields.take("passphrase", _text),
        country=fields.take("country", _text),
        band=fields.take("band", _band),
        channel=fields.take("channel", _number),
        security=fields.take("security", Security),
        isolated=fields.take("isolated", _boolean),
    )
    fields.finish()
    return point


def _barrier(value: Any) -> Barrier:
    fields = _Fields(value, "barrier")
    barrier = Barrier(
        dns_port=fields.take("dns_port", _number),
        web_port=fields.take("web_port", _number),
        resolvers=fields.take("resolvers", lambda said: _several(said, _address)),
        refuse_encrypted=fields.take("refuse_encrypted", _boolean),
        redirect_time=fields.take("redirect_time", _boolean),
        isolate_home=fields.take("isolate_home", _boolean),
        paused=fields.take("paused", lambda said: _several(said, _text)),
        filtering=fields.take("filtering", _boolean),
        fallback=fields.take("fallback", lambda said: _several(said, _address)),
    )
    fields.finish()
    return barrier


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError
    value.encode()
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _band(value: Any) -> float:
    if isinstance(value, bool) or value not in (2.4, 5, 5.0):
        raise ValueError
    return float(value)


def _address(value: Any) -> IPv4Address | IPv6Address:
    return ip_address(_text(value))


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(_text(value)).astimezone(UTC)


def _several(value: Any, read: Callable[[Any], _T]) -> tuple[_T, ...]:
    if not isinstance(value, list) or len(value) > MOST:
        raise ValueError
    return tuple(read(item) for item in value)
