"""How bytes and ways round the resolver are said to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.journal.views import DetourRow, ExchangeRow
from gateway.model.flow import Detour, Outcome
from web.present import counted

_UNITS = ("bytes", "kB", "MB", "GB", "TB")

_WAYS = {
    Detour.DNS.value: "asked another resolver directly",
    Detour.DOT.value: "tried encrypted DNS (over TLS)",
    Detour.DOQ.value: "tried encrypted DNS (over QUIC)",
    Detour.DOH_ADDRESS.value: "tried encrypted DNS (inside web traffic)",
    Detour.DOH_NAME.value: "looked up an encrypted resolver",
    Detour.TIME.value: "asked another time server",
    Detour.UNEXPLAINED.value: "contacted an address that no lookup explains",
}
_OUTCOMES = {
    Outcome.ANSWERED.value: "Telltale answered instead",
    Outcome.REFUSED.value: "refused",
    Outcome.NOTED.value: "noted, not stopped",
}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What one company (None: nobody known) exchanged with a device, and with which names."""

    company: str | None
    up: int
    down: int
    rows: tuple[ExchangeRow, ...]


def size(count: float) -> str:
    """ "812 bytes", "1.2 MB": powers of a thousand, as on the box of a disk."""
    left = float(max(count, 0))
    for unit in _UNITS:
        if left < 999.5 or unit == _UNITS[-1]:
            if unit == "bytes":
                return counted(left, "byte")
            return f"{left:.1f} {unit}" if left < 9.95 else f"{left:,.0f} {unit}"
        left /= 1000
    raise AssertionError("the last unit takes everything")


def way(row: DetourRow) -> str:
    """What the device did: "asked another resolver directly"."""
    return _WAYS.get(row.detour, row.detour)


def outcome(row: DetourRow) -> str:
    """What Telltale did: "Telltale answered instead"."""
    return _OUTCOMES.get(row.outcome, row.outcome)


def sentence(rows: Sequence[DetourRow], whose: Mapping[str, str], who: str = "This device") -> str:
    """All of it in one sentence; `whose` maps servers to who runs them. "" when there is nothing to tell."""
    parts = [
        _most(rows, (Detour.DNS,), lambda row: f"asked {_named(row, whose)} directly {_times(row)}"),
        _most(rows, _ENCRYPTED, lambda row: f"tried encrypted DNS at {_named(row, whose)} {_times(row)}"),
    ]
    strangers = [row for row in rows if row.detour == Detour.UNEXPLAINED.value]
    if strangers:
        several = counted(len(strangers), "address", "addresses")
        parts.append(f"contacted {several} that no lookup explains")
    said = [each for each in parts if each]
    return f"{who} {_listed(said)}." if said else ""


def by_company(rows: Iterable[ExchangeRow]) -> list[Exchanged]:
    """Most bytes first."""
    grouped: dict[str | None, list[ExchangeRow]] = {}
    for row in rows:
        grouped.setdefault(row.company, []).append(row)
    sums = [
        Exchanged(company, sum(row.up for row in own), sum(row.down for row in own), tuple(own))
        for company, own in grouped.items()
    ]
    return sorted(sums, key=lambda each: each.up + each.down, reverse=True)


_ENCRYPTED = (Detour.DOT, Detour.DOQ, Detour.DOH_ADDRESS, Detour.DOH_NAME)


def _most(rows: Iterable[DetourRow], kinds: Iterable[Detour], say: Callable[[DetourRow], str]) -> str:
    """The most frequent of these kinds, with what became of it."""
    values = {kind.value for kind in kinds}
    mine = [row for row in rows if row.detour in values]
    if not mine:
        return ""
    most = max(mine, key=lambda row: row.count)
    others = len({row.server for row in mine}) - 1
    more = f" (and {counted(others, 'other')})" if others else ""
    return f"{say(most)}{more}; {outcome(most)}"


def _named(row: DetourRow, whose: Mapping[str, str]) -> str:
    owner = whose.get(row.server)
    return f"{row.server} ({owner})" if owner else row.server or "several servers"


def _times(row: DetourRow) -> str:
    return "once" if row.count == 1 else f"{row.count:,} times"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ". It ".join(parts)
