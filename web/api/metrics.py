"""Numbers for Prometheus, in its text format, version 0.0.4."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from flask import Blueprint, Response, current_app

from gateway.errors import ControlError
from web.api.fields import Fields
from web.api.status import journal_health
from web.backend import backend
from web.stream import Broadcaster

blueprint = Blueprint("api_metrics", __name__)

Sample = tuple[Mapping[str, str], float]

_COUNTERS = {
    "queries_udp": "Queries over UDP.",
    "queries_tcp": "Queries over TCP.",
    "fast": "Queries answered from prepared answers.",
    "blocked": "Queries answered with a block.",
    "coalesced": "Queries that shared the answer to an equal one of the same client.",
    "cache_hits": "Queries answered from the cache.",
    "misses": "Queries that an upstream had to be asked for.",
    "stale": "Expired answers given because no upstream answered (RFC 8767).",
    "prefetches": "Names looked up anew before they expired.",
    "local": "Queries answered from what the gateway knows itself.",
    "servfail": "Queries answered with a failure.",
    "errors": "Queries that met a fault of ours; the log tells which.",
    "upstream_asked": "Questions sent to upstreams.",
    "upstream_errors": "Questions that no upstream answered.",
    "upstream_forged": "Datagrams that answered none of the questions sent: forged, or far too late.",
    "log_dropped": "Lookups answered but not recorded, because the journal fell behind.",
    "malformed": "Datagrams that are no DNS query.",
    "outsiders": "Queries from networks that get no answers.",
    "overload": "Queries dropped because too many were under way.",
    "slowed": "Queries that waited because their client asks for too many new names.",
    "throttled": "Queries dropped because their client asks for far too many new names.",
    "unsent": "Answers that the network did not take.",
    "tcp_turned_away": "TCP connections turned away.",
    "tcp_displaced": "TCP connections closed to make room for a client with fewer.",
    "journal_recorded": "Lookups that are safe on disk.",
    "journal_dropped": "Lookups lost because the journal could not be written.",
    "journal_batches": "Transactions of the journal.",
    "journal_failures": "Transactions of the journal that failed.",
    "network_attempts": "Tries of televisions to go round the resolver.",
    "network_unexplained": "Connections to addresses that no answer explains.",
    "network_connections": "Connections of televisions to the internet.",
    "network_bytes_up": "Bytes from televisions to the internet.",
    "network_bytes_down": "Bytes from the internet to televisions.",
    "network_cuts": "Addresses that a click cut off.",
}
_GAUGES = {
    "in_flight": "Queries under way now.",
    "cache_entries": "Answers in the cache.",
    "cache_bytes": "Size of the cache.",
    "memo_entries": "Prepared answers.",
    "workers": "Processes that answer beside the resolver.",
    "journal_waiting": "Lookups that wait for the journal.",
    "journal_bytes": "Size of the journal's file.",
}


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answers with telltale_up 0 while the resolver does not, so that an alarm can be set on it."""
    Fields.of_query()
    try:
        status: dict[str, Any] | None = backend().control.call("status")
    except ControlError:
        status = None
    streams = len(cast(Broadcaster, current_app.extensions["telltale.stream"]))
    lines = [
        *_family("telltale_up", "gauge", "1 while the resolver answers.", [({}, float(status is not None))]),
        *_family("telltale_dashboard_streams", "gauge", "Live views that are open.", [({}, streams)]),
        *_family(
            "telltale_journal_readable",
            "gauge",
            "1 while the dashboard can read the journal.",
            [({}, float(journal_health()["healthy"]))],
        ),
        *(_of_resolver(status) if status else ()),
    ]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _of_resolver(status: Mapping[str, Any]) -> Iterator[str]:
    build: list[Sample] = [({"version": str(status["version"])}, 1)]
    yield from _family("telltale_build_info", "gauge", "Which Telltale runs.", build)
    uptime: list[Sample] = [({}, float(status["uptime_s"]))]
    yield from _family("telltale_uptime_seconds", "gauge", "Seconds since the resolver started.", uptime)
    listed: list[Sample] = [({}, float(status["listed_names"]))]
    yield from _family("telltale_listed_names", "gauge", "Names on all lists together.", listed)
    parts: list[Sample] = [({"part": str(part["part"])}, float(bool(part["healthy"]))) for part in status["health"]]
    yield from _family("telltale_healthy", "gauge", "1 while this part works.", parts)
    urls = status["upstreams"]
    healthy: list[Sample] = [({"url": str(one["url"])}, float(bool(one["healthy"]))) for one in urls]
    yield from _family("telltale_upstream_healthy", "gauge", "1 while this upstream answers.", healthy)
    latency: list[Sample] = [
        ({"url": str(one["url"])}, one["latency_ms"] / 1000) for one in urls if one["latency_ms"] is not None
    ]
    yield from _family("telltale_upstream_latency_seconds", "gauge", "How long it takes to answer.", latency)
    for name, value in sorted(status["counters"].items()):
        if isinstance(value, int | float):
            family = f"telltale_{re.sub('[^a-z0-9_]', '_', str(name).lower())}"
            # What can also fall is a gauge; the resolver counts everything else from its start.
            if name in _GAUGES or isinstance(value, float):
                yield from _family(family, "gauge", _GAUGES.get(name, "As measured by the resolver."), [({}, value)])
            else:
                says = _COUNTERS.get(name, "As counted since the resolver started.")
                yield from _family(f"{family}_total", "counter", says, [({}, value)])
    yield from _latency(status.get("latency", {}))


def _latency(latency: Mapping[str, Any]) -> Iterator[str]:
    """One histogram a source: its buckets, then sum and count."""
    family, samples = "telltale_answer_seconds", list[str]()
    for source, histogram in latency.items():
        label = f'source="{_escape(source)}"'
        samples += [f'{family}_bucket{{{label},le="{bound:.15g}"}} {count}' for bound, count in histogram["buckets"]]
        samples.append(f'{family}_bucket{{{label},le="+Inf"}} {histogram["count"]}')
        samples.append(f"{family}_sum{{{label}}} {histogram['sum']:.15g}")
        samples.append(f"{family}_count{{{label}}} {histogram['count']}")
    if samples:
        yield f"# HELP {family} How long answers took that were not prepared, by where they came from."
        yield f"# TYPE {family} histogram"
        yield from samples


def _family(name: str, kind: str, says: str, samples: list[Sample]) -> Iterator[str]:
    if samples:
        yield f"# HELP {name} {says}"
        yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        yield f"{name}{{{inner}}} {value:.15g}" if inner else f"{name} {value:.15g}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
