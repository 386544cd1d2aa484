"""The records of a section, each with where its parts stand."""

from __future__ import annotations

from gateway.model.dns import QType
from gateway.model.word import word
from gateway.wire.names import read_name
from gateway.wire.peek import record_at

_POINTER = 0xC0


@word()
class RawRecord:
    """One record of a message. `owner` is canonical; offsets count from the start of the message."""

    start: int
    owner: str
    rtype: int
    rclass: int
    data: int
    end: int


def read_section(wire: bytes, offset: int, count: int, seen: dict[int, str]) -> tuple[list[RawRecord], int]:
    """`count` records from `offset` on, OPT records left out, and the offset behind them. Raises WireError.

    `seen` remembers where pointers lead, over all sections of one message: thousands of them to one long name cost
    that name once.
    """
    records = []
    for _ in range(count):
        rtype, rclass, _, data, end = record_at(wire, offset)
        if rtype != QType.OPT:
            records.append(RawRecord(offset, _owner(wire, offset, seen), rtype, rclass, data, end))
        offset = end
    return records, offset


def _owner(wire: bytes, offset: int, seen: dict[int, str]) -> str:
    if wire[offset] < _POINTER:
        return read_name(wire, offset)[0]
    target = (wire[offset] & 0x3F) << 8 | wire[offset + 1]
    owner = seen.get(target)
    if owner is None:
        owner = seen[target] = read_name(wire, offset)[0]
    return owner
