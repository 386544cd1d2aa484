"""A small home whose lookups the journal's tests record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from gateway.journal.engine import open_engine
from gateway.journal.ledger import Ledger
from gateway.journal.preparation import prepare
from gateway.model.device import Device
from gateway.model.lookup import Facts, LogRow
from gateway.model.response import Source
from gateway.model.tag import Category, Party, Tag
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict

NOON = datetime(2025, 6, 10, 12, 0, tzinfo=UTC)
BLOCKED = Verdict(Action.BLOCK, Reason.BLOCK_LIST, matched="||ads.example^", lists=("Easy", "Strict"))

TAGS = {
    "ads.example": Tag("Ads Inc", Category.ADVERTISING, Party.THIRD),
    "log.tv.example": Tag("TV Maker", Category.TELEMETRY, Party.FIRST),
    "time.tv.example": Tag("TV Maker", Category.TIME, Party.FIRST),
}
TELEVISION, PHONE = "192.168.4.2", "192.168.4.3"
DEVICES = {
    TELEVISION: Device("mac:02:00:00:00:00:02", "02:00:00:00:00:02", (TELEVISION,), NOON, NOON, name="Living room"),
    PHONE: Device("mac:02:00:00:00:00:03", "02:00:00:00:00:03", (PHONE,), NOON, NOON, vendor="Phones"),
}


def tag_of(name: str, _targets: tuple[str, ...] = (), _device: Device | None = None) -> Tag:
    return TAGS.get(name, Tag())


def device_of(client: str, _when: float) -> Device:
    return DEVICES.get(client) or Device(f"ip:{client}", None, (client,), NOON, NOON)


def facts(
    name: str,
    verdict: Verdict = ALLOWED,
    *,
    qtype: int = 1,
    targets: tuple[str, ...] = (),
    source: Source = Source.UPSTREAM,
) -> Facts:
    return Facts(name, qtype, 0, Source.POLICY if verdict.blocked else source, verdict, targets)


@lru_cache(maxsize=10_000)
def _shared_facts(name: str, blocked: bool) -> Facts:
    """One object for all lookups of a name, as a prepared answer has it."""
    return facts(name, BLOCKED if blocked else ALLOWED)


def row(
    name: str, seconds: float = 0.0, *, client: str = TELEVISION, blocked: bool = False, latency: float = 0.012
) -> LogRow:
    """A lookup so many seconds after noon."""
    return (NOON.timestamp() + seconds, client, _shared_facts(name, blocked), latency)


@contextmanager
def open_ledger(path: Path) -> Iterator[tuple[Connection, Ledger]]:
    """A prepared journal with a transaction open, committed at the end."""
    prepare(path)
    engine = open_engine(path)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection, Ledger(connection, tag=tag_of, device_of=device_of)
    finally:
        engine.dispose()


def record(path: Path, rows: Sequence[LogRow], *, fold_at: float | None = None) -> None:
    """Writes these lookups; then adds the minutes up that were over at `fold_at` (seconds after noon)."""
    with open_ledger(path) as (_, ledger):
        ledger.dictionary.set_day(int(NOON.timestamp() // 86_400))
        ledger.record([(*row, 1) for row in rows])
        if fold_at is not None:
            ledger.fold(NOON.timestamp() + fold_at)
        ledger.close()
